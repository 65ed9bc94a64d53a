// `consistent`: CRC-32 of the key; without a key partition 0.

import { crc32 } from '../hashes/crc32.ts'
import type { PartitionerFactory, TopicView } from './partitioner.ts'

/** Source: librdkafka `rd_kafka_msg_partitioner_consistent`. */
export const consistent: PartitionerFactory = () => ({ partition: placeByCrc32 })

export function placeByCrc32(view: TopicView, key: Uint8Array, keyLength: number): number {
  return crc32(key, 0, keyLength) % view.partitionCount
}
