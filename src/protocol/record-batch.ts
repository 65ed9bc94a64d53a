// Record batch v2, written by hand: nearly all bytes of a producer pass here.
// A record is encoded once, into the memory of its batch; the header is filled when the batch is drained.
// Source: Apache Kafka, "Implementation / Message Format"; KIP-98, KIP-82.

import { Buffer } from 'node:buffer'
import { crc32c } from './crc32c.ts'

export const batchHeaderBytes = 61

/** What one record is made of. The caller reuses one of these, so encoding allocates nothing. */
export interface RecordInput {
  /** The key is `key[0, keyLength)`; keyLength -1 is null. */
  key: Buffer
  keyLength: number
  value: string | Uint8Array | readonly Uint8Array[] | null
  /** Encoded bytes of the value; -1 is null. */
  valueLength: number
  /** The headers as they stand in the record, their count included: `headers[0, headersLength)`. */
  headers: Buffer
  headersLength: number
}

/** Encoded size of a signed number (zigzag). Source: Protocol Buffers encoding. */
export function varintBytes(value: number): number {
  return uvarintBytes(((value << 1) ^ (value >> 31)) >>> 0)
}

function uvarintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5
}

// Timestamp deltas beyond 31 bits are legal and never hot.
function varlongBytes(value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return varintBytes(value)
  let rest = zigzag64(value)
  let bytes = 1
  while (rest >= 0x80n) {
    rest >>= 7n
    bytes++
  }
  return bytes
}

function zigzag64(value: number): bigint {
  const wide = BigInt(value)
  return BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n))
}

function writeUvarint(into: Uint8Array, at: number, value: number): number {
  // The store keeps eight bits.
  for (; value >= 0x80; value >>>= 7) into[at++] = value | 0x80
  into[at++] = value
  return at
}

export function writeVarint(into: Uint8Array, at: number, value: number): number {
  return writeUvarint(into, at, ((value << 1) ^ (value >> 31)) >>> 0)
}

function writeVarlong(into: Uint8Array, at: number, value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return writeVarint(into, at, value)
  let rest = zigzag64(value)
  while (rest >= 0x80n) {
    into[at++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  into[at++] = Number(rest)
  return at
}

/** Bytes of a record after its length prefix, exactly. */
export function recordBodyBytes(record: RecordInput, timestampDelta: number, offsetDelta: number): number {
  const { keyLength, valueLength } = record
  return (
    1 +
    varlongBytes(timestampDelta) +
    varintBytes(offsetDelta) +
    varintBytes(keyLength) +
    (keyLength > 0 ? keyLength : 0) +
    varintBytes(valueLength) +
    (valueLength > 0 ? valueLength : 0) +
    record.headersLength
  )
}

/** Bytes of a whole record, given those of its body. */
export function recordBytes(bodyBytes: number): number {
  return varintBytes(bodyBytes) + bodyBytes
}

/** Writes one record at `at` and returns where the next one goes. `bodyBytes` is what `recordBodyBytes` said. */
export function writeRecord(
  into: Buffer,
  at: number,
  record: RecordInput,
  timestampDelta: number,
  offsetDelta: number,
  bodyBytes: number,
): number {
  at = writeVarint(into, at, bodyBytes)
  into[at++] = 0
  at = writeVarlong(into, at, timestampDelta)
  at = writeVarint(into, at, offsetDelta)
  const { keyLength, valueLength, headersLength } = record
  at = writeVarint(into, at, keyLength)
  if (keyLength > 0) at = copyBytes(into, at, record.key, keyLength)
  at = writeVarint(into, at, valueLength)
  if (valueLength > 0) at = writeValue(into, at, record.value, valueLength)
  if (headersLength === 1) into[at++] = 0
  else at = copyBytes(into, at, record.headers, headersLength)
  return at
}

// Below about this many bytes a loop beats the call into the runtime. bench/encode.ts.
const shortBytes = 24

function copyBytes(into: Buffer, at: number, from: Buffer, length: number): number {
  if (length > shortBytes) {
    from.copy(into, at, 0, length)
    return at + length
  }
  for (let i = 0; i < length; i++) into[at++] = from[i] as number
  return at
}

function writeValue(into: Buffer, at: number, value: RecordInput['value'], length: number): number {
  if (typeof value === 'string') return writeString(into, at, value, length)
  if (!isGathered(value)) {
    if (value !== null) into.set(value, at)
    return at + length
  }
  for (const part of value) {
    into.set(part, at)
    at += part.length
  }
  return at
}

// Not `instanceof Uint8Array`: bytes may come from another realm, as they do under Jest.
function isGathered(value: Uint8Array | readonly Uint8Array[] | null): value is readonly Uint8Array[] {
  return Array.isArray(value)
}

// What `write` calls after a look at its arguments, which takes as long as the writing; and text that is ASCII is written
// faster by those who know that it is. For 100 characters: write 110 ns, utf8Write 94 ns, latin1Write 53 ns.
type WriteText = (this: Buffer, text: string, at: number, length: number) => number
const writeUtf8: WriteText = Reflect.get(Buffer.prototype, 'utf8Write') ?? Buffer.prototype.write
const writeAscii: WriteText = Reflect.get(Buffer.prototype, 'latin1Write') ?? writeUtf8

/** Writes `text` as UTF-8; `length` is its encoded size. Returns where the next byte goes. */
export function writeString(into: Buffer, at: number, text: string, length: number): number {
  if (length !== text.length) return at + writeUtf8.call(into, text, at, length)
  if (length > shortBytes) return at + writeAscii.call(into, text, at, length)
  for (let i = 0; i < length; i++) into[at++] = text.charCodeAt(i)
  return at
}

/**
 * Reads back a record that `writeRecord` wrote, as views on its bytes, and returns where the next one starts.
 * For records that move to another batch; the bytes are our own, so nothing is checked.
 */
export function readRecord(from: Buffer, at: number, into: RecordInput): number {
  const end = skipVarint(from, at) + readVarint(from, at)
  at = skipVarint(from, skipVarint(from, skipVarint(from, at) + 1))
  const keyLength = readVarint(from, at)
  at = skipVarint(from, at)
  into.keyLength = keyLength
  into.key = from.subarray(at, at + Math.max(keyLength, 0))
  at += Math.max(keyLength, 0)
  const valueLength = readVarint(from, at)
  at = skipVarint(from, at)
  into.valueLength = valueLength
  into.value = valueLength < 0 ? null : from.subarray(at, at + valueLength)
  at += Math.max(valueLength, 0)
  into.headers = from.subarray(at, end)
  into.headersLength = end - at
  return end
}

/** Bytes of the names and values in a record's headers. */
export function headerUserBytes(headers: Uint8Array): number {
  let at = skipVarint(headers, 0)
  let total = 0
  for (let left = readVarint(headers, 0) * 2; left > 0; left--) {
    const length = Math.max(readVarint(headers, at), 0)
    total += length
    at = skipVarint(headers, at) + length
  }
  return total
}

function skipVarint(from: Uint8Array, at: number): number {
  while ((from[at] as number) >= 0x80) at++
  return at + 1
}

function readVarint(from: Uint8Array, at: number): number {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = from[at++] as number
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
  }
}

/** What a batch's header says of it. */
export interface BatchStamp {
  /** Codec id in bits 0 to 2, transactional in bit 4. */
  attributes: number
  recordCount: number
  baseTimestamp: number
  maxTimestamp: number
  /** -1n, -1, -1 without idempotence. */
  producerId: bigint
  producerEpoch: number
  baseSequence: number
}

/**
 * Fills the 61 bytes at the beginning of `header`, checksum included. The records (as sent, so compressed if they are)
 * stand behind them in the same memory, or in `more`.
 */
export function writeBatchHeader(header: Buffer, stamp: BatchStamp, more: readonly Uint8Array[]): void {
  let bytes = header.length
  for (const chunk of more) bytes += chunk.length
  writeInteger(header, 0, 0)
  header.writeInt32BE(bytes - 12, 8)
  header.writeInt32BE(-1, 12)
  header[16] = 2
  header.writeInt16BE(stamp.attributes, 21)
  header.writeInt32BE(stamp.recordCount - 1, 23)
  writeInteger(header, stamp.baseTimestamp, 27)
  writeInteger(header, stamp.maxTimestamp, 35)
  writeProducerId(header, stamp.producerId, 43)
  header.writeInt16BE(stamp.producerEpoch, 51)
  header.writeInt32BE(stamp.baseSequence, 53)
  header.writeInt32BE(stamp.recordCount, 57)
  let crc = crc32c(header, 21, header.length)
  for (const chunk of more) crc = crc32c(chunk, 0, chunk.length, crc)
  header.writeUInt32BE(crc, 17)
}

// Taking a BigInt apart costs as much as the rest of the header, and a producer has the same id for long.
const lastId = { id: 0n, high: 0, low: 0 }

function writeProducerId(into: Buffer, id: bigint, at: number): void {
  if (id !== lastId.id) {
    lastId.id = id
    lastId.high = Number(BigInt.asIntN(32, id >> 32n))
    lastId.low = Number(BigInt.asIntN(32, id))
  }
  into.writeInt32BE(lastId.high, at)
  into.writeInt32BE(lastId.low, at + 4)
}

// A safe integer as an int64.
function writeInteger(into: Buffer, value: number, at: number): void {
  into.writeInt32BE(Math.floor(value / 0x1_0000_0000), at)
  into.writeInt32BE(value | 0, at + 4)
}
