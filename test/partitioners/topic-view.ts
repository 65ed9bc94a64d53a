// A topic for partitioners to look at, and the means to place one record after another in it.

import type { PartitionerEnvironment, TopicView } from '../../src/partitioners/partitioner.ts'
import { type PartitionerName, partitioners } from '../../src/partitioners/partitioners.ts'
import { seededRandom } from '../support/seeded-random.ts'

/** A topic of `partitionCount` partitions that all have a leader, but for those in `leaderless`. */
export function topic(
  partitionCount: number,
  leaderless: readonly number[] = [],
  rest: Partial<TopicView> = {},
): TopicView {
  const available = Array.from({ length: partitionCount }, (_, i) => i).filter(i => !leaderless.includes(i))
  return { topic: 'orders', partitionCount, available, load: () => 0, ...rest }
}

/** One instance of a partitioner: `place(view, key)` gives the partition of a record of `bytes` bytes. */
export function placing(name: PartitionerName, environment: Partial<PartitionerEnvironment> = {}) {
  const instance = partitioners[name]({
    random: seededRandom(794),
    now: () => 0,
    stickyLingerMs: 10,
    batchSizeBytes: 1000,
    ...environment,
  })
  return (view: TopicView, key: Uint8Array | string | null, bytes = 100): number => {
    const given = typeof key === 'string' ? Buffer.from(key) : key
    const scratch = new Uint8Array((given?.length ?? 0) + 9).fill(0xee) // what lies behind the key is not the key's
    if (given) scratch.set(given)
    return instance.partition(view, scratch, given?.length ?? -1, bytes)
  }
}

/** How often each partition was chosen in `draws` calls. */
export function tally(partitionCount: number, draws: number, choose: () => number): number[] {
  const counts = new Array<number>(partitionCount).fill(0)
  for (let i = 0; i < draws; i++) {
    const partition = choose()
    counts[partition] = (counts[partition] ?? Number.NaN) + 1
  }
  return counts
}

/** Pearson's statistic of `counts` against `weights`; about one per degree of freedom where they fit. */
export function chiSquare(counts: readonly number[], weights: readonly number[] = counts.map(() => 1)): number {
  const draws = counts.reduce((a, b) => a + b, 0)
  const total = weights.reduce((a, b) => a + b, 0)
  return counts.reduce((sum, count, i) => {
    const expected = (draws * (weights[i] ?? 0)) / total
    return expected === 0
      ? sum + (count === 0 ? 0 : Number.POSITIVE_INFINITY)
      : sum + (count - expected) ** 2 / expected
  }, 0)
}
