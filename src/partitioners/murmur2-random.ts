// `murmur2_random`: the Java client's hash of the key, by chance without one.

import { placeByMurmur2 } from './murmur2.ts'
import type { PartitionerFactory } from './partitioner.ts'
import { stickyChoice } from './sticky.ts'

/** Source: librdkafka `rd_kafka_msg_partitioner_murmur2_random`. */
export const murmur2Random: PartitionerFactory = environment => {
  const choose = stickyChoice(environment)
  return {
    partition: (view, key, keyLength) => (keyLength < 0 ? choose(view) : placeByMurmur2(view, key, keyLength)),
  }
}
