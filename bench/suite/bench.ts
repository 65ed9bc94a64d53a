// A run of the suite: every client's task, one after the other, against one broker. One that fails is said and left out.

import type { preparePrograms } from '../../scripts/bench-peers.mjs'
import type { KafkaCluster } from '../../scripts/kafka/kafka.mjs'
import { runtime } from '../../scripts/runtimes.mjs'
import { clients } from './clients.ts'
import type { CountingProxies } from './counting-proxy.ts'
import { drive, type Job } from './drive.ts'
import { modes } from './modes.ts'
import type { Options } from './options.ts'
import { type Comparison, inTurns, roundsOf, type Task } from './plan.ts'
import type { RequestCount } from './results.ts'
import type { Run } from './statistics.ts'

export const queue = { queueMessages: 100_000, queueKbytes: 65_536 }
const counted = { seconds: 1, warmUp: 0.2 }

export type Programs = Awaited<ReturnType<typeof preparePrograms>>

export interface Surroundings {
  readonly options: Options
  readonly programs: Programs
  readonly kafka: KafkaCluster
  readonly proxies: CountingProxies
  /** The file that values are cut out of. */
  readonly corpus: string
  readonly say: (line: string) => void
}

export class Bench {
  readonly #in: Surroundings
  readonly runs: Run[] = []
  readonly requests: RequestCount[] = []
  #topics = 0

  constructor(surroundings: Surroundings) {
    this.#in = surroundings
  }

  /** A broker that nobody has asked anything yet is slower than it will be. */
  async warmUpBroker(): Promise<void> {
    this.#in.say('warming the broker up')
    const [client] = clients
    if (client !== undefined)
      await this.#run({ client, mode: 'dispatch', size: 100 }, { seconds: this.#in.options.quick ? 4 : 8 })
  }

  async compare(comparison: Comparison): Promise<void> {
    for (const { task, round } of inTurns(comparison, roundsOf(comparison, this.#in.options.rounds))) {
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
        const before = this.#in.proxies.count
        const { warmUp, acknowledged } = await this.#run(task, counted, this.#in.proxies.servers)
        const perThousand = ((this.#in.proxies.count - before) / (warmUp + acknowledged)) * 1000
        this.requests.push({ client: client.name, mode, perThousand })
        return `${perThousand.toFixed(3)} per 1,000 messages`
      })
    }
  }

  async #attempt(name: string, work: () => Promise<string>): Promise<void> {
    try {
      this.#in.say(`${name.padEnd(50)} ${await work()}`)
    } catch (error) {
      this.#in.say(`${name}: FAILED, ${(error as Error).message}`)
      process.exitCode = 1
    }
  }

  async #run(
    { client, mode, size, load, rate = 0 }: Task,
    changes: Job = {},
    through?: readonly string[],
  ): Promise<Run> {
    const program = this.#in.programs[client.program]
    if ('missing' in program) throw new Error(program.missing)
    const [first, ...rest] = program.command
    const { codec, seconds, warmUp, partitions } = this.#in.options
    const { concurrency, group, lingerMs } = modes[mode]
    const job = {
      ...{ mode, size, rate, concurrency, group, lingerMs, codec, seconds, warmUp, corpus: this.#in.corpus },
      ...{ idempotent: 'true', ...queue, ...client.settings, ...changes },
    }
    const servers = this.#in.kafka.bootstrapServers.split(',')
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
