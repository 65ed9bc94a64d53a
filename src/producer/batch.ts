// One batch of one partition: its records' bytes, its stamp, its attempts and its verdict.

import { Buffer } from 'node:buffer'
import type { Clock } from '../clock.ts'
import type { KafkaError } from '../errors.ts'
import {
  batchHeaderBytes,
  headerUserBytes,
  readRecord,
  recordBodyBytes,
  recordBytes,
  writeBatchHeader,
  writeRecord,
} from '../protocol/record-batch.ts'
import { CallTimes } from './call-times.ts'
import { Callers } from './callers.ts'
import type { ChunkPool } from './chunk-pool.ts'
import type { TopicProfile } from './config/config.ts'
import type { PreparedMessage } from './message.ts'
import { type Placement, place, placementOf } from './placement.ts'
import type { DeliveryReport, Verdict } from './report.ts'

/**
 * open: takes records. sealed: its records are final. compressing: a codec has them. ready: may be drained.
 * inFlight: in a request. done: has its verdict, or its records moved to other batches.
 */
export type BatchState = 'open' | 'sealed' | 'compressing' | 'ready' | 'inFlight' | 'done'

const following: Readonly<Record<BatchState, readonly BatchState[]>> = {
  open: ['sealed', 'done'],
  sealed: ['compressing', 'ready', 'done'],
  compressing: ['ready', 'done'],
  ready: ['inFlight', 'done'],
  inFlight: ['ready', 'done'],
  done: [],
}

/** Producer id, epoch and first sequence, as they go into the header. */
export interface Stamp {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}

/** Where the records of a batch went: the record at `i` is `indexes[i]` of `batches[i]`. */
export interface Forward {
  readonly batches: Batch[]
  readonly indexes: number[]
}

export class Batch {
  // What every message touches comes first and is a pointer or a small integer: with a thousand partitions each line of
  // memory that a message needs is far away.
  readonly profile: TopicProfile
  #state: BatchState = 'open'
  count = 0
  /** Encoded records, without the batch's header. */
  recordsBytes = 0
  /** What it holds against `queue.buffering.max.kbytes`. */
  userBytes = 0
  #chunk: Buffer | null = null
  #position = 0
  // Of the message that `fits` was asked about; the time is counted from the base timestamp.
  #bodyBytes = 0
  #delta = 0
  #maxDelta = 0
  // Adding this to a monotonic time gives the time of day since the base timestamp, rounded down to milliseconds.
  readonly #sinceBase: number
  #callTimes = new CallTimes()
  #timestamps: number[] | null = null
  #opaques: unknown[] | null = null

  readonly topic: string
  readonly partition: number
  readonly clock: Clock
  readonly callers = new Callers()
  /** When the verdict is due at the latest (monotonic milliseconds). */
  readonly deadline: number
  /** Somebody awaits one of its messages, so it does not linger. */
  awaited = false
  attempts = 0
  /** An attempt may have been appended although we were not told so. */
  uncertain = false
  stamp: Stamp | null = null
  /** How it ended; `verdict` once everybody is told. */
  decided: Verdict | null = null
  verdict: Verdict | null = null
  forward: Forward | null = null
  /** What goes on the wire: the chunks' used parts, or their compressed form. */
  payload: readonly Uint8Array[] = []
  codecId = 0

  readonly #pool: ChunkPool
  readonly #chunks: Buffer[] = []
  readonly #ends: number[] = []
  readonly #baseTimestamp: number
  #placements: Placement[] | null = null
  #settledAt = 0
  #pins = 0

  constructor(
    topic: string,
    partition: number,
    profile: TopicProfile,
    clock: Clock,
    pool: ChunkPool,
    calledAt: number,
    timestamp: number,
  ) {
    this.topic = topic
    this.partition = partition
    this.profile = profile
    this.clock = clock
    this.#pool = pool
    const timeoutMs = profile['message.timeout.ms']
    this.deadline = timeoutMs === 0 ? Number.POSITIVE_INFINITY : calledAt + timeoutMs
    const wallOffset = clock.wallNow() - clock.now() + 0.01
    this.#baseTimestamp = timestamp < 0 ? Math.floor(calledAt + wallOffset) : timestamp
    this.#sinceBase = wallOffset - this.#baseTimestamp
  }

  /** What it takes up in a request, without the batch's header. */
  get payloadBytes(): number {
    return this.codecId === 0 ? this.recordsBytes : (this.payload[0]?.length ?? 0)
  }

  get state(): BatchState {
    return this.#state
  }

  to(next: BatchState): void {
    if (!following[this.#state].includes(next)) throw new Error(`batch: no way from ${this.#state} to ${next}`)
    this.#state = next
  }

  /** Whether the message still fits; the first one always does. */
  fits(message: PreparedMessage, calledAt: number, maxRecords: number, maxBytes: number): boolean {
    const { timestamp } = message
    this.#delta = timestamp < 0 ? this.#sinceBaseAt(this.#callTimes.near(calledAt)) : timestamp - this.#baseTimestamp
    this.#bodyBytes = recordBodyBytes(message, this.#delta, this.count)
    if (this.count === 0) return true
    return this.count < maxRecords && batchHeaderBytes + this.recordsBytes + recordBytes(this.#bodyBytes) <= maxBytes
  }

  /** Encodes a message that `fits` was just asked about. Returns its index. */
  append(message: PreparedMessage, calledAt: number): number {
    const bytes = recordBytes(this.#bodyBytes)
    if (this.#chunk === null || this.#position + bytes > this.#chunk.length) this.#grow(bytes)
    const index = this.count++
    const delta = this.#delta
    this.#position = writeRecord(
      this.#chunk as unknown as Buffer,
      this.#position,
      message,
      delta,
      index,
      this.#bodyBytes,
    )
    this.recordsBytes += bytes
    this.userBytes += message.userBytes
    if (delta > this.#maxDelta) this.#maxDelta = delta
    this.#callTimes.add(index, this.#callTimes.near(calledAt))
    if (message.timestamp >= 0 || this.#timestamps !== null) this.#keepTimestamp(index, this.#baseTimestamp + delta)
    if (message.opaque !== undefined || this.#opaques !== null) this.#keepOpaque(index, message.opaque)
    return index
  }

  /** Remembers where the last message wants to go, for a batch of a topic's holder. */
  keepPlacement(message: PreparedMessage): void {
    this.#placements ??= []
    this.#placements.push(placementOf(message))
  }

  /** No record follows: fixes the payload. */
  seal(): void {
    this.to('sealed')
    if (this.#chunk !== null) this.#ends.push(this.#position)
    this.#chunk = null
    this.payload = this.#records()
  }

  /** The header for the present stamp; a new one for each attempt, since the old one may still be on its way. */
  header(transactional: boolean): Buffer {
    const header = Buffer.allocUnsafe(batchHeaderBytes)
    writeBatchHeader(
      header,
      {
        attributes: this.codecId | (transactional ? 0x10 : 0),
        recordCount: this.count,
        baseTimestamp: this.#baseTimestamp,
        maxTimestamp: this.#baseTimestamp + this.#maxDelta,
        producerId: this.stamp?.producerId ?? -1n,
        producerEpoch: this.stamp?.producerEpoch ?? -1,
        baseSequence: this.stamp?.baseSequence ?? -1,
      },
      this.payload,
    )
    return header
  }

  /** Something outside refers to the payload until the matching `unpin`: a request, or a codec. */
  pin(): void {
    this.#pins++
  }

  unpin(): void {
    this.#pins--
    this.#releaseMemory()
  }

  /** The batch has come to its end; nobody is told yet, since the reports of a partition go out in order. */
  decide(verdict: Verdict): void {
    this.to('done')
    this.decided = verdict
    this.#settledAt = this.clock.now()
    this.#releaseMemory()
  }

  /** Tells everybody who waits for a verdict, and `listener` of each message. */
  publish(listener: ((report: DeliveryReport) => void) | null): void {
    this.verdict = this.decided
    if (listener === null) return this.callers.settle(index => this.reportAt(index))
    const reports = Array.from({ length: this.count }, (_, index) => this.reportAt(index))
    this.callers.settle(index => reports[index] as DeliveryReport)
    for (const report of reports) listener(report)
  }

  /** The report on one record; there must be a verdict. */
  reportAt(index: number): DeliveryReport {
    const verdict = this.verdict as Verdict
    const error = verdict.recordErrors?.get(index) ?? verdict.error
    const known = verdict.baseOffset >= 0n && error === null
    const calledAt = this.#callTimes.at(index)
    return {
      topic: this.topic,
      partition: this.partition,
      offset: known ? verdict.baseOffset + BigInt(index) : -1n,
      timestamp: verdict.logAppendTimeMs >= 0 ? verdict.logAppendTimeMs : this.timestampAt(index, calledAt),
      status: verdict.status,
      error: error as KafkaError | null,
      opaque: this.opaqueAt(index),
      attempts: this.attempts,
      latencyMs: Math.max(0, this.#settledAt - calledAt),
    }
  }

  opaqueAt(index: number): unknown {
    return this.#opaques?.[index]
  }

  timestampAt(index: number, calledAt = this.#callTimes.at(index)): number {
    return this.#timestamps?.[index] ?? this.#baseTimestamp + this.#sinceBaseAt(calledAt)
  }

  /**
   * Moves every record to where `place` puts it, callers and handles with it, and ends this batch without a verdict.
   * `message` is reused for each; `place` returns the batch that took it, as its last record.
   */
  moveAll(message: PreparedMessage, place: (message: PreparedMessage, calledAt: number) => Batch): void {
    if (this.#state === 'open') this.seal()
    // At once: a partitioner that runs in `place` may purge.
    this.to('done')
    const forward: Forward = { batches: [], indexes: [] }
    for (const bytes of this.#records()) {
      for (let at = 0; at < bytes.length; ) {
        const index = forward.batches.length
        at = readRecord(bytes, at, message)
        this.#restore(message, index)
        const target = place(message, this.#callTimes.at(index))
        const moved = target.count - 1
        forward.batches.push(target)
        forward.indexes.push(moved)
        this.callers.move(index, target.callers, moved)
      }
    }
    this.callers.clear()
    this.forward = forward
    // A handle may be kept for long, and this batch with it.
    this.#callTimes = new CallTimes()
    this.#timestamps = null
    this.#opaques = null
    this.#placements = null
    this.#releaseMemory()
  }

  // Of a record that was read back, what does not stand in its bytes.
  #restore(message: PreparedMessage, index: number): void {
    message.topic = this.topic
    message.timestamp = this.timestampAt(index)
    message.opaque = this.opaqueAt(index)
    message.userBytes =
      Math.max(message.keyLength, 0) + Math.max(message.valueLength, 0) + headerUserBytes(message.headers)
    place(message, this.#placements?.[index])
  }

  #records(): Buffer[] {
    return this.#chunks.map((chunk, i) => chunk.subarray(0, this.#ends[i]))
  }

  #sinceBaseAt(monotonic: number): number {
    return Math.floor(monotonic + this.#sinceBase)
  }

  #keepTimestamp(index: number, timestamp: number): void {
    this.#timestamps ??= Array.from({ length: index }, (_, i) => this.timestampAt(i))
    this.#timestamps.push(timestamp)
  }

  #keepOpaque(index: number, opaque: unknown): void {
    this.#opaques ??= []
    while (this.#opaques.length < index) this.#opaques.push(undefined)
    this.#opaques.push(opaque)
  }

  #grow(bytes: number): void {
    if (this.#chunk !== null) this.#ends.push(this.#position)
    this.#chunk = this.#pool.take(bytes, this.recordsBytes)
    this.#chunks.push(this.#chunk)
    this.#position = 0
  }

  // Only when nothing refers to the memory: neither a request whose bytes may still be read, nor a later attempt.
  #releaseMemory(): void {
    if (this.#state !== 'done' || this.#pins > 0) return
    this.payload = []
    for (const chunk of this.#chunks.splice(0)) this.#pool.give(chunk)
  }
}
