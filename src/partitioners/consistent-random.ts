// `consistent_random`, the default: CRC-32 of the key, by chance without one. An empty key counts as none.

import { placeByCrc32 } from './consistent.ts'
import type { PartitionerFactory } from './partitioner.ts'
import { stickyChoice } from './sticky.ts'

/** Source: librdkafka `rd_kafka_msg_partitioner_consistent_random`. */
export const consistentRandom: PartitionerFactory = environment => {
  const choose = stickyChoice(environment)
  return {
    partition: (view, key, keyLength) => (keyLength <= 0 ? choose(view) : placeByCrc32(view, key, keyLength)),
  }
}
