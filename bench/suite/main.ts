// `npm run bench`: odradek and the others against the same broker, in turns. This file prepares, measures and writes down.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { preparePrograms } from '../../scripts/bench-peers.mjs'
import { startKafka } from '../../scripts/kafka/kafka.mjs'
import { Bench, type Programs, queue } from './bench.ts'
import type { Client } from './clients.ts'
import { writeCorpus } from './corpus.ts'
import { CountingProxies } from './counting-proxy.ts'
import { goals } from './goals.ts'
import { machine } from './machine.ts'
import { type Options, readOptions, usage } from './options.ts'
import { performancePages } from './page.ts'
import { measureParts } from './parts.ts'
import { comparisons, countedTasks, pacedComparisons } from './plan.ts'
import type { Results } from './results.ts'
import { summarize } from './statistics.ts'
import { columns } from './table.ts'
import { rank } from './tables.ts'
import { versions } from './versions.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const startedAt = performance.now()

function say(line: string): void {
  const seconds = (performance.now() - startedAt) / 1000
  console.log(`${seconds.toFixed(0).padStart(5)} s  ${line}`)
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
  const kafka = await startKafka({
    brokers: options.brokers,
    // A log that is deleted at once need not be written to the disk, which would slow down those who come next.
    properties: { 'log.segment.delete.delay.ms': '0' },
    proxy: port => proxies.before(port),
    log,
  })
  const bench = new Bench({ options, programs, kafka, proxies, corpus: writeCorpus(folder), say })
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
  for (const { title, head, rows } of rank(summaries, results.requests)) {
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
