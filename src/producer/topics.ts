// What becomes of topics, and of messages to them, when the cluster says something new about them.

import type { Clock } from '../clock.ts'
import type { Metadata } from '../cluster/metadata.ts'
import type { ClusterSnapshot, TopicMetadata } from '../cluster/snapshot.ts'
import { brokerError, type KafkaError, UnknownPartitionError, UnknownTopicError } from '../errors.ts'
import type { Accumulator } from './accumulator.ts'
import type { Batch } from './batch.ts'
import type { Idempotence } from './idempotence.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { Settlement } from './settlement.ts'
import type { TopicQueue } from './topic-queue.ts'

export interface TopicsParts {
  readonly accumulator: Accumulator
  readonly metadata: Metadata
  readonly settlement: Settlement
  /** Null without idempotence. */
  readonly idempotence: Idempotence | null
  readonly clock: Clock
  /** `topic.metadata.propagation.max.ms` */
  readonly graceMs: number
  readonly fail: (queue: PartitionQueue, batch: Batch, error: KafkaError) => void
}

/** What metadata says of a topic that has no partitions. */
export function topicFault(topic: string, errorCode: number): KafkaError {
  return errorCode === unknownTopicCode ? new UnknownTopicError(topic) : brokerError(errorCode, { topic })
}

// Source: Apache Kafka `Errors.java`.
export const unknownTopicCode = 3
export const finalTopicCodes = new Set([17, 29])

export class Topics {
  readonly #parts: TopicsParts

  constructor(parts: TopicsParts) {
    this.#parts = parts
  }

  updated(snapshot: ClusterSnapshot): void {
    for (const topic of this.#parts.accumulator.topics.values()) {
      const metadata = snapshot.topics.get(topic.topic)
      if (metadata !== undefined) this.#updateTopic(topic, metadata)
      else if (topic.missing) this.#drop(topic)
    }
  }

  #updateTopic(topic: TopicQueue, metadata: TopicMetadata): void {
    const { errorCode } = metadata
    if (errorCode === unknownTopicCode) return this.#missing(topic)
    topic.missingSince = null
    topic.missing = false
    if (finalTopicCodes.has(errorCode)) {
      this.#failTopic(topic, () => brokerError(errorCode, { topic: topic.topic }))
      return
    }
    const recreated = topic.metadata !== null && topic.metadata.topicId !== metadata.topicId
    this.#parts.accumulator.update(topic, metadata, (batch, error) => this.#parts.settlement.refuse(batch, error))
    for (const queue of topic.partitions) {
      if (recreated) queue.proven = false
      if (queue.partition < metadata.partitions.length || metadata.partitions.length === 0) continue
      for (const batch of [...queue.batches]) {
        if (batch.state !== 'done' && batch.state !== 'inFlight') {
          this.#parts.fail(
            queue,
            batch,
            new UnknownPartitionError(topic.topic, queue.partition, metadata.partitions.length),
          )
        }
      }
    }
  }

  // A topic that was just created is not known everywhere at once.
  #missing(topic: TopicQueue): void {
    const { clock, graceMs, metadata } = this.#parts
    const now = clock.now()
    topic.missingSince ??= now
    if (now - topic.missingSince < graceMs) return
    topic.missing = true
    const message = `topic '${topic.topic}' does not exist (asked for ${graceMs} ms, topic.metadata.propagation.max.ms)`
    this.#failTopic(topic, () => new UnknownTopicError(topic.topic, message))
    if (topic.idle) metadata.forget(topic.topic)
  }

  // The next message to it asks for it again, and begins its sequences anew: only another epoch keeps these apart from
  // the ones that a broker may remember.
  #drop({ topic, partitions }: TopicQueue): void {
    this.#parts.accumulator.topics.delete(topic)
    for (const { producerId, producerEpoch } of partitions) {
      if (producerId >= 0n) this.#parts.idempotence?.bump(producerId, producerEpoch)
    }
  }

  #failTopic(topic: TopicQueue, error: () => KafkaError): void {
    for (const queue of [topic.holder, ...topic.partitions]) {
      for (const batch of [...queue.batches]) {
        if (batch.state !== 'done' && batch.state !== 'inFlight') this.#parts.fail(queue, batch, error())
      }
    }
  }
}
