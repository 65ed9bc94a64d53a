// What a test wants to know of a batch without its records.

import type { StoredBatch } from './partition-log.ts'

export interface BatchFacts {
  readonly baseOffset: bigint
  readonly recordCount: number
  /** The codec's name; `none` where the records are as they are. */
  readonly codec: string
  /** The whole batch as it was sent, header included. */
  readonly sizeBytes: number
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Of the first record; -1 where the batch has none. */
  readonly sequence: number
  readonly transactional: boolean
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  /** The batch as it was sent. */
  readonly bytes: Uint8Array
}

const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

export function factsOf({ baseOffset, header, bytes }: StoredBatch): BatchFacts {
  const { recordCount, producerId, producerEpoch, baseSequence, transactional, baseTimestamp, maxTimestamp } = header
  return {
    baseOffset: BigInt(baseOffset),
    recordCount,
    codec: codecNames[header.codec] ?? String(header.codec),
    sizeBytes: bytes.length,
    producerId,
    producerEpoch,
    sequence: baseSequence,
    transactional,
    baseTimestamp,
    maxTimestamp,
    bytes,
  }
}
