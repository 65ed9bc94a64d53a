// Batches of several partitions as one Produce request, and its answer partition by partition.

import type { produce } from '../protocol/apis/produce.ts'
import { type RequestBody, type ResponseOf, zeroUuid } from '../protocol/schema.ts'
import type { Batch } from './batch.ts'
import type { PartitionQueue } from './partition-queue.ts'

/** One batch in a request. */
export interface Entry {
  readonly queue: PartitionQueue
  readonly batch: Batch
  /** By this id it is sent, from Produce 13 on; the metadata may know another one when the answer comes. */
  readonly topicId: string
}

export type ProduceResponse = ResponseOf<typeof produce>
export type PartitionResponse = ProduceResponse['responses'][number]['partitionResponses'][number]

/** The request for these batches, whose terms are the same, and the version it needs if that is not the highest. */
export function produceRequest(
  entries: readonly Entry[],
  highest: number | undefined,
): { body: RequestBody<typeof produce>; version?: number } {
  const topics = new Map<string, { name: string; topicId: string; partitionData: PartitionData[] }>()
  let everyId = true
  for (const { queue, batch, topicId } of entries) {
    if (topicId === zeroUuid) everyId = false
    let topic = topics.get(queue.topic)
    if (topic === undefined) {
      topic = { name: queue.topic, topicId, partitionData: [] }
      topics.set(queue.topic, topic)
    }
    topic.partitionData.push({ index: queue.partition, records: batch.wire(false) })
  }
  const profile = entries[0]?.batch.profile
  const body = {
    transactionalId: null,
    acks: profile?.['request.required.acks'] ?? -1,
    timeoutMs: profile?.['request.timeout.ms'] ?? 0,
    topicData: [...topics.values()],
  }
  // Version 13 names topics by id only, which a broker of an older kind may not have told.
  return highest !== undefined && highest > 12 && !everyId ? { body, version: 12 } : { body }
}

interface PartitionData {
  readonly index: number
  readonly records: readonly Uint8Array[]
}

/** Whether two batches may share a request. */
export function sameTerms(a: Batch, b: Batch): boolean {
  return (
    a.profile === b.profile ||
    (a.profile['request.required.acks'] === b.profile['request.required.acks'] &&
      a.profile['request.timeout.ms'] === b.profile['request.timeout.ms'])
  )
}

/** Finds the answer to an entry; undefined if the broker left it out. */
export function answersOf(response: ProduceResponse): (entry: Entry) => PartitionResponse | undefined {
  const topics = new Map<string, Map<number, PartitionResponse>>()
  for (const { name, topicId, partitionResponses } of response.responses) {
    const partitions = topics.get(name || topicId) ?? new Map<number, PartitionResponse>()
    topics.set(name || topicId, partitions)
    for (const partition of partitionResponses) partitions.set(partition.index, partition)
  }
  return ({ queue: { topic, partition }, topicId }) =>
    topics.get(topic)?.get(partition) ?? topics.get(topicId)?.get(partition)
}
