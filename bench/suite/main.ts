// `npm run bench`: odradek and the others against the same broker, in turns. This file prepares, measures and writes down.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { preparePrograms } from '../../scripts/bench-peers.mjs'
import { type KafkaCluster, startKafka } from '../../scripts/kafka/kafka.mjs'
import { runtime } from '../../scripts/runtimes.mjs'
import { clients as allClients, type Client } from './clients.ts'
import { writeCorpus } from './corpus.ts'
import { CountingProxies } from './counting-proxy.ts'
import { drive, type Job } from './drive.ts'
import { goals } from './goals.ts'
import { machine } from './machine.ts'
import { modes } from './modes.ts'
import { type Options, readOptions, usage } from './options.ts'
import { performancePages } from './page.ts'
import { measureParts } from './parts.ts'
import { type Comparison, comparisons, countedTasks, inTurns, pacedComparisons, type Task } from './plan.ts'
import type { RequestCount, Results } from './results.ts'
import { type Run, summarize } from './statistics.ts'
import { columns } from './table.ts'
import { compareAll } from './tables.ts'
import { versions } from './versions.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const queue = { queueMessages: 100_000, queueKbytes: 65_536 }
const counted = { seconds: 1, warmUp: 0.2 }
const startedAt = performance.now()

function say(line: string): void {
  const seconds = (performance.now() - startedAt) / 1000
  console.log(`${seconds.toFixed(0).padStart(5)} s  ${line}`)
}

type Programs = Awaited<ReturnType<typeof preparePrograms>>

class Bench {
  readonly #options: Options
  readonly #programs: Programs
  readonly #kafka: KafkaCluster
  readonly #proxies: CountingProxies
  readonly #corpus: string
  readonly runs: Run[] = []
  readonly requests: RequestCount[] = []
  #topics = 0

  constructor(options: Options, programs: Programs, kafka: KafkaCluster, proxies: CountingProxies, corpus: string) {
    this.#options = options
    this.#programs = programs
    this.#kafka = kafka
    this.#proxies = proxies
    this.#corpus = corpus
  }

  /** A broker that nobody has asked anything yet is slower than it will be. */
  async warmUpBroker(): Promise<void> {
    say('warming the broker up')
    const [client] = allClients
    if (client !== undefined)
      await this.#run({ client, mode: 'dispatch', size: 100 }, { seconds: this.#options.quick ? 4 : 8 })
  }

  async compare(comparison: Comparison): Promise<void> {
    for (const { task, round } of inTurns(comparison, this.#options.rounds)) {
      const { client, mode, size, load } = task
      const name = `${mode} ${size} B${load === undefined ? '' : ` at ${load}`}, round ${round + 1}: ${client.name}`
      await this.#attempt(name, async () => {
        const run = await this.#run(task)
        this.runs.push(run)
        return figures(run)
      })
    }
  }

  /** Counting would slow the others down, so it has a pass of its own. */
  async countRequests(tasks: readonly Task[]): Promise<void> {
    for (const task of tasks) {
      const { client, mode } = task
      await this.#attempt(`requests, ${mode}: ${client.name}`, async () => {
        const before = this.#proxies.count
        const { warmUp, acknowledged } = await this.#run(task, counted, this.#proxies.servers)
        const perThousand = ((this.#proxies.count - before) / (warmUp + acknowledged)) * 1000
        this.requests.push({ client: client.name, mode, perThousand })
        return `${perThousand.toFixed(3)} per 1,000 messages`
      })
    }
  }

  async #attempt(name: string, work: () => Promise<string>): Promise<void> {
    try {
      say(`${name.padEnd(50)} ${await work()}`)
    } catch (error) {
      say(`${name}: FAILED, ${(error as Error).message}`)
      process.exitCode = 1
    }
  }

  async #run(
    { client, mode, size, load, rate = 0 }: Task,
    changes: Job = {},
    through?: readonly string[],
  ): Promise<Run> {
    const program = this.#programs[client.program]
    if ('missing' in program) throw new Error(program.missing)
    const [first, ...rest] = program.command
    const { codec, seconds, warmUp, partitions } = this.#options
    const { concurrency, group, lingerMs } = modes[mode]
    const job = {
      ...{ mode, size, rate, concurrency, group, lingerMs, codec, seconds, warmUp, corpus: this.#corpus },
      ...{ idempotent: 'true', ...queue, ...client.settings, ...changes },
    }
    const servers = this.#kafka.bootstrapServers.split(',')
    const topic = { servers, through: through ?? servers, name: `bench-${this.#topics++}`, partitions }
    const result = await drive([(client.oldNode && (await runtime('Node 20'))) || first, ...rest], job, topic)
    return { client: client.name, mode, size, ...(load === undefined ? {} : { load, rate }), ...result }
  }
}

function figures({ rate, acknowledged, seconds, cpuUserSeconds, cpuSystemSeconds, latencyMs }: Run): string {
  const perSecond = `${Math.round(acknowledged / seconds).toLocaleString('en')}/s`.padStart(12)
  const cpu = (((cpuUserSeconds + cpuSystemSeconds) / acknowledged) * 1e6).toFixed(2).padStart(8)
  const latency = latencyMs === null ? '' : `, p50 ${latencyMs.p50.toFixed(2)} ms, p99 ${latencyMs.p99.toFixed(2)} ms`
  const asked = rate === undefined ? '' : ` of ${rate.toLocaleString('en')}/s`
  return `${perSecond}${asked} ${cpu} CPU-s per million${latency}`
}

/** Those that can be run; what keeps the others away is said. */
function runnable({ clients, codec }: Options, programs: Programs): Client[] {
  return clients.filter(({ name, program, codecs = [codec] }) => {
    const state = programs[program]
    const reason = 'missing' in state ? state.missing : codecs.includes(codec) ? null : `it brings no ${codec}`
    if (reason !== null) say(`${name} is left out: ${reason}`)
    return reason === null
  })
}

async function measure(options: Options, folder: string): Promise<Results> {
  const surroundings = machine()
  const names = new Set(['odradek' as const, ...options.clients.map(({ program }) => program)])
  const programs = await preparePrograms([...names], line => say(`set-up: ${line}`))
  const clients = runnable(options, programs)
  const proxies = new CountingProxies()
  const log = (line: string): void => say(`set-up: ${line}`)
  const kafka = await startKafka({ brokers: options.brokers, proxy: port => proxies.before(port), log })
  const bench = new Bench(options, programs, kafka, proxies, writeCorpus(folder))
  try {
    await bench.warmUpBroker()
    const present = { ...options, clients }
    for (const comparison of comparisons(present)) await bench.compare(comparison)
    for (const comparison of pacedComparisons(present, summarize(bench.runs))) await bench.compare(comparison)
    await bench.countRequests(countedTasks(present))
  } finally {
    await kafka.stop()
  }
  const { brokers, partitions, codec, rounds, seconds, warmUp } = options
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: surroundings,
    versions: await versions(bench.runs),
    options: { brokers, partitions, codec, rounds, seconds, warmUp, ...queue },
    parts: options.full || options.quick ? await measureParts(root, say) : {},
    minutes: (performance.now() - startedAt) / 60_000,
    runs: bench.runs,
    requests: bench.requests,
  }
}

function show(results: Results): void {
  const summaries = summarize(results.runs)
  for (const { title, head, rows } of compareAll(summaries, results.requests)) {
    console.log(`\n${title.replaceAll('`', '')}\n${columns(head, rows)}`)
  }
  const judged = goals(results, summaries).filter(({ met }) => met !== null)
  const lines = judged.map(({ text, met, figures }) => [text.replaceAll('`', ''), figures, met ? 'met' : 'NOT MET'])
  if (lines.length > 0) console.log(`\n${columns(['goal', 'measured', ''], lines)}`)
}

/** Writes the page, its charts and its data into `folder`, and removes charts that are no longer on it. */
function write(folder: string, results: Results): void {
  const below = join(folder, 'performance')
  if (existsSync(below)) for (const file of readdirSync(below)) rmSync(join(below, file))
  const data = { 'performance/results.json': `${JSON.stringify(results, null, 1)}\n` }
  const pages = performancePages(results, notes())
  for (const [file, text] of Object.entries({ ...pages, ...data })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  say(`written: ${join(folder, 'performance.md')}, with charts and results.json in ${below}`)
}

function notes(): Record<string, string> {
  const folder = join(root, 'bench/notes')
  const files = readdirSync(folder).filter(file => file.endsWith('.md'))
  return Object.fromEntries(files.map(file => [file.slice(0, -3), readFileSync(join(folder, file), 'utf8')]))
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  const docs = join(root, 'docs')
  const folder = join(root, '.cache/bench')
  mkdirSync(folder, { recursive: true })
  if (options.help) console.log(usage)
  else if (options.page)
    write(docs, JSON.parse(readFileSync(join(docs, 'performance/results.json'), 'utf8')) as Results)
  else {
    const results = await measure(options, folder)
    show(results)
    write(options.full ? docs : folder, results)
  }
}

main().catch((error: Error) => {
  console.error(`bench: ${error.message}`)
  process.exitCode = 2
})
