// Pieces of the queue by themselves: a profile, prepared messages, batches without a producer around them.

import type { Clock } from '../../src/clock.ts'
import type { TopicMetadata } from '../../src/cluster/snapshot.ts'
import { Batch } from '../../src/producer/batch.ts'
import { ChunkPool } from '../../src/producer/chunk-pool.ts'
import type { TopicProfile } from '../../src/producer/config/config.ts'
import { type Message, PreparedMessage, prepareMessage } from '../../src/producer/message.ts'
import { PartitionQueue } from '../../src/producer/partition-queue.ts'

export const profile: TopicProfile = {
  'request.required.acks': -1,
  'request.timeout.ms': 30_000,
  'message.timeout.ms': 300_000,
  'compression.codec': 'none',
  'compression.level': -1,
  partitioner: 'consistent_random',
}

export function prepared(message: Message): PreparedMessage {
  const into = new PreparedMessage()
  const rules = { defaultTopic: 't', keySerializer: null, valueSerializer: null, keyMaker: null, isPlain: true }
  prepareMessage(message, rules, into)
  return into
}

export interface BatchOptions {
  readonly partition?: number
  readonly profile?: TopicProfile
  readonly pool?: ChunkPool
  readonly calledAt?: number
  readonly timestamp?: number
}

export function makeBatch(clock: Clock, options: BatchOptions = {}): Batch {
  const { partition = 0, pool = new ChunkPool(), calledAt = clock.now(), timestamp = -1 } = options
  return new Batch(new PartitionQueue('t', partition), options.profile ?? profile, clock, pool, calledAt, timestamp)
}

/** Appends as the accumulator does: asks whether it fits first. */
export function add(batch: Batch, message: Message, calledAt = batch.clock.now()): number {
  const record = prepared(message)
  if (!batch.fits(record, calledAt, 10_000, 1_000_000)) throw new Error('the batch is full')
  return batch.append(record, calledAt)
}

/** What the cluster says of a topic: leader and epoch of each partition. */
export function topicMetadata(leaders: readonly (readonly [leader: number, epoch: number])[]): TopicMetadata {
  return {
    name: 't',
    topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
    errorCode: 0,
    partitions: leaders.map(([leader, leaderEpoch], partition) => {
      return { partition, leader, leaderEpoch, errorCode: 0, replicas: [leader], isr: [leader] }
    }),
    available: leaders.flatMap(([leader], partition) => (leader < 0 ? [] : [partition])),
  }
}
