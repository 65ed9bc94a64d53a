// `sarama`: where Sarama's default hash partitioner puts a record; a fresh draw for each one without a key.

import { drawPartition } from './availability.ts'
import { placeByFnv1a } from './fnv1a.ts'
import type { PartitionerFactory } from './partitioner.ts'

/** Source: Sarama `NewHashPartitioner`. */
export const sarama: PartitionerFactory = ({ random }) => ({
  partition: (view, key, keyLength) =>
    keyLength < 0 ? drawPartition(view, random) : placeByFnv1a(view, key, keyLength),
})
