// `random`: the key does not matter, except that records without one stick together for a while.

import { drawPartition } from './availability.ts'
import type { PartitionerFactory } from './partitioner.ts'
import { stickyChoice } from './sticky.ts'

/** Source: librdkafka `rd_kafka_msg_partitioner_random`. */
export const random: PartitionerFactory = environment => {
  const choose = stickyChoice(environment)
  return {
    partition: (view, _key, keyLength) => (keyLength < 0 ? choose(view) : drawPartition(view, environment.random)),
  }
}
