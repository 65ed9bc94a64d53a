// odradek mock: a cluster in this process until Ctrl-C, and what arrives there.

import { Buffer } from 'node:buffer'
import { type LogRecord, MockCluster } from '../mock/index.ts'
import { helpText, readMockSettings } from './mock-options.ts'
import { UsageError } from './options.ts'
import type { Output, Terminal } from './terminal.ts'

const tickMs = 250
const shownRecords = 10
const shownBytes = 60

/** Resolves with the exit code when the user ends it. Rejects when a port cannot be had or an option makes no sense. */
export async function mock(
  args: readonly string[],
  terminal: Terminal,
  inspect: (cluster: MockCluster) => void = () => {},
): Promise<number> {
  const settings = readMockSettings(args)
  if (settings === null) {
    terminal.stdout.write(helpText)
    return 0
  }
  // Asked for before anything runs: whoever ends it early ends it in order.
  let forgetInterrupts = (): void => {}
  const ended = new Promise<void>(resolve => {
    forgetInterrupts = terminal.onInterrupt(resolve)
  })
  const cluster = await start(settings.cluster)
  try {
    misbehave(cluster, settings.faults)
    const arrivals = new Arrivals(cluster, terminal.stdout, settings.quiet)
    terminal.stdout.write(`bootstrap.servers=${cluster.bootstrapServers}\n${describe(cluster)}Ctrl-C ends it\n`)
    inspect(cluster)
    const ticking = setInterval(() => arrivals.show(), tickMs) // which holds the process, too
    await ended
    clearInterval(ticking)
    arrivals.show()
    terminal.stdout.write(arrivals.summary())
  } finally {
    forgetInterrupts()
    await cluster.stop()
  }
  return 0
}

async function start(options: Parameters<typeof MockCluster.start>[0]): Promise<MockCluster> {
  try {
    return await MockCluster.start(options)
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error
  }
}

function misbehave(cluster: MockCluster, faults: readonly ((cluster: MockCluster) => void)[]): void {
  try {
    for (const fault of faults) fault(cluster)
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error
  }
}

function describe(cluster: MockCluster): string {
  const topics = cluster.topics().map(({ name, partitions }) => `${name} (${partitions.length})`)
  return topics.length === 0 ? '' : `topics, with their partitions: ${topics.join(', ')}\n`
}

/** Looks at the ends of all logs, and shows what is new since it last did. */
class Arrivals {
  readonly #cluster: MockCluster
  readonly #output: Output
  readonly #quiet: boolean
  readonly #seen = new Map<string, bigint>()
  #records = 0n
  #shownAt = performance.now()

  constructor(cluster: MockCluster, output: Output, quiet: boolean) {
    this.#cluster = cluster
    this.#output = output
    this.#quiet = quiet
  }

  show(): void {
    const arrived = this.#cluster.topics().flatMap(({ name, partitions }) =>
      partitions.flatMap(({ startOffset, endOffset }, partition) => {
        const place = `${name}[${partition}]`
        const from = this.#seen.get(place) ?? 0n
        this.#seen.set(place, endOffset)
        const count = endOffset - from
        return count > 0n ? [{ name, partition, from: from > startOffset ? from : startOffset, count }] : []
      }),
    )
    const now = performance.now()
    const elapsedMs = now - this.#shownAt
    this.#shownAt = now
    const count = arrived.reduce((sum, { count }) => sum + count, 0n)
    this.#records += count
    if (this.#quiet || count === 0n) return
    if (count <= shownRecords) {
      for (const { name, partition, from } of arrived) {
        for (const record of this.#cluster.log(name, partition, from)) this.#output.write(line(name, partition, record))
      }
      return
    }
    const topics = [...new Set(arrived.map(({ name }) => name))]
    const rate = Math.round((Number(count) * 1000) / elapsedMs).toLocaleString('en')
    this.#output.write(`${count.toLocaleString('en')} records (${rate}/s) to ${topics.join(', ')}\n`)
  }

  summary(): string {
    return `${this.#records.toLocaleString('en')} records in all\n`
  }
}

function line(topic: string, partition: number, { offset, key, value, headers, transaction }: LogRecord): string {
  const parts = [`${topic}[${partition}] at ${offset}`]
  if (key !== null) parts.push(`key ${text(key)}`)
  parts.push(value === null ? 'tombstone' : text(value))
  if (headers.length > 0) parts.push(`headers ${headers.map(([name]) => name).join(', ')}`)
  if (transaction !== null) parts.push(`transaction ${transaction}`)
  return `${parts.join('  ')}\n`
}

function text(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, shownBytes)).toString()
  return `${JSON.stringify(start)}${bytes.length > shownBytes ? `... (${bytes.length} bytes)` : ''}`
}
