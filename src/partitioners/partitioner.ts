// What a partitioner is: the public one, a function of the user, and the built-in one, which costs no allocation.

/** What a user's partitioner is told about the record. Key and value are valid during the call only. */
export interface PartitionerContext {
  topic: string
  /** The bytes of `partitionKey` where it was given, else of `key`. */
  key: Uint8Array | null
  value: Uint8Array | null
  headers: readonly (readonly [string, Uint8Array | null])[]
  partitionCount: number
  /** The partitions that have a leader, ascending. */
  available: readonly number[]
  /** What this partitioner chose for the topic's previous record; -1 at first. */
  previousPartition: number
}

/** Chooses a partition, an integer in [0, partitionCount). */
export type PartitionerFunction = (context: PartitionerContext) => number

/** A topic as a built-in partitioner sees it. `partitionCount` is at least 1. */
export interface TopicView {
  readonly topic: string
  readonly partitionCount: number
  /** The partitions that have a leader, ascending. */
  readonly available: readonly number[]
  /** Bytes queued for a partition. */
  load(partition: number): number
  /** Whether the partition has a batch that still takes so many bytes; left out, no batch is waited for. */
  batchOpen?(partition: number, messageBytes: number): boolean
}

/** A built-in partitioner; its state is one topic's, so there is one instance for each. */
export interface BuiltInPartitioner {
  /** `key[0, keyLength)` is the key, -1 stands for none. `messageBytes` is the size of the record being placed. */
  partition(view: TopicView, key: Uint8Array, keyLength: number, messageBytes: number): number
}

/** What partitioners take from outside, so that they are pure. */
export interface PartitionerEnvironment {
  /** In [0, 1). */
  random(): number
  /** Monotonic milliseconds. */
  now(): number
  /** `sticky.partitioning.linger.ms`; 0 draws a partition for every record without a key. */
  stickyLingerMs: number
  /** `batch.size`: the bytes after which `java` leaves a partition. */
  batchSizeBytes: number
  /** What `md5` does without a key; it refuses where nothing is said. */
  nullKey?: 'random' | 'refuse'
}

export type PartitionerFactory = (environment: PartitionerEnvironment) => BuiltInPartitioner
