// The part that snappy and LZ4 encoders share: a table of where four bytes were seen last, and how far a match goes.

/** Matches further back than this do not fit the two bytes that both formats give an offset. */
export const maxOffset = 0xffff

const hashBits = 13
const hashShift = 32 - hashBits

/** From a word's hash to a position in the input, plus the base of the call that put it there. */
export const positions = new Int32Array(1 << hashBits)

let nextBase = 1

/**
 * The base to add to all positions of an input of `byteLength` bytes. It is above everything in the table, so that what
 * an earlier call has left reads as a negative position: clearing 32 KB for every small batch would cost more than it.
 */
export function claimPositions(byteLength: number): number {
  if (nextBase + byteLength > 0x3fffffff) {
    positions.fill(0)
    nextBase = 1
  }
  const base = nextBase
  nextBase += byteLength
  return base
}

/** Fibonacci hashing: the top bits of a product with 2^32 divided by the golden ratio. */
export function slotOf(word: number): number {
  return Math.imul(word, -0x61c88647) >>> hashShift
}

/** Where the bytes at `at` stop being those at `candidate`; at most `limit`. */
export function matchEnd(source: DataView, at: number, candidate: number, limit: number): number {
  const offset = at - candidate
  while (at <= limit - 4) {
    const difference = source.getInt32(at, true) ^ source.getInt32(at - offset, true)
    if (difference !== 0) return at + ((31 - Math.clz32(difference & -difference)) >>> 3)
    at += 4
  }
  while (at < limit && source.getUint8(at) === source.getUint8(at - offset)) at++
  return at
}
