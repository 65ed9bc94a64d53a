// The session of a RecordingProducer: every topic is there, each message gets its verdict in the next promise job, and
// there is no cluster.

import { emptySnapshot } from '../cluster/snapshot.ts'
import { type KafkaError, UnknownTopicError } from '../errors.ts'
import { Accumulator } from '../producer/accumulator.ts'
import type { Batch } from '../producer/batch.ts'
import { topicBlacklist } from '../producer/config/topic-blacklist.ts'
import type { Message } from '../producer/message.ts'
import type { PartitionQueue } from '../producer/partition-queue.ts'
import type { OpenSession, SessionOptions } from '../producer/session.ts'
import { Settlement } from '../producer/settlement.ts'
import { zeroUuid } from '../protocol/schema.ts'

/** Records a message, the only one of its batch, and decides what becomes of it. */
export type Recorder = (given: Message, batch: Batch) => { readonly offset: bigint; readonly error: KafkaError | null }

export class RecordingSession implements OpenSession {
  readonly accumulator: Accumulator
  readonly sender = { inFlight: 0 }
  readonly metadata = { next: async () => emptySnapshot }
  calledAt = 0
  lastFault: KafkaError | undefined
  readonly #record: Recorder
  readonly #settlement: Settlement
  readonly #connected: Promise<void>

  /** `partitions` is how many each topic has. */
  constructor({ config, clock, random, profileOf, on }: SessionOptions, partitions: number, record: Recorder) {
    const { properties } = config
    const hidden = topicBlacklist(properties['topic.blacklist'])
    const ignore = (): void => {}
    this.#record = record
    this.#settlement = new Settlement({
      published: batch => on.published(batch),
      reports: failed => on.reports(failed),
    })
    this.accumulator = new RecordingAccumulator(
      (given, queue, batch) => this.#queued(given, queue, batch),
      { lingerMs: 0, maxRecords: 1, maxBatchBytes: properties['message.max.bytes'] },
      clock,
      topic => {
        if (hidden(topic)) throw new UnknownTopicError(topic, `topic '${topic}' is hidden by topic.blacklist`)
        return profileOf(topic)
      },
      {
        random,
        now: () => this.calledAt,
        stickyLingerMs: properties['sticky.partitioning.linger.ms'],
        batchSizeBytes: properties['batch.size'],
        nullKey: config.options.nullKey ?? 'refuse',
      },
      {
        topicAdded: topic => this.#know(topic, partitions),
        opened: ignore,
        held: ignore,
        sealed: ignore,
        due: ignore,
        awaited: ignore,
      },
    )
    this.#connected = Promise.resolve().then(() => on.connected())
  }

  async prepared(topics: readonly string[]): Promise<void> {
    for (const topic of topics) this.accumulator.topic(topic)
    await this.#connected
  }

  /** It comes too late: what is queued has its verdict, though not everybody was told yet. */
  purge(): number {
    return 0
  }

  stop(): void {}

  #know(name: string, count: number): void {
    const available = Array.from({ length: count }, (_, partition) => partition)
    const leader = { leader: 1, leaderEpoch: 0, errorCode: 0, replicas: [1], isr: [1] }
    const partitions = available.map(partition => ({ partition, ...leader }))
    this.accumulator.topic(name).metadata = { name, topicId: zeroUuid, errorCode: 0, partitions, available }
  }

  #queued(given: Message, queue: PartitionQueue, batch: Batch): void {
    const { offset, error } = this.#record(given, batch)
    batch.attempts = 1
    batch.uncertain = error?.code === -151
    Promise.resolve().then(() => {
      if (error === null) this.#settlement.succeed(queue, batch, offset, -1)
      else this.#settlement.fail(queue, batch, error)
    })
  }
}

type Queued = (given: Message, queue: PartitionQueue, batch: Batch) => void

/** Tells of every message it takes. Until then they carry what the user gave as their opaque value. */
class RecordingAccumulator extends Accumulator {
  readonly #queued: Queued

  constructor(queued: Queued, ...rest: ConstructorParameters<typeof Accumulator>) {
    super(...rest)
    this.#queued = queued
  }

  override append(...call: Parameters<Accumulator['append']>): Batch {
    const [queue, message] = call
    const given = message.opaque as Message
    message.opaque = given.opaque
    const batch = super.append(...call)
    this.#queued(given, queue, batch)
    return batch
  }
}
