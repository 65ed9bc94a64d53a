// `md5`: the sum of the digest's bytes, as Kaffe places keys. The sum is at most 4080 and bell-shaped: even enough to
// about 500 partitions, never beyond 4080. New topics are better off with `murmur2_random`.

import { InvalidMessageError } from '../errors.ts'
import { md5 as hash } from '../hashes/md5.ts'
import { drawPartition } from './availability.ts'
import type { PartitionerFactory } from './partitioner.ts'

/** Throws `InvalidMessageError` without a key, unless `nullKey` is `random`. Source: Kaffe `:md5`. */
export const md5: PartitionerFactory = ({ random, nullKey }) => {
  const digest = new Uint8Array(16)
  return {
    partition(view, key, keyLength) {
      if (keyLength < 0) {
        if (nullKey === 'random') return drawPartition(view, random)
        throw new InvalidMessageError(
          'key',
          `topic '${view.topic}': partitioner md5 needs a key (or nullKey: 'random')`,
          {
            topic: view.topic,
          },
        )
      }
      hash(key, 0, keyLength, digest)
      let sum = 0
      for (const byte of digest) sum += byte
      return sum % view.partitionCount
    },
  }
}
