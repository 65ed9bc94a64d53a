// One topic: its partitions' queues, the holder for messages that have no partition yet, and the choice of a partition.

import { Buffer } from 'node:buffer'
import type { TopicMetadata } from '../cluster/snapshot.ts'
import { InvalidMessageError, KafkaError, UnknownPartitionError } from '../errors.ts'
import type {
  BuiltInPartitioner,
  PartitionerEnvironment,
  PartitionerFunction,
  TopicView,
} from '../partitioners/partitioner.ts'
import { type PartitionerName, partitioners } from '../partitioners/partitioners.ts'
import { batchHeaderBytes } from '../protocol/record-batch.ts'
import { readHeaders } from '../protocol/record-batch-reader.ts'
import type { TopicProfile } from './config/config.ts'
import type { PreparedMessage } from './message.ts'
import { PartitionQueue } from './partition-queue.ts'

export class TopicQueue implements TopicView {
  readonly topic: string
  /** What holds for its messages unless a call says otherwise. */
  profile: TopicProfile
  readonly partitions: PartitionQueue[] = []
  readonly holder: PartitionQueue
  /** Null until the first answer about this topic. */
  metadata: TopicMetadata | null = null
  /** Since when the cluster says that it does not exist (monotonic milliseconds), null while it exists or may. */
  missingSince: number | null = null
  /** The wait for it is over: it does not exist. The next refresh drops it, so that a use after that asks again. */
  missing = false
  readonly #environment: PartitionerEnvironment
  // One instance for each partitioner in use, which is nearly always one.
  #partitionerOf = ''
  #builtIn: BuiltInPartitioner | null = null
  readonly #others = new Map<string, BuiltInPartitioner>()
  #previousPartition = -1

  constructor(topic: string, profile: TopicProfile, environment: PartitionerEnvironment) {
    this.topic = topic
    this.profile = profile
    this.#environment = environment
    this.holder = new PartitionQueue(topic, -1)
  }

  /** 0 until it is known. */
  get partitionCount(): number {
    return this.metadata?.partitions.length ?? 0
  }

  /** Nothing is queued or in flight. */
  get idle(): boolean {
    return [this.holder, ...this.partitions].every(({ batches, inFlight }) => batches.size === 0 && inFlight === 0)
  }

  get available(): readonly number[] {
    return this.metadata?.available ?? []
  }

  load(partition: number): number {
    return this.partitions[partition]?.userBytes ?? 0
  }

  batchOpen(partition: number, messageBytes: number): boolean {
    const batch = this.partitions[partition]?.open
    return batch != null && batchHeaderBytes + batch.recordsBytes + messageBytes <= this.#environment.batchSizeBytes
  }

  queue(partition: number): PartitionQueue {
    let queue = this.partitions[partition]
    for (let next = this.partitions.length; queue === undefined; next++) {
      const made = new PartitionQueue(this.topic, next)
      const known = this.metadata?.partitions[next]
      if (known !== undefined) made.lead(known.leader)
      this.partitions.push(made)
      if (next === partition) queue = made
    }
    return queue
  }

  /**
   * Where the message goes: its own partition, or what the partitioner says; the holder while nothing is known.
   * Throws UnknownPartitionError, and InvalidMessageError for a partitioner that throws or answers nonsense.
   */
  place(message: PreparedMessage, profile: TopicProfile): PartitionQueue {
    const { partitionCount } = this
    if (partitionCount === 0) return this.holder
    if (message.partition >= 0) {
      if (message.partition >= partitionCount) {
        throw new UnknownPartitionError(this.topic, message.partition, partitionCount)
      }
      return this.queue(message.partition)
    }
    return this.queue(this.#choose(message, profile, partitionCount))
  }

  #choose(message: PreparedMessage, profile: TopicProfile, partitionCount: number): number {
    const ownKey = message.partitionKeyLength === -2
    const key = ownKey ? message.key : message.partitionKey
    const keyLength = ownKey ? message.keyLength : message.partitionKeyLength
    const partitioner = message.partitioner ?? profile.partitioner
    let partition: number
    if (typeof partitioner === 'function') partition = this.#ask(partitioner, message, key, keyLength)
    else partition = this.#named(partitioner).partition(this, key, keyLength, message.messageBytes)
    if (!Number.isInteger(partition) || partition < 0 || partition >= partitionCount) {
      const name = typeof partitioner === 'function' ? partitioner.name || '(anonymous)' : partitioner
      throw new InvalidMessageError(
        'partition',
        `partitioner ${name} returned ${inWords(partition)} for topic '${this.topic}': it must be an integer from 0 to ${partitionCount - 1}`,
        { topic: this.topic },
      )
    }
    this.#previousPartition = partition
    return partition
  }

  #ask(partitioner: PartitionerFunction, message: PreparedMessage, key: Buffer, keyLength: number): number {
    const { topic } = this
    const context = {
      topic,
      key: keyLength < 0 ? null : key.subarray(0, keyLength),
      value: valueBytes(message.value),
      headers: message.headersLength === 1 ? [] : readHeaders(message.headers.subarray(0, message.headersLength)),
      partitionCount: this.partitionCount,
      available: this.available,
      previousPartition: this.#previousPartition,
    }
    try {
      return partitioner(context)
    } catch (cause) {
      if (cause instanceof KafkaError) throw cause
      throw new InvalidMessageError('partition', `the partitioner of topic '${topic}' threw: ${cause}`, {
        topic,
        cause,
      })
    }
  }

  #named(name: string): BuiltInPartitioner {
    if (this.#builtIn !== null && this.#partitionerOf === name) return this.#builtIn
    let made = this.#others.get(name)
    if (made === undefined) {
      made = partitioners[name as PartitionerName](this.#environment)
      this.#others.set(name, made)
    }
    this.#partitionerOf = name
    this.#builtIn = made
    return made
  }
}

function inWords(answer: unknown): string {
  if (typeof answer === 'string') return `'${answer}'`
  if (typeof answer === 'number' || answer === undefined || answer === null) return `${answer}`
  return `${typeof answer === 'object' ? 'an' : 'a'} ${typeof answer}`
}

function valueBytes(value: PreparedMessage['value']): Uint8Array | null {
  if (value === null) return null
  if (typeof value === 'string') return Buffer.from(value)
  return Array.isArray(value) ? Buffer.concat(value) : (value as Uint8Array)
}
