// Record batch v2, read back: the broker's side of it, and headers for a custom partitioner. The encoder is record-batch.ts.
// Source: Apache Kafka, "Implementation / Message Format"; KIP-98, KIP-82.

import { ProtocolError } from '../errors.ts'
import { crc32c } from './crc32c.ts'
import { Reader } from './reader.ts'
import { batchHeaderBytes } from './record-batch.ts'

export interface BatchHeader {
  readonly baseOffset: bigint
  /** Bytes of the batch after this field, that is 12 less than the whole. */
  readonly batchLength: number
  readonly partitionLeaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; the rest is not defined. */
  readonly codec: number
  /** 0 create time, 1 log append time. */
  readonly timestampType: 0 | 1
  readonly transactional: boolean
  readonly control: boolean
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

export type RecordHeader = [name: string, value: Uint8Array | null]

/** One record of a batch; the bytes are views on the batch. */
export interface BatchRecord {
  readonly offsetDelta: number
  readonly timestampDelta: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: RecordHeader[]
}

/** Reads the header of the batch at `start`; throws ProtocolError unless the whole batch is there. */
export function readBatchHeader(bytes: Uint8Array, start = 0): BatchHeader {
  const reader = new Reader(bytes, start)
  const baseOffset = reader.int64()
  const batchLength = reader.int32()
  reader.expect(batchLength)
  if (batchLength < batchHeaderBytes - 12)
    throw new ProtocolError(`a batch of ${batchLength} bytes has no whole header`)
  const partitionLeaderEpoch = reader.int32()
  const magic = reader.int8()
  const crc = reader.uint32()
  const attributes = reader.int16()
  return {
    baseOffset,
    batchLength,
    partitionLeaderEpoch,
    magic,
    crc,
    attributes,
    codec: attributes & 7,
    timestampType: attributes & 8 ? 1 : 0,
    transactional: (attributes & 16) !== 0,
    control: (attributes & 32) !== 0,
    lastOffsetDelta: reader.int32(),
    baseTimestamp: reader.int64AsNumber(),
    maxTimestamp: reader.int64AsNumber(),
    producerId: reader.int64(),
    producerEpoch: reader.int16(),
    baseSequence: reader.int32(),
    recordCount: reader.int32(),
  }
}

/** Whether the checksum of the batch at `start` is that of its bytes. */
export function batchCrcMatches(bytes: Uint8Array, start = 0): boolean {
  const reader = new Reader(bytes, start + 8)
  const end = start + 12 + readBatchLength(reader)
  reader.skip(5)
  return reader.uint32() === crc32c(bytes, start + 21, end)
}

function readBatchLength(reader: Reader): number {
  const batchLength = reader.int32()
  reader.expect(batchLength)
  if (batchLength < batchHeaderBytes - 12)
    throw new ProtocolError(`a batch of ${batchLength} bytes has no whole header`)
  return batchLength
}

/** Reads the records behind the header, decompressed; throws ProtocolError unless they are exactly `count`. */
export function readRecords(bytes: Uint8Array, count: number): BatchRecord[] {
  const reader = new Reader(bytes)
  reader.expect(count)
  const records: BatchRecord[] = []
  for (let i = 0; i < count; i++) records.push(readRecord(reader))
  reader.end()
  return records
}

function readRecord(reader: Reader): BatchRecord {
  const bodyBytes = reader.varint()
  reader.expect(bodyBytes)
  const end = reader.position + bodyBytes
  reader.skip(1) // attributes, none of which is defined
  const timestampDelta = reader.varlongAsNumber()
  const offsetDelta = reader.varint()
  const key = readBytes(reader)
  const value = readBytes(reader)
  const headers = readHeaderList(reader)
  if (reader.position !== end) throw new ProtocolError(`a record ends at byte ${reader.position}, not ${end}`)
  return { offsetDelta, timestampDelta, key, value, headers }
}

/** Reads the headers of a record as they stand in it, their count first. */
export function readHeaders(bytes: Uint8Array): RecordHeader[] {
  const reader = new Reader(bytes)
  const headers = readHeaderList(reader)
  reader.end()
  return headers
}

function readHeaderList(reader: Reader): RecordHeader[] {
  const count = reader.varint()
  reader.expect(count)
  const headers: RecordHeader[] = []
  for (let i = 0; i < count; i++) headers.push([reader.string(reader.varint()), readBytes(reader)])
  return headers
}

function readBytes(reader: Reader): Uint8Array | null {
  const byteLength = reader.varint()
  return byteLength === -1 ? null : reader.bytes(byteLength)
}
