// One batch of one partition: its records' bytes, its stamp, its attempts and its verdict.

import { Buffer } from 'node:buffer'
import type { Clock } from '../clock.ts'
import type { KafkaError } from '../errors.ts'
import {
  type BatchStamp,
  batchHeaderBytes,
  headerUserBytes,
  readRecord,
  recordBodyBytes,
  recordBytes,
  writeBatchHeader,
  writeRecord,
} from '../protocol/record-batch.ts'
import { type BatchState, following, type Slot } from './batch-state.ts'
import { CallTimes, msOf, ticksOf, wholeMs } from './call-times.ts'
import { Callers } from './callers.ts'
import type { Chunk, ChunkPool, Filled } from './chunk-pool.ts'
import type { TopicProfile } from './config/config.ts'
import type { PreparedMessage } from './message.ts'
import { type Placement, place, placementOf } from './placement.ts'
import type { DeliveryReport, Verdict } from './report.ts'

/** Producer id, epoch and first sequence, as they go into the header. */
export type Stamp = Readonly<Pick<BatchStamp, 'producerId' | 'producerEpoch' | 'baseSequence'>>

const unstamped: Stamp = { producerId: -1n, producerEpoch: -1, baseSequence: -1 }

/** Where the records of a batch went: the record at `i` is `indexes[i]` of `batches[i]`. */
export interface Forward {
  readonly batches: Batch[]
  readonly indexes: number[]
}

const none: readonly never[] = []

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
  // Where the next record goes: into the chunk that is written to.
  #memory: Buffer | null = null
  #position = 0
  #limit = 0
  // Of the message that `fits` was asked about; the time is counted from the base timestamp.
  #bodyBytes = 0
  #delta = 0
  #maxDelta = 0
  // The ticks of the monotonic clock when the time of day was the base timestamp.
  readonly #baseTicks: number
  #callTimes: CallTimes
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
  /** Instead of the records as they were encoded; null where they go as they are. */
  compressed: Uint8Array | null = null
  codecId = 0

  readonly #pool: ChunkPool
  readonly #likelyBytes: number
  // The one that is written to, and those before it. Nearly every batch has but one, which begins with room for the header.
  #chunk: Chunk | null = null
  #filled: readonly Filled[] = none
  readonly #baseTimestamp: number
  #placements: Placement[] | null = null
  #settledAt = 0
  #pins = 0

  constructor(slot: Slot, profile: TopicProfile, clock: Clock, pool: ChunkPool, calledAt: number, timestamp: number) {
    this.topic = slot.topic
    this.partition = slot.partition
    this.profile = profile
    this.clock = clock
    this.#pool = pool
    this.#likelyBytes = slot.likelyBytes
    this.#callTimes = new CallTimes(slot.likelyMoments)
    const timeoutMs = profile['message.timeout.ms']
    this.deadline = timeoutMs === 0 ? Number.POSITIVE_INFINITY : calledAt + timeoutMs
    const wallOffset = clock.wallNow() - clock.now() + 0.01
    this.#baseTimestamp = timestamp < 0 ? Math.floor(calledAt + wallOffset) : timestamp
    this.#baseTicks = ticksOf(this.#baseTimestamp - wallOffset)
  }

  /** What it takes up in a request, without the batch's header. */
  get payloadBytes(): number {
    return this.compressed?.length ?? this.recordsBytes
  }

  /** How many times of calls its messages have, which is at most one for each. */
  get moments(): number {
    return this.#callTimes.size
  }

  /** The records, or their compressed form. */
  get payload(): readonly Uint8Array[] {
    return this.compressed === null ? this.#views(batchHeaderBytes) : [this.compressed]
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
    this.#delta = timestamp < 0 ? wholeMs(ticksOf(calledAt) - this.#baseTicks) : timestamp - this.#baseTimestamp
    this.#bodyBytes = recordBodyBytes(message, this.#delta, this.count)
    if (this.count === 0) return true
    return this.count < maxRecords && batchHeaderBytes + this.recordsBytes + recordBytes(this.#bodyBytes) <= maxBytes
  }

  /** Encodes a message that `fits` was just asked about. Returns its index. */
  append(message: PreparedMessage, calledAt: number): number {
    const bytes = recordBytes(this.#bodyBytes)
    if (this.#position + bytes > this.#limit) this.#grow(bytes)
    const index = this.count++
    const delta = this.#delta
    const memory = this.#memory as Buffer
    this.#position = writeRecord(memory, this.#position, message, delta, index, this.#bodyBytes)
    this.recordsBytes += bytes
    this.userBytes += message.userBytes
    if (delta > this.#maxDelta) this.#maxDelta = delta
    this.#callTimes.add(index, ticksOf(calledAt))
    if (message.timestamp >= 0 || this.#timestamps !== null) this.#keepTimestamp(index, this.#baseTimestamp + delta)
    if (message.opaque !== undefined || this.#opaques !== null) this.#keepOpaque(index, message.opaque)
    return index
  }

  /** Remembers where the last message wants to go, for a batch of a topic's holder. */
  keepPlacement(message: PreparedMessage): void {
    this.#placements ??= []
    this.#placements.push(placementOf(message))
  }

  /** No record follows. */
  seal(): void {
    this.to('sealed')
  }

  /** What goes on the wire, behind a header for the present stamp. The request that it is for has pinned the batch. */
  wire(transactional: boolean): readonly Uint8Array[] {
    const { producerId, producerEpoch, baseSequence } = this.stamp ?? unstamped
    // Where another one holds it, too, that one's header may still be on its way.
    const apart = this.#pins > 1 || this.compressed !== null
    const pieces = apart ? [Buffer.allocUnsafe(batchHeaderBytes), ...this.payload] : this.#views(0)
    writeBatchHeader(
      pieces[0] as Buffer,
      {
        attributes: this.codecId | (transactional ? 0x10 : 0),
        recordCount: this.count,
        baseTimestamp: this.#baseTimestamp,
        maxTimestamp: this.#baseTimestamp + this.#maxDelta,
        producerId,
        producerEpoch,
        baseSequence,
      },
      pieces.length === 1 ? none : pieces.slice(1),
    )
    return pieces
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
    const ticks = this.#callTimes.at(index)
    return {
      topic: this.topic,
      partition: this.partition,
      offset: known ? verdict.baseOffset + BigInt(index) : -1n,
      timestamp: verdict.logAppendTimeMs >= 0 ? verdict.logAppendTimeMs : this.timestampAt(index, ticks),
      status: verdict.status,
      error: error as KafkaError | null,
      opaque: this.opaqueAt(index),
      attempts: this.attempts,
      latencyMs: Math.max(0, this.#settledAt - msOf(ticks)),
    }
  }

  opaqueAt(index: number): unknown {
    return this.#opaques?.[index]
  }

  timestampAt(index: number, ticks = this.#callTimes.at(index)): number {
    return this.#timestamps?.[index] ?? this.#baseTimestamp + wholeMs(ticks - this.#baseTicks)
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
    for (const bytes of this.#views(batchHeaderBytes)) {
      for (let at = 0; at < bytes.length; ) {
        const index = forward.batches.length
        at = readRecord(bytes, at, message)
        this.#restore(message, index)
        const target = place(message, msOf(this.#callTimes.at(index)))
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

  // What is written, without the first `skipped` bytes.
  #views(skipped: number): Buffer[] {
    if (this.#chunk === null) return []
    const last = { chunk: this.#chunk, end: this.#position }
    if (this.#filled === none) return [view(last, skipped)]
    return [...this.#filled, last].map((filled, i) => view(filled, i === 0 ? skipped : 0))
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
    const headerBytes = this.#chunk === null ? batchHeaderBytes : 0
    if (this.#chunk !== null) this.#filled = [...this.#filled, { chunk: this.#chunk, end: this.#position }]
    const likelyBytes = Math.max(this.recordsBytes, this.#likelyBytes)
    this.#chunk = this.#pool.take(headerBytes + bytes, headerBytes + likelyBytes)
    this.#memory = this.#chunk.slab.memory
    this.#position = this.#chunk.start + headerBytes
    this.#limit = this.#chunk.end
  }

  // Only when nothing refers to the memory: neither a request whose bytes may still be read, nor a later attempt.
  #releaseMemory(): void {
    if (this.#state !== 'done' || this.#pins > 0) return
    for (const { chunk } of this.#filled) this.#pool.give(chunk)
    if (this.#chunk !== null) this.#pool.give(this.#chunk)
    this.#filled = none
    this.#chunk = null
    this.#memory = null
    this.compressed = null
  }
}

function view({ chunk, end }: Filled, skipped: number): Buffer {
  return chunk.slab.memory.subarray(chunk.start + skipped, end)
}
