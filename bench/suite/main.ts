// `npm run bench`: odradek and the others against the same broker, in turns. This file says in which order.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { preparePrograms } from '../../scripts/bench-peers.mjs'
import { startKafka } from '../../scripts/kafka/kafka.mjs'
import type { Client } from './clients.ts'
import { writeCorpus } from './corpus.ts'
import { drive, type Job } from './drive.ts'
import { type Mode, modes } from './modes.ts'
import { readOptions, usage } from './options.ts'
import { type Run, summarize } from './statistics.ts'
import { tables } from './tables.ts'

const root = new URL('../..', import.meta.url).pathname
const [oldNode = process.execPath, ...args] = process.argv.slice(2)
const startedAt = performance.now()
const say = (line: string): void => {
  const seconds = (performance.now() - startedAt) / 1000
  console.log(`${seconds.toFixed(0).padStart(5)} s  ${line}`)
}

/** One client, one mode, one size, one speed. */
interface Task {
  readonly client: Client
  readonly mode: Mode
  readonly size: number
  readonly load?: string
  readonly rate?: number
}

async function main(): Promise<void> {
  const options = readOptions(args)
  if (options.help) return console.log(usage)
  const folder = join(root, '.cache/bench')
  mkdirSync(folder, { recursive: true })
  const corpus = writeCorpus(folder)
  const programs = await preparePrograms(['odradek', ...options.clients.map(({ program }) => program)], line =>
    say(`set-up: ${line}`),
  )
  const clients = options.clients.filter(({ name, program, oldNode: old }) => {
    const { missing } = { missing: null, ...programs[program] }
    if (missing !== null) say(`${name} is left out: ${missing}`)
    return missing === null && !(old && oldNode === process.execPath)
  })
  const kafka = await startKafka({ brokers: options.brokers, log: line => say(`set-up: ${line}`) })
  const servers = kafka.bootstrapServers.split(',')
  const runs: Run[] = []
  let topics = 0

  async function run({ client, mode, size, load, rate = 0 }: Task, changes: Job = {}): Promise<Run> {
    const program = programs[client.program]
    if ('missing' in program) throw new Error(program.missing)
    const [first, ...rest] = program.command
    const { about, ...shape } = modes[mode]
    const { codec, seconds, warmUp, partitions } = options
    const job = { mode, ...shape, size, rate, codec, seconds, warmUp, corpus, idempotent: 'true', ...queue }
    const topic = { servers, name: `bench-${topics++}`, partitions }
    const command = [client.oldNode ? oldNode : first, ...rest]
    const result = await drive(command, { ...job, ...client.settings, ...changes }, topic)
    return { client: client.name, mode, size, ...(load === undefined ? {} : { load, rate }), ...result }
  }

  try {
    say('warming the broker up')
    const [first] = clients
    if (first !== undefined)
      await run({ client: { ...first, program: 'odradek', settings: {} }, mode: 'dispatch', size: 100 }, { seconds: 5 })
    for (const mode of options.modes) {
      for (const size of options.sizes) {
        const those = clients.filter(client => client.modes.includes(mode))
        for (let round = 0; round < options.rounds; round++) {
          for (let n = 0; n < those.length; n++) {
            const client = those[(n + round) % those.length]
            if (client === undefined) continue
            try {
              const result = await run({ client, mode, size })
              runs.push(result)
              say(progress(result, round))
            } catch (error) {
              say(`${mode} ${size} B ${client.name}: ${(error as Error).message}`)
              process.exitCode = 1
            }
          }
        }
      }
    }
  } finally {
    await kafka.stop()
  }
  console.log(`\n${tables(summarize(runs))}`)
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify({ runs }, null, 1)}\n`)
}

const queue = { queueMessages: 100_000, queueKbytes: 65_536 }

function progress({ mode, size, client, acknowledged, seconds, cpuUserSeconds, cpuSystemSeconds }: Run, round: number) {
  const rate = `${Math.round(acknowledged / seconds).toLocaleString('en')}/s`.padStart(12)
  const cpu = (((cpuUserSeconds + cpuSystemSeconds) / acknowledged) * 1e6).toFixed(2).padStart(7)
  return `${mode} ${size} B, round ${round + 1}: ${client.padEnd(20)} ${rate} ${cpu} CPU-s per million`
}

main().catch((error: Error) => {
  console.error(`bench: ${error.message}`)
  process.exitCode = 2
})
