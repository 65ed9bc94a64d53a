// `java`: murmur2 for keys; records without one stay on a partition for about a batch's worth of bytes, and the next
// partition is the likelier the shorter its queue is.

import { drawPartition, isUsable } from './availability.ts'
import { placeByMurmur2 } from './murmur2.ts'
import type { PartitionerFactory, TopicView } from './partitioner.ts'

/** Source: KIP-480, KIP-794, Kafka `BuiltInPartitioner`. */
export const java: PartitionerFactory = ({ random, batchSizeBytes }) => {
  let partition = -1
  let bytes = 0

  // An unfinished batch is worth waiting for, else linger would leave fractional ones behind; but not without end.
  const enough = (view: TopicView, messageBytes: number) =>
    bytes >= batchSizeBytes && (bytes >= 2 * batchSizeBytes || view.batchOpen?.(partition, messageBytes) !== true)

  return {
    partition(view, key, keyLength, messageBytes) {
      if (keyLength >= 0) return placeByMurmur2(view, key, keyLength)
      if (!isUsable(view, partition) || enough(view, messageBytes)) {
        partition = drawByLoad(view, random, batchSizeBytes)
        bytes = 0
      }
      bytes += messageBytes
      return partition
    },
  }
}

/** Weighs every partition that has a leader by how many batches less than the longest queue it holds, plus one. */
function drawByLoad(view: TopicView, random: () => number, batchSizeBytes: number): number {
  const { available } = view
  const queue = (partition: number) => Math.ceil(view.load(partition) / batchSizeBytes)
  let longest = 0
  let sum = 0
  for (const partition of available) {
    const length = queue(partition)
    if (length > longest) longest = length
    sum += length
  }
  const total = (longest + 1) * available.length - sum
  if (total === available.length) return drawPartition(view, random) // equal queues, or nobody has a leader
  let rest = Math.floor(random() * total)
  for (const partition of available) {
    rest -= longest + 1 - queue(partition)
    if (rest < 0) return partition
  }
  return drawPartition(view, random) // a load that changed between the two passes
}
