// `kafkajs_legacy`: where KafkaJS 1 puts a record; without a key the partitions that have a leader take turns.

import { kafkajsLegacyMurmur2 } from '../hashes/kafkajs-legacy-murmur2.ts'
import type { PartitionerFactory } from './partitioner.ts'

/** Source: KafkaJS `Partitioners.LegacyPartitioner`. */
export const kafkajsLegacy: PartitionerFactory = ({ random }) => {
  let turn = Math.floor(random() * 0x80000000)
  return {
    partition({ available, partitionCount }, key, keyLength) {
      if (keyLength >= 0) return (kafkajsLegacyMurmur2(key, 0, keyLength) & 0x7fffffff) % partitionCount
      turn = (turn + 1) & 0x7fffffff
      return available.length === 0 ? turn % partitionCount : (available[turn % available.length] as number)
    },
  }
}
