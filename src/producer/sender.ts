// The pump: whatever happens ends in `pump()`, which sends all that can go now and returns.
// One Produce request per leader and round, one batch per partition in it.

import type { Clock } from '../clock.ts'
import type { BrokerPool } from '../cluster/broker-pool.ts'
import type { Connection } from '../cluster/connection.ts'
import type { Metadata } from '../cluster/metadata.ts'
import type { KafkaError } from '../errors.ts'
import { produce } from '../protocol/apis/produce.ts'
import { zeroUuid } from '../protocol/schema.ts'
import type { Accumulator } from './accumulator.ts'
import { Answers } from './answers.ts'
import type { Batch } from './batch.ts'
import { compressBatch, type PluggedCodecs } from './compress-batch.ts'
import type { Idempotence } from './idempotence.ts'
import type { PartitionQueue } from './partition-queue.ts'
import { type Entry, produceRequest, sameTerms } from './produce-request.ts'
import { type Leader, Schedule } from './schedule.ts'
import type { Settlement } from './settlement.ts'

export interface SenderLimits {
  readonly maxInFlight: number
  readonly maxRequestBytes: number
  readonly maxRetries: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  /** For an answer; more where the broker itself has more for acknowledging. */
  readonly socketTimeoutMs: number
}

export interface SenderParts {
  readonly limits: SenderLimits
  readonly clock: Clock
  readonly random: () => number
  readonly accumulator: Accumulator
  readonly pool: BrokerPool
  readonly metadata: Metadata
  readonly settlement: Settlement
  readonly codecs: PluggedCodecs
  /** Null without idempotence. */
  readonly idempotence: Idempotence | null
  readonly fatal: (error: KafkaError) => void
}

export class Sender {
  readonly #parts: SenderParts
  readonly #schedule = new Schedule(() => this.wake())
  readonly #answers: Answers
  // Somebody pumps, or is about to.
  #busy = false
  #scheduled = false
  #stopped = false
  #timer: unknown
  #timerAt = Number.POSITIVE_INFINITY
  // Made once: a function that makes functions costs something even when it does not get that far.
  readonly #deferred = (): void => {
    this.#scheduled = false
    this.pump()
  }
  readonly #timed = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY
    this.pump()
  }

  constructor(parts: SenderParts) {
    this.#parts = parts
    this.#answers = new Answers({ ...parts, ...parts.limits, schedule: this.#schedule })
  }

  /** Messages in requests without an answer. */
  get inFlight(): number {
    return this.#answers.inFlight
  }

  /** Pumps at the end of this turn of the event loop. */
  wake(): void {
    if (this.#scheduled || this.#busy || this.#stopped) return
    this.#scheduled = true
    this.#parts.clock.defer(this.#deferred)
  }

  /** The open batch of a partition may go. */
  due(queue: PartitionQueue): void {
    this.#schedule.list(queue)
  }

  /** Somebody awaits a message in the partition's open batch. */
  awaited(queue: PartitionQueue): void {
    this.#schedule.listAwaited(queue)
  }

  /** A batch takes no more records. */
  sealed(queue: PartitionQueue, batch: Batch): void {
    compressBatch(batch, this.#parts.codecs, () => this.#schedule.list(queue))
  }

  /** The broker of this id, or every one, can be reached or takes more. */
  available(nodeId?: number): void {
    this.#schedule.available(nodeId)
  }

  /** A batch is given up before its answer. */
  forsake(batch: Batch): void {
    this.#answers.forsake(batch)
  }

  /** Sends whatever can go now. Any event may call it, at any time; it never waits. */
  pump(): void {
    if (this.#busy || this.#stopped) return
    this.#busy = true
    try {
      const now = this.#parts.clock.now()
      this.#tick(now)
      for (const leader of this.#schedule.changed()) this.#serve(leader, now)
    } finally {
      this.#busy = false
    }
    this.arm()
  }

  /** Sets the one timer for whatever time brings next: linger, a deadline, the end of a backoff. */
  arm(): void {
    const { accumulator, clock } = this.#parts
    if (this.#busy || this.#stopped) return
    const at = Math.min(accumulator.nextWakeAt(), this.#schedule.nextRetryAt)
    // A timer that comes too early does no harm and is cheaper than a new one.
    if (at >= this.#timerAt) return
    clock.clearTimer(this.#timer)
    this.#timerAt = at
    this.#timer = clock.setTimer(this.#timed, Math.max(0, at - clock.now()))
  }

  stop(): void {
    this.#stopped = true
    this.#parts.clock.clearTimer(this.#timer)
  }

  // What time alone brings about.
  #tick(now: number): void {
    const { accumulator, settlement } = this.#parts
    accumulator.releaseLingered(now)
    for (const { queue, batch } of accumulator.takeExpired(now)) {
      if (batch.state === 'done') continue // by a listener that heard of one before it
      this.forsake(batch)
      settlement.expire(queue, batch)
    }
    this.#schedule.endBackoffs(now)
  }

  #serve(leader: Leader, now: number): void {
    const { idempotence, pool, limits } = this.#parts
    if (leader.ready.size === 0 && leader.awaited.size === 0) return
    if (idempotence !== null && !idempotence.ready()) return
    const connection = pool.connection(leader.nodeId)
    if (connection === null) return
    if (leader.answered || leader.inFlight === 0) this.#schedule.releaseAwaited(leader)
    leader.answered = false
    while (leader.ready.size > 0 && leader.inFlight < limits.maxInFlight && !connection.congested) {
      const entries = this.#drain(leader, now)
      if (entries.length === 0) break
      this.#send(leader, connection, entries)
    }
  }

  // Takes one batch of each partition that has one ready, beginning where the last round ended.
  #drain(leader: Leader, now: number): Entry[] {
    const { accumulator, idempotence, limits } = this.#parts
    const schedule = this.#schedule
    const entries: Entry[] = []
    let bytes = 0
    let left = leader.ready.size
    for (const queue of leader.ready) {
      if (left-- === 0) break // what was listed again meanwhile is for the next request
      const isHere = queue.leader === leader.nodeId
      const batch = isHere ? queue.next(now) : null
      if (batch?.state === 'open') accumulator.seal(queue, batch)
      const first = entries[0]
      if (batch?.state === 'ready' && first !== undefined) {
        // It stays in line, and it is the first one there if it is for the next request.
        if (bytes + batch.payloadBytes > limits.maxRequestBytes) break
        if (!sameTerms(first.batch, batch)) continue
      }
      leader.ready.delete(queue)
      if (isHere && batch === null && queue.retryAt > now && queue.waiting) schedule.backOff(queue)
      if (batch?.state !== 'ready') {
        // A codec of the user's own may have given it up and queued more.
        if (batch !== null && queue.next(now) !== null) schedule.list(queue)
        continue
      }
      if (idempotence !== null && !idempotence.stamp(queue, batch)) continue
      this.#answers.launch(queue, batch)
      bytes += batch.payloadBytes
      entries.push({ queue, batch, topicId: accumulator.topics.get(queue.topic)?.metadata?.topicId ?? zeroUuid })
      if (queue.next(now) !== null) schedule.list(queue)
    }
    return entries
  }

  #send(leader: Leader, connection: Connection, entries: readonly Entry[]): void {
    const { clock, limits } = this.#parts
    const { body, ...version } = produceRequest(entries, connection.version(produce))
    // The broker may take all of its own time before it answers.
    const patienceMs = Math.max(limits.socketTimeoutMs, body.timeoutMs + 1000)
    leader.inFlight++
    connection.send(produce, body, {
      ...version,
      timeoutMs: Math.min(patienceMs, lastDeadline(entries) - clock.now()),
      expectAnswer: body.acks !== 0,
      written: () => {
        for (const { batch } of entries) batch.unpin()
      },
      settled: (error, response, written) => {
        leader.inFlight--
        leader.answered = true
        this.#busy = true
        try {
          this.#schedule.change(leader)
          if (error !== null) this.#answers.faulted(entries, error, written)
          else if (response === null) this.#answers.acknowledge(entries)
          else this.#answers.answered(entries, response, connection.label)
        } finally {
          this.#busy = false
        }
        this.pump()
      },
    })
  }
}

// When all of its batches have their verdict, the answer to a request is of no use, and those behind it wait in vain.
// Source: librdkafka `socket.timeout.ms`.
function lastDeadline(entries: readonly Entry[]): number {
  return entries.reduce((latest, { batch }) => Math.max(latest, batch.deadline), 0)
}
