// The part that snappy and LZ4 encoders share: a table of where four bytes were seen last, and how far a match goes.

const maxHashBits = 15
const minHashBits = 8

/**
 * For each hash the position of the last word that had it, modulo 64 KB: what both formats can hold as an offset. A word
 * `at` was therefore seen `(at - positions[slot]) & 0xffff` bytes before, which is never before the input's beginning;
 * where it was not, the words differ or the distance is 0.
 */
export const positions = new Uint16Array(1 << maxHashBits)

/** Empties as much of the table as an input of `byteLength` bytes needs; gives the shift that hashes into that part. */
export function clearPositions(byteLength: number): number {
  const bits = Math.max(minHashBits, Math.min(32 - Math.clz32(byteLength), maxHashBits))
  positions.fill(0, 0, 1 << bits)
  return 32 - bits
}

/** Fibonacci hashing: the top bits of a product with 2^32 divided by the golden ratio. */
export function slotOf(word: number, shift: number): number {
  return Math.imul(word, -0x61c88647) >>> shift
}

/** Where the bytes at `at` stop being those `offset` bytes before; at most `limit`. */
export function matchEnd(source: DataView, at: number, offset: number, limit: number): number {
  while (at <= limit - 4) {
    const difference = source.getInt32(at, true) ^ source.getInt32(at - offset, true)
    if (difference !== 0) return at + ((31 - Math.clz32(difference & -difference)) >>> 3)
    at += 4
  }
  while (at < limit && source.getUint8(at) === source.getUint8(at - offset)) at++
  return at
}
