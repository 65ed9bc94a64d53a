// What is known of the cluster at one moment: immutable, and how a newer answer becomes the next one. Pure.

import { describeErrorCode } from '../error-codes.ts'
import type { metadata } from '../protocol/apis/metadata.ts'
import { type ResponseOf, zeroUuid } from '../protocol/schema.ts'
import type { BrokerAddress } from './addresses.ts'

export interface PartitionMetadata {
  readonly partition: number
  /** Node id, -1 if there is none. */
  readonly leader: number
  /** -1 if the broker does not tell. */
  readonly leaderEpoch: number
  readonly errorCode: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

export interface TopicMetadata {
  readonly name: string
  /** The zero uuid if the broker does not tell. */
  readonly topicId: string
  readonly errorCode: number
  /** The index is the partition. */
  readonly partitions: readonly PartitionMetadata[]
  /** Partitions that have a leader. */
  readonly available: readonly number[]
}

export interface ClusterSnapshot {
  /** One more with every answer. */
  readonly version: number
  readonly clusterId: string | null
  /** -1 if the broker does not tell. */
  readonly controllerId: number
  readonly brokers: ReadonlyMap<number, BrokerAddress>
  /** Those asked for, the ones that do not exist included; not asked yet are those that are missing. */
  readonly topics: ReadonlyMap<string, TopicMetadata>
}

type MetadataResponse = ResponseOf<typeof metadata>
type TopicResponse = MetadataResponse['topics'][number]

// No cluster has partitions beyond this; an index that has would make an array of its size.
const maxPartitions = 1_000_000

export const emptySnapshot: ClusterSnapshot = Object.freeze({
  version: 0,
  clusterId: null,
  controllerId: -1,
  brokers: new Map(),
  topics: new Map(),
})

/** The snapshot after `response`, of which only topics that are `wanted` are kept. */
export function nextSnapshot(
  last: ClusterSnapshot,
  response: MetadataResponse,
  wanted: ReadonlySet<string>,
): ClusterSnapshot {
  const brokers = new Map(response.brokers.map(broker => [broker.nodeId, Object.freeze({ ...broker })]))
  const topics = new Map<string, TopicMetadata>()
  const answers = new Map(response.topics.map(topic => [topic.name, topic]))
  for (const name of wanted) {
    const known = last.topics.get(name)
    const answer = answers.get(name)
    const topic = answer === undefined ? known : nextTopic(name, known, answer, brokers)
    if (topic !== undefined) topics.set(name, topic)
  }
  const { clusterId, controllerId } = response
  return Object.freeze({ version: last.version + 1, clusterId, controllerId, brokers, topics })
}

/**
 * The snapshot after a broker's hint that `leader` leads the partition now, `endpoints` being where new brokers are;
 * null if that is no news. Source: KIP-951.
 */
export function hintedSnapshot(
  last: ClusterSnapshot,
  name: string,
  partition: number,
  leader: number,
  leaderEpoch: number,
  endpoints: readonly BrokerAddress[],
): ClusterSnapshot | null {
  const topic = last.topics.get(name)
  const known = topic?.partitions[partition]
  if (topic === undefined || known === undefined || leader < 0 || leaderEpoch <= known.leaderEpoch) return null
  const endpoint = endpoints.find(({ nodeId }) => nodeId === leader)
  if (endpoint === undefined && !last.brokers.has(leader)) return null
  const brokers =
    endpoint === undefined ? last.brokers : new Map(last.brokers).set(leader, Object.freeze({ ...endpoint }))
  const partitions = topic.partitions.with(partition, Object.freeze({ ...known, leader, leaderEpoch, errorCode: 0 }))
  const topics = new Map(last.topics).set(name, freezeTopic({ ...topic, partitions }))
  return Object.freeze({ ...last, version: last.version + 1, brokers, topics })
}

/** Whether asking again may tell more about the topic: not there yet, without partitions, or one without a leader. */
export function isIncomplete(topic: TopicMetadata | undefined): boolean {
  if (topic === undefined) return true
  if (topic.errorCode !== 0) return describeErrorCode(topic.errorCode).retriable
  return topic.partitions.length === 0 || topic.available.length < topic.partitions.length
}

function nextTopic(
  name: string,
  known: TopicMetadata | undefined,
  answer: TopicResponse,
  brokers: ClusterSnapshot['brokers'],
): TopicMetadata {
  const { topicId, errorCode } = answer
  if (errorCode !== 0) {
    // A passing fault takes nothing away from what is known; a topic that is not there has no partitions.
    const passing = describeErrorCode(errorCode).retriable && errorCode !== unknownTopic
    if (passing && known !== undefined) return Object.freeze({ ...known, errorCode })
    return freezeTopic({ name, topicId, errorCode, partitions: [] })
  }
  const same = known !== undefined && known.topicId === topicId
  const partitions: PartitionMetadata[] = same && topicId !== zeroUuid ? [...known.partitions] : []
  for (const { partitionIndex, leaderId, leaderEpoch, errorCode, replicaNodes, isrNodes } of answer.partitions) {
    if (partitionIndex < 0 || partitionIndex >= maxPartitions) continue
    const before = same ? known.partitions[partitionIndex] : undefined
    // An answer from a broker that is behind: the older epoch never replaces the newer one.
    partitions[partitionIndex] =
      before !== undefined && leaderEpoch >= 0 && leaderEpoch < before.leaderEpoch
        ? before
        : partitionOf(partitionIndex, leaderId, leaderEpoch, errorCode, replicaNodes, isrNodes)
  }
  for (let i = 0; i < partitions.length; i++) {
    // A partition that an answer leaves out has no leader, as far as we know, nor has one whose leader nobody lists yet.
    const partition = partitions[i] ?? partitionOf(i, -1, -1, leaderNotAvailable, [], [])
    const reachable = partition.leader < 0 || brokers.has(partition.leader)
    partitions[i] = reachable ? partition : Object.freeze({ ...partition, leader: -1, errorCode: leaderNotAvailable })
  }
  return freezeTopic({ name, topicId, errorCode, partitions })
}

const unknownTopic = 3
const leaderNotAvailable = 5

function partitionOf(
  partition: number,
  leader: number,
  leaderEpoch: number,
  errorCode: number,
  replicas: readonly number[],
  isr: readonly number[],
): PartitionMetadata {
  Object.freeze(replicas)
  Object.freeze(isr)
  return Object.freeze({ partition, leader, leaderEpoch, errorCode, replicas, isr })
}

function freezeTopic(topic: Omit<TopicMetadata, 'available'>): TopicMetadata {
  const available = topic.partitions.flatMap(({ partition, leader }) => (leader >= 0 ? [partition] : []))
  Object.freeze(topic.partitions)
  return Object.freeze({ ...topic, available: Object.freeze(available) })
}
