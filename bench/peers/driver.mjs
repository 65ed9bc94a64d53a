// What every JavaScript driver has in common: the job, the modes, the clock, and the line with the result.
// bench/peers/README.md says what the arguments and the result mean.

import { readFileSync } from 'node:fs'
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

const words = Object.fromEntries(process.argv.slice(2).map(pair => pair.split(/=(.*)/s, 2)))
const numbers = Object.fromEntries(Object.entries(words).map(([name, text]) => [name, Number(text)]))

export const job = {
  ...numbers,
  servers: words.servers,
  topic: words.topic,
  mode: words.mode,
  codec: words.codec,
  isIdempotent: words.idempotent === 'true',
  words,
}

const valueCount = 1024
const corpus = readFileSync(words.corpus)

/** Values of the asked size, cut out of the corpus one after the other. */
export const values = Array.from({ length: valueCount }, (_, i) => {
  const at = (i * job.size) % (corpus.length - job.size)
  return Buffer.from(corpus.subarray(at, at + job.size))
})

export const valueAt = i => values[i & (valueCount - 1)]
export const partitionOf = i => i % job.partitions
export const turn = () => new Promise(setImmediate)

/** Calls `one(i)` again and again, `count` of them at a time, until it is over. Resolves with how many there were. */
async function workers(count, isOver, one, step = 1) {
  let next = 0
  async function work() {
    while (!isOver()) {
      const i = next
      next += step
      await one(i)
    }
  }
  await Promise.all(Array.from({ length: count }, work))
  return next
}

const perCaller = 1000
const together = (count, one) => Promise.all(Array.from({ length: count }, (_, n) => one(n)))

const modes = {
  dispatch: (client, isOver) => client.dispatch(isOver),
  writable: (client, isOver) => client.writable(isOver),
  // Few callers with many sends each, so that what is measured are the promises of the client, not those around them.
  send: (client, isOver) =>
    workers(job.concurrency / perCaller, isOver, i => together(perCaller, n => client.send(i + n)), perCaller),
  sendMany: (client, isOver) => workers(job.concurrency, isOver, i => client.sendMany(i, job.group), job.group),
  async 'one-by-one'(client, isOver, latencies) {
    return workers(1, isOver, async i => {
      const start = performance.now()
      await client.send(i)
      latencies.push(performance.now() - start)
    })
  },
  // A message's time begins when it is due, not when its turn comes: a client that falls behind has no way to hide it.
  // During the warm-up the rate rises: what is not compiled yet would fall behind, and its garbage would be collected later.
  async paced(client, isOver, latencies, isWarmUp) {
    const start = performance.now()
    const perMs = job.rate / 1000
    const dueAfter = ms => ms * perMs * (isWarmUp ? Math.min(1, ms / (job.warmUp * 2000)) : 1)
    const sent = []
    let i = 0
    while (!isOver()) {
      for (const due = dueAfter(performance.now() - start); i < due; i++) {
        const dueAt = start + i / perMs
        const done = client.send(i).then(() => latencies.push(performance.now() - dueAt))
        if (i % 1000 === 0) sent.push(done)
      }
      await sleep(1)
    }
    await Promise.all(sent)
    return i
  },
}

/** Runs one mode for some seconds and until everything is answered. */
async function produce(client, seconds, latencies, isWarmUp) {
  let over = false
  const timer = setTimeout(() => {
    over = true
  }, seconds * 1000)
  const count = await modes[job.mode](client, () => over, latencies, isWarmUp)
  await client.flush()
  clearTimeout(timer)
  return count
}

function percentiles(latencies) {
  if (latencies.length === 0) return null
  const sorted = Float64Array.from(latencies).sort()
  const at = share => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) }
}

const peakRssBytes = () => process.resourceUsage().maxRSS * 1024

/**
 * `connect()` resolves with `{ version, dispatch?, writable?, send?, sendMany?, flush, failed, close }`. Produces for a while to
 * warm up, then measures, then prints the result.
 */
export async function measure(connect) {
  const client = await connect()
  const warmUp = await produce(client, job.warmUp, [], true)
  const gc = { seconds: 0, longestMs: 0 }
  const pauses = entries => {
    for (const { duration } of entries) {
      gc.seconds += duration / 1000
      gc.longestMs = Math.max(gc.longestMs, duration)
    }
  }
  const observer = new PerformanceObserver(list => pauses(list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  const latencies = []
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  const count = await produce(client, job.seconds, latencies, false)
  const seconds = (performance.now() - start) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  await turn()
  pauses(observer.takeRecords())
  const failed = client.failed?.() ?? 0
  await client.close()
  const result = {
    version: client.version,
    warmUp,
    acknowledged: count - failed,
    failed,
    seconds,
    cpuUserSeconds: cpu.user / 1e6,
    cpuSystemSeconds: cpu.system / 1e6,
    peakRssBytes: peakRssBytes(),
    gc,
    latencyMs: percentiles(latencies),
  }
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit())
}
