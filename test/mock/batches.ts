// Record batches for the mock's tests, right by default and wrong where a test asks for it.

import { Buffer } from 'node:buffer'
import { crc32c } from '../../src/protocol/crc32c.ts'
import {
  type BatchStamp,
  batchHeaderBytes,
  recordBodyBytes,
  writeBatchHeader,
  writeRecord,
} from '../../src/protocol/record-batch.ts'

export const timestamp = 1_700_000_000_000

/** Encodes records without keys; `null` is a tombstone. */
export function records(values: readonly (string | null)[], offsetDeltas = values.map((_, i) => i)): Buffer {
  const into = Buffer.alloc(values.reduce((sum, value) => sum + 32 + Buffer.byteLength(value ?? ''), 0))
  let at = 0
  values.forEach((value, i) => {
    const record = {
      key: Buffer.alloc(0),
      keyLength: -1,
      value,
      valueLength: value === null ? -1 : Buffer.byteLength(value),
      headers: Buffer.of(0),
      headersLength: 1,
    }
    const offsetDelta = offsetDeltas[i] ?? i
    at = writeRecord(into, at, record, i, offsetDelta, recordBodyBytes(record, i, offsetDelta))
  })
  return into.subarray(0, at)
}

/** A whole batch around encoded records. */
export function batchOf(payload: Uint8Array, stamp: Partial<BatchStamp> & { recordCount: number }): Buffer {
  const header = Buffer.alloc(batchHeaderBytes)
  const full: BatchStamp = {
    attributes: 0,
    baseTimestamp: timestamp,
    maxTimestamp: timestamp + stamp.recordCount - 1,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    ...stamp,
  }
  writeBatchHeader(header, full, [payload])
  return Buffer.concat([header, payload])
}

export function batch(values: readonly (string | null)[], stamp: Partial<BatchStamp> = {}): Buffer {
  return batchOf(records(values), { recordCount: values.length, ...stamp })
}

/** A batch of `count` records of an idempotent producer. */
export function sequenced(baseSequence: number, count = 1, producerEpoch = 0, producerId = 7n): Buffer {
  const values = Array.from({ length: count }, (_, i) => `s${baseSequence + i}`)
  return batch(values, { producerId, producerEpoch, baseSequence })
}

/** Writes over part of a batch and makes its checksum right again. */
export function altered(original: Buffer, change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(original)
  change(bytes)
  bytes.writeUInt32BE(crc32c(bytes, 21, bytes.length), 17)
  return bytes
}
