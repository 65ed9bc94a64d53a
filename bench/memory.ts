// Memory against the formula: `queue.buffering.max.kbytes` + 128 B per queued message + 4 KB per active partition + 64 MB.
// First a million messages that stay queued, then producing at full speed, with waiting, while the broker is silent and
// messages expire. Run it with `npm run bench memory`; SECONDS=5 makes the second part shorter.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Producer } from '../src/index.ts'
import { isSink, runSink, startSink } from './support/sink.ts'

const mega = 1_000_000
const rss = (): number => process.memoryUsage.rss()

async function producerAt(port: number, properties: object): Promise<Producer> {
  const producer = new Producer({ 'bootstrap.servers': `127.0.0.1:${port}`, ...properties })
  await producer.connect()
  return producer
}

// The sink answers everything but Produce.
async function million(port: number): Promise<void> {
  const producer = await producerAt(port, { 'queue.buffering.max.messages': 0 })
  const value = Buffer.alloc(100, 'x')
  globalThis.gc?.()
  const before = rss()
  for (let i = 0; i < mega; i++) {
    producer.dispatch({ topic: 't12', value, partition: i % 12 })
    if (i % 10_000 === 9_999) await new Promise(setImmediate)
  }
  globalThis.gc?.()
  const used = rss() - before
  console.log(`a million queued messages of 100 bytes: ${(used / mega).toFixed(0)} MB more`)
  const { lost } = await producer.close({ timeoutMs: 2000 })
  console.log(`close({ timeoutMs: 2000 }) gave up ${lost}`)
}

async function soak(port: number): Promise<void> {
  const seconds = Number(process.env.SECONDS ?? 60)
  const kbytes = 65_536
  const producer = await producerAt(port, {
    'queue.buffering.max.kbytes': kbytes,
    'queue.buffering.max.messages': 500_000,
    'message.timeout.ms': 1000,
    'request.timeout.ms': 900,
  })
  const value = Buffer.alloc(200, 'x')
  const startedAt = performance.now()
  let peak = 0
  let queued = 0
  let taken = 0
  while (performance.now() - startedAt < seconds * 1000) {
    for (let i = 0; i < 1000; i++) await producer.dispatchWait({ topic: 't12', value, partition: taken++ % 12 })
    queued = Math.max(queued, producer.queueSize)
    peak = Math.max(peak, rss())
  }
  const allowed = kbytes * 1024 + 128 * queued + 12 * 4096 + 64 * 1024 * 1024
  const { lost } = await producer.close({ timeoutMs: 2000 })
  console.log(
    `${seconds} s of dispatchWait() against silence: ${taken.toLocaleString('en')} messages taken, at most ` +
      `${queued.toLocaleString('en')} queued, peak ${(peak / mega).toFixed(0)} MB, allowed ${(allowed / mega).toFixed(0)} MB; ` +
      `close({ timeoutMs: 2000 }) gave up ${lost}`,
  )
}

if (isSink) runSink({ silent: true })
else if (process.argv[2] === 'million' || process.argv[2] === 'soak') {
  const part = process.argv[2] === 'million' ? million : soak
  await part(Number(process.argv[3]))
} else {
  // Each part in a process of its own, so that the memory is its alone.
  const sink = await startSink()
  for (const part of ['million', 'soak']) {
    const child = fork(process.argv[1] as string, [part, String(sink.port)], { execArgv: ['--expose-gc'] })
    const [code] = await once(child, 'exit')
    if (code !== 0) process.exitCode = 1
  }
  sink.stop()
}
