// librdkafka's choice for records without a key: one drawn partition is kept for a while, so that batches fill.

import { drawPartition, isUsable } from './availability.ts'
import type { PartitionerEnvironment, TopicView } from './partitioner.ts'

/**
 * The partition for the next record without a key: drawn anew after `stickyLingerMs`, or when it is gone or has lost its
 * leader. Source: librdkafka `sticky.partitioning.linger.ms`.
 */
export function stickyChoice({ random, now, stickyLingerMs }: PartitionerEnvironment): (view: TopicView) => number {
  if (stickyLingerMs <= 0) return view => drawPartition(view, random)
  let partition = -1
  let drawnAt = 0
  return view => {
    const time = now()
    if (time - drawnAt >= stickyLingerMs || !isUsable(view, partition)) {
      partition = drawPartition(view, random)
      drawnAt = time
    }
    return partition
  }
}
