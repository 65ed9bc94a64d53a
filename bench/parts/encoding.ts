// Encoding alone: messages of 100 bytes become records, batches with their checksum, and request frames, on one thread
// and with nothing sent.

import { systemClock } from '../../src/clock.ts'
import { Batch } from '../../src/producer/batch.ts'
import { ChunkPool } from '../../src/producer/chunk-pool.ts'
import { resolveConfig } from '../../src/producer/config/config.ts'
import { PreparedMessage, prepareMessage } from '../../src/producer/message.ts'
import { PartitionQueue } from '../../src/producer/partition-queue.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { encodeRequest } from '../../src/protocol/header.ts'
import type { Contender } from '../support/measure.ts'

const { profile } = resolveConfig({ 'bootstrap.servers': 'nowhere' })
const rules = { defaultTopic: null, keySerializer: null, valueSerializer: null, keyMaker: null, isPlain: true }
const pool = new ChunkPool()
const slot = new PartitionQueue('t', 0)
const prepared = new PreparedMessage()

function frame(batch: Batch): void {
  batch.seal()
  batch.to('ready')
  batch.stamp = { producerId: 1n, producerEpoch: 0, baseSequence: 0 }
  encodeRequest(produce, 9, 1, 'bench', {
    transactionalId: null,
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: 't', partitionData: [{ index: 0, records: batch.wire(false) }] }],
  })
  batch.decide({ error: null, status: 'persisted', baseOffset: 0n, logAppendTimeMs: -1, recordErrors: null })
}

const encode = (value: string | Uint8Array, key: string | null) => (messages: number) => {
  let batch: Batch | null = null
  for (let i = 0; i < messages; i++) {
    const calledAt = systemClock.now()
    prepareMessage({ topic: 't', key, value }, rules, prepared)
    if (batch !== null && !batch.fits(prepared, calledAt, 10_000, 1_000_000)) {
      frame(batch)
      batch = null
    }
    if (batch === null) {
      batch = new Batch(slot, profile, systemClock, pool, calledAt, -1)
      batch.fits(prepared, calledAt, 10_000, 1_000_000)
    }
    batch.append(prepared, calledAt)
  }
  if (batch !== null) frame(batch)
}

export const encoding: readonly Contender[] = [
  { name: 'bytes', run: encode(new Uint8Array(100), null) },
  { name: 'ASCII text', run: encode('x'.repeat(100), null) },
  { name: 'other text', run: encode('é'.repeat(50), null) },
  { name: 'ASCII text with a key of 10 characters', run: encode('x'.repeat(100), 'k'.repeat(10)) },
]
