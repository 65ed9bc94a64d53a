// The shortest way for a test to produce one batch and to see what its partition answered.

import { produce } from '../../src/protocol/apis/produce.ts'
import type { ResponseOf } from '../../src/protocol/schema.ts'
import type { RawClient } from './raw-client.ts'

type PartitionResponse = ResponseOf<typeof produce>['responses'][number]['partitionResponses'][number]

export interface ProduceOptions {
  readonly topic?: string
  readonly topicId?: string
  readonly partition?: number
  readonly acks?: number
  readonly version?: number
  readonly transactionalId?: string | null
}

export function produceBody(batch: Uint8Array | null, options: ProduceOptions = {}) {
  const { topic = 'orders', topicId, partition = 0, acks = -1, transactionalId = null } = options
  const partitionData = [{ index: partition, records: batch === null ? null : [batch] }]
  return { transactionalId, acks, timeoutMs: 1000, topicData: [{ name: topic, topicId, partitionData }] }
}

/** What the partition answered, or null if the connection was closed. */
export async function produceBatch(
  client: RawClient,
  batch: Uint8Array | null,
  options: ProduceOptions = {},
): Promise<PartitionResponse | null> {
  const response = await client.call(produce, options.version ?? 9, produceBody(batch, options))
  return response?.responses[0]?.partitionResponses[0] ?? null
}
