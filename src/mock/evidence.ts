// What a cluster has seen, for a test to look at or to wait for.

import type { Clock } from '../clock.ts'
import { type BatchFacts, factsOf } from './batch-facts.ts'
import type { RequestRecord } from './broker.ts'
import type { TransactionCoordinator, TransactionFacts } from './coordinator.ts'
import type { MockApiName } from './endpoints.ts'
import type { LogRecord, PartitionLog } from './partition-log.ts'
import type { Topic, Topology } from './topology.ts'

/** A record and the partition that it is in. */
export interface PartitionRecord extends LogRecord {
  readonly partition: number
}

/** A topic as it stands; the index of a partition is its number. */
export interface TopicFacts {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly {
    /** -1 if nobody leads. */
    readonly leader: number
    readonly startOffset: bigint
    /** Of the next record. */
    readonly endOffset: bigint
  }[]
}

interface Sources {
  readonly clock: Clock
  readonly topology: Topology
  readonly transactions: TransactionCoordinator
}

const shownRequests = 10
const defaultPatienceMs = 5_000

/** The part of a MockCluster that looks back. */
export class Evidence {
  readonly #sources: Sources
  readonly #waiting = new Set<() => void>()
  #requests: RequestRecord[] = []

  /** @internal */
  constructor(sources: Sources) {
    this.#sources = sources
  }

  /**
   * Every record of a partition from the offset `from` on, the log's start if not given, in the order of their offsets;
   * those of open and aborted transactions are among them.
   */
  log(topic: string, partition: number, from: bigint | number = 0): LogRecord[] {
    return this.partition(topic, partition).records(Number(from))
  }

  /** The topics there are, and how far their logs reach. */
  topics(): TopicFacts[] {
    return this.#sources.topology.topics.map(({ name, id, partitions }) => ({
      name,
      topicId: id,
      partitions: partitions.map(({ leadership, startOffset, endOffset }) => ({
        leader: leadership.leader,
        startOffset: BigInt(startOffset),
        endOffset: BigInt(endOffset),
      })),
    }))
  }

  /** Every record of a topic, one partition after the other. */
  records(topic: string): PartitionRecord[] {
    return this.topic(topic).partitions.flatMap(log =>
      log.records().map(record => ({ ...record, partition: log.index })),
    )
  }

  /** The batches of a partition, as they were sent. */
  batches(topic: string, partition: number): BatchFacts[] {
    return this.partition(topic, partition).batches.map(factsOf)
  }

  /** Every request that was read, in the order in which its turn came. Those of an API or version not offered are not. */
  requests<Name extends MockApiName = MockApiName>(
    filter: { readonly api?: Name; readonly broker?: number } = {},
  ): RequestRecord<Name>[] {
    const { api, broker } = filter
    const wanted = (request: RequestRecord): request is RequestRecord<Name> =>
      (api === undefined || request.api === api) && (broker === undefined || request.broker === broker)
    return this.#requests.filter(wanted)
  }

  clearRequests(): void {
    this.#requests = []
  }

  /** Every transaction that was begun, open or over, in that order. */
  transactions(): TransactionFacts[] {
    return this.#sources.transactions.facts()
  }

  /**
   * Resolves with what `predicate` gives as soon as that is not false, null or undefined; it is asked now and after
   * every request. After `timeoutMs` (by the cluster's clock, 5000 if not given) it rejects with an error that tells
   * what was seen instead, and with what `predicate` throws at once.
   */
  waitFor<T>(
    predicate: (cluster: this) => T,
    { timeoutMs = defaultPatienceMs }: { readonly timeoutMs?: number } = {},
  ): Promise<Exclude<T, false | null | undefined>> {
    const { clock } = this.#sources
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#waiting.delete(look)
        clock.clearTimer(timer)
        settle()
      }
      const look = (): void => {
        try {
          const found = predicate(this)
          if (found === false || found === null || found === undefined) return
          end(() => resolve(found as Exclude<T, false | null | undefined>))
        } catch (error) {
          end(() => reject(error))
        }
      }
      const timer = clock.setTimer(() => {
        const what = `nothing made it true within ${timeoutMs} ms: ${String(predicate)}`
        end(() => reject(new Error(`${what}\n${this.describe()}`)))
      }, timeoutMs)
      this.#waiting.add(look)
      look()
    })
  }

  /** What was seen, in words: what the topics hold, the transactions, the last requests. */
  describe(): string {
    const topics = this.#sources.topology.topics.map(({ name, partitions }) => {
      const counts = partitions.map(({ startOffset, endOffset }) => endOffset - startOffset)
      return `  ${name}: ${counts.reduce((sum, count) => sum + count, 0)} records (by partition: ${counts.join(', ')})`
    })
    const transactions = this.transactions().map(({ transactionalId, producerEpoch, outcome, partitions }) => {
      const where = partitions.map(({ topic, partition }) => `${topic}[${partition}]`).join(', ')
      return `  ${transactionalId}, epoch ${producerEpoch}: ${outcome}, ${where || 'no partition'}`
    })
    const requests = this.#requests.slice(-shownRequests).map(({ api, version, broker, clientId, time }) => {
      return `  ${api} v${version} to broker ${broker} from ${clientId ?? 'no client id'} at ${Math.round(time)} ms`
    })
    const part = (title: string, lines: readonly string[]): string[] => [
      title,
      ...(lines.length > 0 ? lines : ['  none']),
    ]
    return [
      ...part('topics:', topics),
      ...(transactions.length > 0 ? part('transactions:', transactions) : []),
      ...part(`requests: ${this.#requests.length}, the last ones:`, requests),
    ].join('\n')
  }

  /** @internal */
  remember(request: RequestRecord): void {
    this.#requests.push(request)
  }

  /** Lets everybody who waits look again. @internal */
  changed(): void {
    for (const look of [...this.#waiting]) look()
  }

  /** @internal */
  topic(name: string): Topic {
    const topic = this.#sources.topology.topic(name)
    if (topic !== undefined) return topic
    const names = this.#sources.topology.topics.map(({ name }) => `'${name}'`).join(', ')
    throw new RangeError(`there is no topic '${name}', there is ${names || 'none at all'}`)
  }

  /** @internal */
  partition(topic: string, partition: number): PartitionLog {
    const { partitions } = this.topic(topic)
    const log = partitions[partition]
    if (log !== undefined) return log
    throw new RangeError(`there is no partition ${partition} of topic '${topic}', it has ${partitions.length}`)
  }
}
