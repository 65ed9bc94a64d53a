// `murmur2`: the Java client's hash of the key; a record without one goes where the empty key goes.

import { murmur2 as hash } from '../hashes/murmur2.ts'
import type { PartitionerFactory, TopicView } from './partitioner.ts'

/** Source: librdkafka `rd_kafka_msg_partitioner_murmur2`. */
export const murmur2: PartitionerFactory = () => ({ partition: placeByMurmur2 })

/** The sign bit is masked away, not negated, as `Utils.toPositive` of Kafka does. */
export function placeByMurmur2(view: TopicView, key: Uint8Array, keyLength: number): number {
  return (hash(key, 0, Math.max(keyLength, 0)) & 0x7fffffff) % view.partitionCount
}
