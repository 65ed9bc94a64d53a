// `fnv1a_random`: FNV-1a of the key as Sarama places it, by chance without one.

import { placeByFnv1a } from './fnv1a.ts'
import type { PartitionerFactory } from './partitioner.ts'
import { stickyChoice } from './sticky.ts'

/** Source: librdkafka `rd_kafka_msg_partitioner_fnv1a_random`. */
export const fnv1aRandom: PartitionerFactory = environment => {
  const choose = stickyChoice(environment)
  return {
    partition: (view, key, keyLength) => (keyLength < 0 ? choose(view) : placeByFnv1a(view, key, keyLength)),
  }
}
