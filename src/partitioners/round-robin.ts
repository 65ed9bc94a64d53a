// `round_robin`: one partition after the other, from 0, whatever the key.

import { isUsable } from './availability.ts'
import type { PartitionerFactory } from './partitioner.ts'

/** A partition without a leader loses its turn while another has one. Source: Kaffe 0.5 `:round_robin`. */
export const roundRobin: PartitionerFactory = () => {
  let previous = -1
  return {
    partition(view) {
      for (let step = 0; step < view.partitionCount; step++) {
        previous = previous + 1 < view.partitionCount ? previous + 1 : 0
        if (isUsable(view, previous)) break
      }
      return previous
    },
  }
}
