// The murmur2 of KafkaJS before version 2, which differs from Kafka's: it multiplies in double precision, so that low
// bits are lost, and it takes a last incomplete word both as a word and as a tail.

const seed = 0x9747b28c
const multiplier = 0x5bd1e995

/**
 * The hash of `bytes[start, end)` as a signed 32-bit integer. Topics that were filled by KafkaJS 1 keep their keys in
 * place only if its arithmetic is kept, faults included.
 * Source: KafkaJS `src/producer/partitioners/legacy/murmur2.js`.
 */
export function kafkajsLegacyMurmur2(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  const tail = end - (length & 3)
  let hash = seed ^ length
  for (let at = start; at < end; at += 4) {
    let word = readWordUpTo(bytes, at, end) * multiplier
    word ^= word >>> 24
    word *= multiplier
    hash = (hash * multiplier) ^ word
  }
  if (tail < end) {
    for (let at = end - 1; at >= tail; at--) hash ^= (bytes[at] as number) << ((at - tail) << 3)
    hash *= multiplier
  }
  hash ^= hash >>> 13
  hash *= multiplier
  return hash ^ (hash >>> 15)
}

/** Bytes behind the end count as zero. */
function readWordUpTo(bytes: Uint8Array, at: number, end: number): number {
  let word = 0
  for (let i = Math.min(end, at + 4) - 1; i >= at; i--) word = (word << 8) | (bytes[i] as number)
  return word
}
