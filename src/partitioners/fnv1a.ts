// `fnv1a`: FNV-1a of the key as Sarama places it; a record without one goes where the empty key goes.

import { fnv1a as hash } from '../hashes/fnv1a.ts'
import type { PartitionerFactory, TopicView } from './partitioner.ts'

/** Source: librdkafka `rd_kafka_msg_partitioner_fnv1a`. */
export const fnv1a: PartitionerFactory = () => ({ partition: placeByFnv1a })

/** The absolute value of the hash read as a signed number; that of -2^31 is 2^31. */
export function placeByFnv1a(view: TopicView, key: Uint8Array, keyLength: number): number {
  return Math.abs(hash(key, 0, keyLength) | 0) % view.partitionCount
}
