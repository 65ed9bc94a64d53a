// Choosing among the partitions that have a leader. When none has, none is worse than another: all count.

import type { TopicView } from './partitioner.ts'

/** A partition with a leader, each as likely as the other. */
export function drawPartition(view: TopicView, random: () => number): number {
  const { available, partitionCount } = view
  if (available.length === 0) return Math.floor(random() * partitionCount)
  return available[Math.floor(random() * available.length)] as number
}

export function isUsable(view: TopicView, partition: number): boolean {
  const { available, partitionCount } = view
  if (partition < 0 || partition >= partitionCount) return false
  return available.length === 0 || available.length === partitionCount || available.includes(partition)
}
