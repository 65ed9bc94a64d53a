// All that is queued: topics, their partitions, their batches, and when each of them wants attention.
// It sets no timer and sends nothing: a listener hears of what should be done, and asks when to look again.

import type { Clock } from '../clock.ts'
import type { TopicMetadata } from '../cluster/snapshot.ts'
import { Deque } from '../deque.ts'
import type { KafkaError } from '../errors.ts'
import type { PartitionerEnvironment } from '../partitioners/partitioner.ts'
import { Batch } from './batch.ts'
import { ChunkPool } from './chunk-pool.ts'
import type { TopicProfile } from './config/config.ts'
import { checkTopicName, PreparedMessage } from './message.ts'
import type { PartitionQueue } from './partition-queue.ts'
import { TopicQueue } from './topic-queue.ts'

export interface AccumulatorLimits {
  readonly lingerMs: number
  /** `batch.num.messages` */
  readonly maxRecords: number
  /** The smaller of `batch.size` and `message.max.bytes`. */
  readonly maxBatchBytes: number
}

export interface AccumulatorListener {
  /** The first message of a topic that was not used before. */
  topicAdded(topic: string): void
  /** A batch was opened, so there is a new time to wake up at. */
  opened(): void
  /** Messages wait for the partitions of their topic to become known. */
  held(topic: string): void
  /** A batch takes no more records. */
  sealed(queue: PartitionQueue, batch: Batch): void
  /** The open batch of this partition may go. */
  due(queue: PartitionQueue): void
  /** Somebody awaits a message in the open batch of this partition. */
  awaited(queue: PartitionQueue): void
}

// So many batches, and what they know of each record, cost nothing worth mentioning.
const tidyFrom = 64

// A batch gets memory at once for what the last one of its partition took up, but no more than this: it may stay small.
const mostLikelyBytes = 16_000
const mostLikelyMoments = 512

interface Place {
  readonly queue: PartitionQueue
  readonly batch: Batch
  /** When it has lingered long enough (monotonic milliseconds). */
  readonly until: number
}

export class Accumulator {
  readonly topics = new Map<string, TopicQueue>()
  /** While this is above 0 nothing lingers. */
  flushing = 0
  readonly #limits: AccumulatorLimits
  readonly #clock: Clock
  readonly #profileOf: (topic: string) => TopicProfile
  readonly #environment: PartitionerEnvironment
  readonly #listener: AccumulatorListener
  readonly chunks = new ChunkPool()
  // Every batch without a verdict is in `alive` in the order of opening, and in the list of its timeout;
  // open ones stand in `lingering`, too. Ended ones are dropped when they come to the front, and where one that takes
  // long keeps them from it, when they are many.
  readonly #alive = new Deque<Place>()
  readonly #lingering = new Deque<Place>()
  readonly #expiring = new Map<number, Deque<Place>>()
  #tidyAt = tidyFrom
  readonly #moving = new PreparedMessage()

  constructor(
    limits: AccumulatorLimits,
    clock: Clock,
    profileOf: (topic: string) => TopicProfile,
    environment: PartitionerEnvironment,
    listener: AccumulatorListener,
  ) {
    this.#limits = limits
    this.#clock = clock
    this.#profileOf = profileOf
    this.#environment = environment
    this.#listener = listener
  }

  /** The topic's queue, made at its first use. Throws InvalidMessageError for a name that Kafka does not allow. */
  topic(name: string): TopicQueue {
    const known = this.topics.get(name)
    if (known !== undefined) return known
    checkTopicName(name)
    const topic = new TopicQueue(name, this.#profileOf(name), this.#environment)
    this.topics.set(name, topic)
    this.#listener.topicAdded(name)
    return topic
  }

  /** Adds a message to its partition's open batch and returns the batch, of which it is the last record. */
  append(
    queue: PartitionQueue,
    message: PreparedMessage,
    profile: TopicProfile,
    calledAt: number,
    awaited: boolean,
  ): Batch {
    let batch = queue.open
    if (batch !== null && (batch.profile !== profile || !this.#fits(batch, message, calledAt))) {
      this.#seal(queue, batch)
      batch = null
    }
    if (batch === null) {
      batch = this.#open(queue, message, profile, calledAt)
      this.#fits(batch, message, calledAt)
    }
    batch.append(message, calledAt)
    queue.userBytes += message.userBytes
    if (queue.partition < 0) batch.keepPlacement(message)
    if (awaited && !batch.awaited) {
      batch.awaited = true
      this.#listener.awaited(queue)
    }
    if (batch.count >= this.#limits.maxRecords) this.#seal(queue, batch)
    return batch
  }

  /** Takes what the cluster says of a topic: leaders, and places for the messages that had none. */
  update(topic: TopicQueue, metadata: TopicMetadata, settle: (batch: Batch, error: KafkaError) => void): void {
    topic.metadata = metadata
    for (const { partition, leader } of metadata.partitions) {
      const queue = topic.partitions[partition]
      if (queue?.lead(leader)) this.#announce(queue)
    }
    if (topic.partitionCount > 0) this.#placeHeld(topic, settle)
  }

  /** Says again what a partition has to send, for a leader that has not heard of it. */
  #announce(queue: PartitionQueue): void {
    if (!queue.waiting) return
    this.#listener.due(queue)
    if (queue.open?.awaited) this.#listener.awaited(queue)
  }

  /** Lets go what lingered long enough. */
  releaseLingered(now: number): void {
    for (;;) {
      const first = this.#firstLingering()
      if (first === undefined || first.until > now) return
      this.#lingering.shift()
      this.#release(first.queue)
    }
  }

  /** Lets everything go at once. */
  releaseAll(): void {
    for (const { queue, batch } of this.#lingering) if (batch.state === 'open') this.#release(queue)
    this.#lingering.clear()
  }

  /** When the next batch has lingered long enough or its deadline is over. */
  nextWakeAt(): number {
    let at = this.#firstLingering()?.until ?? Number.POSITIVE_INFINITY
    for (const list of this.#expiring.values()) at = Math.min(at, firstAlive(list)?.batch.deadline ?? at)
    return at
  }

  /** Takes the batches whose deadline is over. They still stand in their queues. */
  takeExpired(now: number): Place[] {
    const expired: Place[] = []
    for (const list of this.#expiring.values()) {
      for (let first = firstAlive(list); first !== undefined && first.batch.deadline <= now; first = firstAlive(list)) {
        expired.push(first)
        list.shift()
      }
    }
    return expired
  }

  /** Every batch without a verdict, in the order of opening. */
  *alive(): Iterable<Place> {
    for (const place of this.#alive) if (place.batch.state !== 'done') yield place
  }

  /** Puts the records of the queue's batch into as many new ones as `maxBytes` asks for, in its place and order. */
  split(queue: PartitionQueue, batch: Batch, maxBytes: number): Batch[] {
    const parts: Batch[] = []
    batch.moveAll(this.#moving, (message, calledAt) => {
      let part = parts.at(-1)
      if (part === undefined || !part.fits(message, calledAt, this.#limits.maxRecords, maxBytes)) {
        part = this.#make(queue, message, batch.profile, calledAt)
        part.attempts = batch.attempts
        parts.push(part)
        part.fits(message, calledAt, this.#limits.maxRecords, maxBytes)
      }
      part.append(message, calledAt)
      return part
    })
    for (let i = 0; i < queue.batches.size; i++) {
      if (queue.batches.at(i) !== batch) continue
      queue.batches.remove(batch)
      queue.batches.insert(i, parts)
      break
    }
    for (const part of parts) part.seal()
    this.#enlist(queue, parts)
    return parts
  }

  #fits(batch: Batch, message: PreparedMessage, calledAt: number): boolean {
    return batch.fits(message, calledAt, this.#limits.maxRecords, this.#limits.maxBatchBytes)
  }

  #make(queue: PartitionQueue, message: PreparedMessage, profile: TopicProfile, calledAt: number): Batch {
    return new Batch(queue, profile, this.#clock, this.chunks, calledAt, message.timestamp)
  }

  #open(queue: PartitionQueue, message: PreparedMessage, profile: TopicProfile, calledAt: number): Batch {
    const batch = this.#make(queue, message, profile, calledAt)
    const place = { queue, batch, until: calledAt + this.#limits.lingerMs }
    queue.batches.push(batch)
    queue.newest = batch
    firstAlive(this.#alive)
    this.#alive.push(place)
    if (this.#alive.size > this.#tidyAt) this.#tidy()
    this.#listDeadline(place)
    queue.due = false
    if (queue.partition < 0) this.#listener.held(queue.topic)
    else if (this.flushing > 0 || this.#limits.lingerMs === 0) this.#release(queue)
    else {
      this.#firstLingering()
      this.#lingering.push(place)
    }
    this.#listener.opened()
    return batch
  }

  // At twice what was left the last time, so that it costs next to nothing for each batch.
  #tidy(): void {
    for (const list of [this.#alive, ...this.#expiring.values()]) {
      const places = [...list]
      list.clear()
      for (const place of places) if (place.batch.state !== 'done') list.push(place)
    }
    this.#tidyAt = Math.max(tidyFrom, this.#alive.size * 2)
  }

  #seal(queue: PartitionQueue, batch: Batch): void {
    if (queue.partition >= 0) this.seal(queue, batch)
    else batch.seal()
  }

  /** Closes an open batch: it is full, or it is being drained. */
  seal(queue: PartitionQueue, batch: Batch): void {
    queue.due = false
    batch.seal()
    queue.likelyMoments = Math.min(batch.moments, mostLikelyMoments)
    queue.likelyBytes = Math.min(batch.recordsBytes, mostLikelyBytes)
    this.#listener.sealed(queue, batch)
  }

  #release(queue: PartitionQueue): void {
    queue.due = true
    this.#listener.due(queue)
  }

  #placeHeld(topic: TopicQueue, settle: (batch: Batch, error: KafkaError) => void): void {
    const { holder } = topic
    holder.newest = null
    // They are told when everything has found its place, lest what a listener produces goes before it.
    const refused: { batch: Batch; error: KafkaError }[] = []
    for (let held = holder.batches.shift(); held !== undefined; held = holder.batches.shift()) {
      if (held.state === 'done') continue
      const { profile, awaited } = held
      held.moveAll(this.#moving, (message, calledAt) => {
        holder.userBytes -= message.userBytes
        try {
          return this.append(topic.place(message, profile), message, profile, calledAt, awaited)
        } catch (error) {
          const nowhere = { topic: topic.topic, partition: message.partition, likelyBytes: 0, likelyMoments: 0 }
          const alone = new Batch(nowhere, profile, this.#clock, this.chunks, calledAt, message.timestamp)
          alone.fits(message, calledAt, 1, 0)
          alone.append(message, calledAt)
          refused.push({ batch: alone, error: error as KafkaError })
          return alone
        }
      })
    }
    for (const { batch, error } of refused) settle(batch, error)
  }

  // Parts of a split batch keep its place in line, so they go before what was opened after it.
  #enlist(queue: PartitionQueue, parts: readonly Batch[]): void {
    const places = parts.map(batch => ({ queue, batch, until: 0 }))
    for (const place of places.toReversed()) this.#alive.unshift(place)
    for (const place of places) this.#listDeadline(place)
  }

  #listDeadline(place: Place): void {
    const { deadline, profile } = place.batch
    if (deadline === Number.POSITIVE_INFINITY) return
    const timeoutMs = profile['message.timeout.ms']
    let list = this.#expiring.get(timeoutMs)
    if (list === undefined) {
      list = new Deque()
      this.#expiring.set(timeoutMs, list)
    }
    firstAlive(list)
    let index = list.size
    while (index > 0 && (list.at(index - 1) as Place).batch.deadline > deadline) index--
    if (index === list.size) list.push(place)
    else list.insert(index, [place])
  }

  #firstLingering(): Place | undefined {
    for (;;) {
      const first = this.#lingering.first()
      if (first === undefined || (first.batch.state === 'open' && !first.queue.due)) return first
      this.#lingering.shift()
    }
  }
}

function firstAlive(list: Deque<Place>): Place | undefined {
  for (;;) {
    const first = list.first()
    if (first === undefined || first.batch.state !== 'done') return first
    list.shift()
  }
}
