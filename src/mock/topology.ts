// What all brokers of the cluster agree on: who they are, which topics there are, who leads what.

import { Reader } from '../protocol/reader.ts'
import { PartitionLog } from './partition-log.ts'

export interface BrokerInfo {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** The topic configuration that the mock acts upon, under Kafka's names; values as in Kafka, or as numbers. */
export interface MockTopicConfig {
  /** Bytes of one batch as it is sent; 1048588 if not given. */
  readonly 'max.message.bytes'?: number | string
  /** `CreateTime` if not given. */
  readonly 'message.timestamp.type'?: 'CreateTime' | 'LogAppendTime'
  /** With `compact` every record needs a key. */
  readonly 'cleanup.policy'?: 'delete' | 'compact' | 'compact,delete'
  /** Replicas that have to be up for acks all; 1 if not given. A partition with fewer replicas needs all of them. */
  readonly 'min.insync.replicas'?: number | string
  /** How far before the broker's clock a record may be (milliseconds); any time if not given. */
  readonly 'message.timestamp.before.max.ms'?: number | string
  /** How far ahead of it; an hour if not given. */
  readonly 'message.timestamp.after.max.ms'?: number | string
  /** Bytes that a partition keeps of what it was sent; everything if not given. */
  readonly 'retention.bytes'?: number | string
}

export interface Topic {
  readonly name: string
  readonly id: string
  readonly config: MockTopicConfig
  readonly partitions: PartitionLog[]
}

/** What a group's coordinator compares a member with. */
export interface ConsumerGroup {
  readonly generationId: number
  readonly members: readonly string[]
}

export class Topology {
  readonly clusterId: string
  readonly brokers = new Map<number, BrokerInfo>()
  /** Answers to Metadata that still show what held before the last change of leaders. */
  staleAnswers = 0
  /** Partitions that the next answer about their topic leaves out. */
  readonly omitted: { readonly topic: string; readonly partition: number }[] = []
  /** Brokers that take no connections: they have fallen out of sync. */
  readonly down = new Set<number>()
  /** Consumer groups that have members. */
  readonly groups = new Map<string, ConsumerGroup>()
  /** Where a coordinator was put by hand. */
  readonly #coordinators = new Map<string, number>()
  readonly #topics = new Map<string, Topic>()
  readonly #topicsById = new Map<string, Topic>()
  #createdTopics = 0
  #producerIds = 1000n

  constructor(clusterId: string) {
    this.clusterId = clusterId
  }

  get topics(): readonly Topic[] {
    return [...this.#topics.values()]
  }

  /** The broker that says it is the controller: the lowest id. */
  get controller(): number {
    return Math.min(...this.brokers.keys())
  }

  topic(name: string): Topic | undefined {
    return this.#topics.get(name)
  }

  topicById(id: string): Topic | undefined {
    return this.#topicsById.get(id)
  }

  /** Replaces a topic of the same name. Partition i is led by the i-th broker, and so on around. */
  createTopic(name: string, partitions: number, config: MockTopicConfig = {}, id?: string, replicas?: number): Topic {
    const topic: Topic = { name, id: id ?? topicId(++this.#createdTopics), config, partitions: [] }
    this.#topicsById.delete(this.#topics.get(name)?.id ?? '')
    this.#topicsById.set(topic.id, topic)
    this.#topics.set(name, topic)
    this.addPartitions(topic, partitions, replicas)
    return topic
  }

  addPartitions(topic: Topic, count: number, replicas = 3): void {
    const brokers = [...this.brokers.keys()]
    const retentionBytes = Number(topic.config['retention.bytes'] ?? Infinity)
    for (let i = 0; i < count; i++) {
      const index = topic.partitions.length
      const first = index % Math.max(1, brokers.length)
      const around = [...brokers.slice(first), ...brokers.slice(0, first)]
      topic.partitions.push(new PartitionLog(index, around.slice(0, replicas), retentionBytes))
    }
  }

  /** The next replica leads what the broker led, or whoever is left. */
  removeBroker(id: number): void {
    this.brokers.delete(id)
    this.down.delete(id)
    for (const [key, broker] of this.#coordinators) if (broker === id) this.#coordinators.delete(key)
    const [anyone = -1] = this.brokers.keys()
    for (const log of this.topics.flatMap(({ partitions }) => partitions)) {
      log.replicas = log.replicas.filter(replica => replica !== id)
      if (log.leadership.leader === id) log.lead(log.replicas[0] ?? anyone)
    }
  }

  /** The replicas of a partition that are up. */
  inSync({ replicas }: PartitionLog): readonly number[] {
    return replicas.filter(replica => !this.down.has(replica))
  }

  /** The broker that coordinates a group or a transactional id; -1 if there is none. */
  coordinator(kind: string, key: string): number {
    const placed = this.#coordinators.get(`${kind} ${key}`)
    if (placed !== undefined) return placed
    const ids = [...this.brokers.keys()]
    let hash = 0
    for (let i = 0; i < key.length; i++) hash = (hash * 31 + key.charCodeAt(i)) | 0
    return ids[Math.abs(hash) % ids.length] ?? -1
  }

  placeCoordinator(kind: string, key: string, broker: number): void {
    this.#coordinators.set(`${kind} ${key}`, broker)
  }

  /** An id that no producer has had. */
  nextProducerId(): bigint {
    return this.#producerIds++
  }
}

// The same in every run, so that what is logged can be compared.
function topicId(count: number): string {
  const bytes = new Uint8Array(16)
  bytes.set([0x6f, 0x64, 0x72, 0x61, 0x64, 0x65, 0x6b])
  new DataView(bytes.buffer).setUint32(12, count)
  return new Reader(bytes).uuid()
}

/** Source: Apache Kafka `org.apache.kafka.common.internals.Topic`. */
export function isTopicName(name: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..'
}
