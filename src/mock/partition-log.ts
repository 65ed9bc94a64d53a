// One partition: its batches as they came, who leads it, and what its leader remembers of each producer.

import { type BatchHeader, type BatchRecord, readRecords } from '../protocol/record-batch-reader.ts'

export interface StoredBatch {
  readonly baseOffset: number
  readonly header: BatchHeader
  /** The batch as it was sent. */
  readonly bytes: Uint8Array
  /** Its records, decompressed; where that cannot be done here, why. */
  readonly records: Uint8Array | { readonly unreadable: string }
  /** When the broker took it, if its topic stamps records with that; else -1. */
  readonly logAppendTimeMs: number
  /** What became of the transaction that it is part of; null for none. */
  transaction: TransactionOutcome | null
}

export type TransactionOutcome = 'open' | 'committed' | 'aborted'

/** A record of the log. `sequence` is -1 where the batch has none. */
export interface LogRecord {
  readonly offset: bigint
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: [name: string, value: Uint8Array | null][]
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly sequence: number
  /** What became of its transaction; null where it was sent without one. Consumers that read what is committed see the rest. */
  readonly transaction: TransactionOutcome | null
}

/** What the next Produce to a partition is refused with, whatever is in it. */
export interface PartitionFailure {
  readonly errorCode: number
  readonly errorMessage?: string | null
  readonly recordErrors?: readonly { batchIndex: number; batchIndexErrorMessage: string | null }[]
}

export interface Leadership {
  readonly leader: number
  readonly epoch: number
}

interface ProducerState {
  epoch: number
  /** The newest last; empty in an epoch that a transaction's end began. */
  readonly batches: { readonly first: number; readonly last: number; readonly baseOffset: number }[]
  /** Of the transaction that is open here. */
  open: StoredBatch[]
}

// Source: Apache Kafka `ProducerStateEntry.NUM_BATCHES_TO_RETAIN`.
const rememberedBatches = 5

export class PartitionLog {
  readonly index: number
  replicas: readonly number[]
  readonly failures: PartitionFailure[] = []
  #leadership: Leadership
  #formerLeadership: Leadership
  readonly #retentionBytes: number
  #batches: StoredBatch[] = []
  #sizeBytes = 0
  #startOffset = 0
  #endOffset = 0
  readonly #producers = new Map<bigint, ProducerState>()
  readonly #decoded = new WeakMap<StoredBatch, LogRecord[]>()

  constructor(index: number, replicas: readonly number[], retentionBytes: number) {
    this.index = index
    this.replicas = replicas
    this.#leadership = { leader: replicas[0] ?? -1, epoch: 0 }
    this.#formerLeadership = this.#leadership
    this.#retentionBytes = retentionBytes
  }

  get leadership(): Leadership {
    return this.#leadership
  }

  /** What held before the last change of leader. */
  get formerLeadership(): Leadership {
    return this.#formerLeadership
  }

  get startOffset(): number {
    return this.#startOffset
  }

  get endOffset(): number {
    return this.#endOffset
  }

  get batches(): readonly StoredBatch[] {
    return this.#batches
  }

  /** Makes `leader` (-1: nobody) lead from a new epoch on. */
  lead(leader: number): void {
    this.#formerLeadership = this.#leadership
    this.#leadership = { leader, epoch: this.#leadership.epoch + 1 }
    if (leader >= 0 && !this.replicas.includes(leader)) this.replicas = [leader, ...this.replicas.slice(1)]
  }

  /** Whether an idempotent batch comes next, came before (then where), or may not come. */
  judgeSequence(batch: BatchHeader): { duplicateOf: number } | { error: string } | null {
    const state = batch.producerId < 0n ? undefined : this.#producers.get(batch.producerId)
    if (state === undefined) return null // with nothing remembered any first sequence is right
    const first = batch.baseSequence
    if (batch.producerEpoch < state.epoch) return { error: 'INVALID_PRODUCER_EPOCH' }
    if (batch.producerEpoch > state.epoch) return first === 0 ? null : { error: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }
    const last = lastSequence(batch)
    const twin = state.batches.find(known => known.first === first && known.last === last)
    if (twin !== undefined) return { duplicateOf: twin.baseOffset }
    const newest = state.batches.at(-1)
    const expected = newest === undefined ? 0 : nextSequence(newest.last, 1)
    return first === expected ? null : { error: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }
  }

  /** Appends what has been found to be right; returns its base offset. */
  append(header: BatchHeader, bytes: Uint8Array, records: StoredBatch['records'], logAppendTimeMs: number): number {
    const baseOffset = this.#endOffset
    const transaction = header.transactional ? 'open' : null
    const batch: StoredBatch = { baseOffset, header, bytes, records, logAppendTimeMs, transaction }
    this.#batches.push(batch)
    this.#endOffset += header.recordCount
    this.#sizeBytes += bytes.length
    if (header.producerId >= 0n) this.#remember(batch)
    this.#retain()
    return baseOffset
  }

  /** Whether the producer has written here in a transaction that is not over. */
  isOpen(producerId: bigint): boolean {
    return (this.#producers.get(producerId)?.open.length ?? 0) > 0
  }

  /** Writes a transaction's end, which takes an offset of its own. From now on `epoch` is the producer's. */
  endTransaction(producerId: bigint, epoch: number, outcome: 'committed' | 'aborted'): void {
    this.#endOffset++
    const state = this.#producers.get(producerId)
    for (const batch of state?.open ?? []) {
      batch.transaction = outcome
      this.#decoded.delete(batch)
    }
    const batches = state?.epoch === epoch ? state.batches : []
    this.#producers.set(producerId, { epoch, batches, open: [] })
  }

  /** Every record from `from` on. Throws if one is in a batch that cannot be read. */
  records(from = 0): LogRecord[] {
    const first = Math.max(from, this.#startOffset)
    const batches = this.#batches.filter(({ baseOffset, header }) => baseOffset + header.recordCount > first)
    return batches.flatMap(batch => this.#decode(batch)).filter(({ offset }) => offset >= first)
  }

  /** Moves the log's start; what is before it is gone. */
  deleteRecordsBefore(offset: number): void {
    this.#startOffset = Math.max(this.#startOffset, Math.min(offset, this.#endOffset))
    this.#batches = this.#batches.filter(batch => batch.baseOffset + batch.header.recordCount > this.#startOffset)
    this.#sizeBytes = this.#batches.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  forgetProducers(): void {
    this.#producers.clear()
  }

  #remember(batch: StoredBatch): void {
    const { header, baseOffset } = batch
    let state = this.#producers.get(header.producerId)
    if (state === undefined || state.epoch !== header.producerEpoch) {
      state = { epoch: header.producerEpoch, batches: [], open: state?.open ?? [] }
      this.#producers.set(header.producerId, state)
    }
    if (header.transactional) state.open.push(batch)
    state.batches.push({ first: header.baseSequence, last: lastSequence(header), baseOffset })
    if (state.batches.length > rememberedBatches) state.batches.shift()
  }

  // In portions, as segments go: a full log does not move all its entries at every append. The newest batch stays.
  #retain(): void {
    if (this.#sizeBytes <= 2 * this.#retentionBytes) return
    let surplus = this.#sizeBytes - this.#retentionBytes
    let gone = 0
    while (surplus > 0 && gone < this.#batches.length - 1) surplus -= this.#batches[gone++]?.bytes.length ?? 0
    this.deleteRecordsBefore(this.#batches[gone]?.baseOffset ?? 0)
  }

  #decode(batch: StoredBatch): LogRecord[] {
    let records = this.#decoded.get(batch)
    if (records === undefined) {
      const { header } = batch
      if ('unreadable' in batch.records) {
        throw new Error(`the batch at offset ${batch.baseOffset} cannot be read: ${batch.records.unreadable}`)
      }
      records = readRecords(batch.records, header.recordCount).map(record => toLogRecord(batch, record))
      this.#decoded.set(batch, records)
    }
    return records
  }
}

function toLogRecord(
  { baseOffset, header, logAppendTimeMs, transaction }: StoredBatch,
  record: BatchRecord,
): LogRecord {
  return {
    offset: BigInt(baseOffset + record.offsetDelta),
    timestamp: logAppendTimeMs >= 0 ? logAppendTimeMs : header.baseTimestamp + record.timestampDelta,
    key: record.key,
    value: record.value,
    headers: record.headers,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    sequence: header.baseSequence < 0 ? -1 : nextSequence(header.baseSequence, record.offsetDelta),
    transaction,
  }
}

function lastSequence(batch: BatchHeader): number {
  return nextSequence(batch.baseSequence, batch.recordCount - 1)
}

// After 2^31 - 1 comes 0.
function nextSequence(sequence: number, by: number): number {
  return (sequence + by) % 2 ** 31
}
