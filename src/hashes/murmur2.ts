// MurmurHash2, 32 bits, with Kafka's seed: the hash behind the Java client's key placement.

import { readWord } from './little-endian.ts'

const seed = 0x9747b28c
const multiplier = 0x5bd1e995

/**
 * The hash of `bytes[start, end)` as a signed 32-bit integer.
 * Source: Kafka `org.apache.kafka.common.utils.Utils.murmur2`.
 */
export function murmur2(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  const tail = end - (length & 3)
  let hash = seed ^ length
  for (let at = start; at < tail; at += 4) {
    let word = Math.imul(readWord(bytes, at), multiplier)
    word = Math.imul(word ^ (word >>> 24), multiplier)
    hash = Math.imul(hash, multiplier) ^ word
  }
  if (tail < end) {
    for (let at = end - 1; at >= tail; at--) hash ^= (bytes[at] as number) << ((at - tail) << 3)
    hash = Math.imul(hash, multiplier)
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}
