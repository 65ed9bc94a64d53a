// Metadata and CreateTopics: what the cluster says of its topics, and how it comes to have more of them.
// Source: Apache Kafka `KafkaApis`, `ReplicationControlManager`; KIP-4, KIP-516.

import { createTopics } from '../protocol/apis/create-topics.ts'
import { metadata } from '../protocol/apis/metadata.ts'
import { type RequestOf, type ResponseBody, zeroUuid } from '../protocol/schema.ts'
import { codeOf, type Endpoint, type Served } from './endpoint.ts'
import type { PartitionLog } from './partition-log.ts'
import { isTopicName, type MockTopicConfig, type Topic, type Topology } from './topology.ts'

type MetadataRequest = RequestOf<typeof metadata>
type MetadataResponse = ResponseBody<typeof metadata>
type MetadataTopic = MetadataResponse['topics'][number]
type CreateRequest = RequestOf<typeof createTopics>
type CreateResponse = ResponseBody<typeof createTopics>
type Creatable = CreateRequest['topics'][number]

export interface CreationRules {
  /** Whether a Metadata request may create the topics that it asks for. */
  readonly autoCreateTopics: boolean
  /** Where the request does not say how many. */
  readonly defaultPartitions: number
}

// Source: Apache Kafka `ReplicationControlManager.MAX_PARTITIONS_PER_BATCH`.
const maxPartitionsAtOnce = 10_000
const rebootstrapRequired = codeOf('REBOOTSTRAP_REQUIRED')

export function metadataEndpoint(rules: CreationRules): Endpoint<MetadataRequest, MetadataResponse> {
  return {
    api: metadata,
    pausesAfterwardsFrom: 6,

    handle({ topics, allowAutoTopicCreation }, { topology }) {
      const stale = topology.staleAnswers > 0 && topics?.length !== 0
      if (stale) topology.staleAnswers--
      const create = allowAutoTopicCreation && rules.autoCreateTopics ? rules.defaultPartitions : 0
      const answer = (wanted: { name: string | null; topicId: string }) =>
        describeWanted(wanted, topology, create, stale)
      return {
        ...describeCluster(topology),
        topics: topics === null ? topology.topics.map(topic => describe(topic, topology, stale)) : topics.map(answer),
      }
    },

    refuse: ({ topics }, errorCode, { topology }) => ({
      ...describeCluster(topology),
      topics: (topics ?? topology.topics.map(({ name, id }) => ({ name, topicId: id }))).map(({ name, topicId }) =>
        refused(errorCode, name, topicId),
      ),
      errorCode: errorCode === rebootstrapRequired ? errorCode : 0,
    }),
  }
}

function describeCluster(topology: Topology): Omit<MetadataResponse, 'topics'> {
  const { clusterId, controller } = topology
  return { throttleTimeMs: 0, brokers: [...topology.brokers.values()], clusterId, controllerId: controller }
}

function describeWanted(
  { name, topicId }: { name: string | null; topicId: string },
  topology: Topology,
  createWith: number,
  stale: boolean,
): MetadataTopic {
  if (name === null || topicId !== zeroUuid) {
    const topic = topology.topicById(topicId)
    return topic === undefined ? refused(codeOf('UNKNOWN_TOPIC_ID'), null, topicId) : describe(topic, topology, stale)
  }
  const topic = topology.topic(name)
  if (topic !== undefined) return describe(topic, topology, stale)
  if (!isTopicName(name)) return refused(codeOf('INVALID_TOPIC_EXCEPTION'), name)
  // As with KRaft, the answer that creates a topic does not know it yet.
  if (createWith > 0) topology.createTopic(name, createWith)
  return refused(codeOf('UNKNOWN_TOPIC_OR_PARTITION'), name)
}

function refused(errorCode: number, name: string | null, topicId = zeroUuid): MetadataTopic {
  return { errorCode, name, topicId, isInternal: false, partitions: [] }
}

function describe({ name, id, partitions }: Topic, topology: Topology, stale: boolean): MetadataTopic {
  const shown = partitions.filter(({ index }) => !takeOmission(topology, name, index))
  return {
    errorCode: 0,
    name,
    topicId: id,
    isInternal: false,
    partitions: shown.map(partition => describePartition(partition, topology, stale)),
  }
}

function describePartition(log: PartitionLog, topology: Topology, stale: boolean): MetadataTopic['partitions'][number] {
  const { index, leadership, formerLeadership, replicas } = log
  const inSync = topology.inSync(log)
  const { leader, epoch } = stale ? formerLeadership : leadership
  return {
    errorCode: leader === -1 ? codeOf('LEADER_NOT_AVAILABLE') : 0,
    partitionIndex: index,
    leaderId: leader,
    leaderEpoch: epoch,
    replicaNodes: replicas,
    isrNodes: inSync,
    offlineReplicas: replicas.filter(replica => !inSync.includes(replica)),
  }
}

function takeOmission({ omitted }: Topology, topic: string, partition: number): boolean {
  const at = omitted.findIndex(entry => entry.topic === topic && entry.partition === partition)
  if (at >= 0) omitted.splice(at, 1)
  return at >= 0
}

export function createTopicsEndpoint({ defaultPartitions }: CreationRules): Endpoint<CreateRequest, CreateResponse> {
  return {
    api: createTopics,
    pausesAfterwardsFrom: 3,

    handle({ topics, validateOnly }, served) {
      const answer = (wanted: Creatable) => create(wanted, served, defaultPartitions, validateOnly)
      return { throttleTimeMs: 0, topics: topics.map(answer) }
    },

    refuse: ({ topics }, errorCode) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name }) => ({ name, errorCode, errorMessage: null })),
    }),
  }
}

function create(
  wanted: Creatable,
  { topology, version }: Served,
  defaultPartitions: number,
  validateOnly: boolean,
): CreateResponse['topics'][number] {
  const { name, assignments } = wanted
  const brokers = topology.brokers.size
  const partitions = assignments.length || (wanted.numPartitions === -1 ? defaultPartitions : wanted.numPartitions)
  const replicas = wanted.replicationFactor === -1 ? Math.min(3, brokers) : wanted.replicationFactor
  const defaultsMissing = version < 4 && assignments.length === 0 && wanted.numPartitions === -1
  const refuse = (errorName: string, errorMessage: string) => ({ name, errorCode: codeOf(errorName), errorMessage })
  if (!isTopicName(name)) return refuse('INVALID_TOPIC_EXCEPTION', `'${name}' is not a legal topic name`)
  if (topology.topic(name) !== undefined) return refuse('TOPIC_ALREADY_EXISTS', `topic '${name}' already exists`)
  if (partitions <= 0 || defaultsMissing) return refuse('INVALID_PARTITIONS', `${partitions} partitions`)
  if (partitions > maxPartitionsAtOnce) return refuse('POLICY_VIOLATION', `${partitions} partitions at once`)
  if (replicas <= 0 || replicas > brokers) {
    return refuse('INVALID_REPLICATION_FACTOR', `${replicas} replicas on ${brokers} brokers`)
  }
  const config: MockTopicConfig = Object.fromEntries(wanted.configs.map(({ name, value }) => [name, value ?? '']))
  const topic = validateOnly ? undefined : topology.createTopic(name, partitions, config, undefined, replicas)
  return {
    name,
    topicId: topic?.id ?? zeroUuid,
    errorCode: 0,
    errorMessage: null,
    numPartitions: partitions,
    replicationFactor: replicas,
  }
}
