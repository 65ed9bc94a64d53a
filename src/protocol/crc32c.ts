// CRC-32C (Castagnoli), the checksum of record batches.
// Source: RFC 3720, section 12.1 and appendix B.4.

/** What becomes of a checksum's state as it goes over `bytes[start, end)`. */
type Advance = (bytes: Uint8Array, start: number, end: number, state: number) => number

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

// Tables and views belong to closures: what stands in a module becomes a variable when it is bundled, and is then no
// constant to the compiler, which halves the speed.
let ways: { readonly advance: Advance; readonly fold: Advance | null } | undefined

// With the first checksum: an import need not wait for tables.
function makeWays(): NonNullable<typeof ways> {
  const advance = byTables()
  // V8 keeps numbers of 64 bits in registers; elsewhere each is an object.
  ways = { advance, fold: littleEndian && !('Bun' in globalThis) ? byFolding(advance) : null }
  return ways
}

// From here on folding gains, with what comes before and after it.
const foldedBytes = 8192

/** CRC-32C of `bytes[start, end)` as an unsigned number; `seed` is the CRC of what came before it. bench/crc32c.ts. */
export function crc32c(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  const { advance, fold } = ways ?? makeWays()
  let state = ~seed
  let at = start
  if (fold !== null && end - start >= foldedBytes) {
    const aligned = at + (-(bytes.byteOffset + at) & 7)
    const rest = end - ((end - aligned) & 7)
    state = fold(bytes, aligned, rest, advance(bytes, at, aligned, state))
    at = rest
  }
  return ~advance(bytes, at, end, state) >>> 0
}

// Sixteen bytes a step over aligned words. Signed throughout: a number that is sometimes above 31 bits threw the compiled
// loop away batch after batch.
function byTables(): Advance {
  const polynomial = 0x82f63b78 | 0
  // t[k * 256 + b]: what byte b contributes when k more bytes follow it in the same step.
  const t = new Int32Array(16 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    t[byte] = crc
  }
  for (let i = 256; i < t.length; i++) {
    const before = t[i - 256] as number
    t[i] = (before >>> 8) ^ (t[before & 255] as number)
  }
  return (bytes, start, end, state) => {
    let crc = state
    let at = start
    const aligned = Math.min(end, at + (-(bytes.byteOffset + at) & 3))
    for (; at < aligned; at++) crc = (t[(crc ^ (bytes[at] as number)) & 255] as number) ^ (crc >>> 8)
    // A view on words costs as much as the checksum of some fifty bytes.
    const wordCount = littleEndian && end - at > 64 ? ((end - at) >>> 4) << 2 : 0
    if (wordCount > 0) {
      const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, wordCount)
      for (let i = 0; i < wordCount; i += 4) {
        const a = crc ^ (words[i] as number)
        const b = words[i + 1] as number
        const c = words[i + 2] as number
        const d = words[i + 3] as number
        crc =
          (t[3840 + (a & 255)] as number) ^
          (t[3584 + ((a >>> 8) & 255)] as number) ^
          (t[3328 + ((a >>> 16) & 255)] as number) ^
          (t[3072 + (a >>> 24)] as number) ^
          (t[2816 + (b & 255)] as number) ^
          (t[2560 + ((b >>> 8) & 255)] as number) ^
          (t[2304 + ((b >>> 16) & 255)] as number) ^
          (t[2048 + (b >>> 24)] as number) ^
          (t[1792 + (c & 255)] as number) ^
          (t[1536 + ((c >>> 8) & 255)] as number) ^
          (t[1280 + ((c >>> 16) & 255)] as number) ^
          (t[1024 + (c >>> 24)] as number) ^
          (t[768 + (d & 255)] as number) ^
          (t[512 + ((d >>> 8) & 255)] as number) ^
          (t[256 + ((d >>> 16) & 255)] as number) ^
          (t[d >>> 24] as number)
      }
      at += wordCount * 4
    }
    for (; at < end; at++) crc = (t[(crc ^ (bytes[at] as number)) & 255] as number) ^ (crc >>> 8)
    return crc
  }
}

// Whole words of 64 bits, aligned, at least `reach` of them.
//
// x^209 + x^144 + x^54 + x^39 + x^14 + 1 is a multiple of the polynomial; so it is with x^64 in place of x, since squaring
// is linear here. So a word may be taken away where it is added to the words 65, 155, 170, 195 and 209 further on: five
// additions a word and no tables. Nothing is taken of the last words, which have the checksum of all.
// Source: the multiple was found by search over pairs of terms; the idea is that of S. Russell, "Chorba: A novel CRC32
// implementation", arXiv 2412.16398.
function byFolding(advance: Advance): Advance {
  const reach = 209
  const blockWords = 1024
  const taken = new BigUint64Array(reach + blockWords)
  // All take the same index, so the compiled loop has nothing to add to it and nothing to check.
  const takenFrom = (word: number): BigUint64Array => new BigUint64Array(taken.buffer, word * 8, blockWords)
  const ago209 = takenFrom(0)
  const ago195 = takenFrom(14)
  const ago170 = takenFrom(39)
  const ago155 = takenFrom(54)
  const ago65 = takenFrom(144)
  const next = takenFrom(reach)
  const left = new BigUint64Array(reach)
  const leftBytes = new Uint8Array(left.buffer)

  // One loop for each target: a target that is not the same each time is no constant.
  const takeAway = (words: BigUint64Array, count: number): void => {
    for (let i = 0; i < count; i++) {
      next[i] = BigInt.asUintN(
        64,
        (words[i] as bigint) ^
          (ago209[i] as bigint) ^
          (ago195[i] as bigint) ^
          (ago170[i] as bigint) ^
          (ago155[i] as bigint) ^
          (ago65[i] as bigint),
      )
    }
  }
  const leave = (words: BigUint64Array): void => {
    for (let i = 0; i < reach; i++) {
      left[i] = BigInt.asUintN(
        64,
        (words[i] as bigint) ^
          (ago209[i] as bigint) ^
          (ago195[i] as bigint) ^
          (ago170[i] as bigint) ^
          (ago155[i] as bigint) ^
          (ago65[i] as bigint),
      )
    }
  }
  return (bytes, start, end, state) => {
    let at = bytes.byteOffset + start
    taken.fill(0n, 0, reach)
    taken[0] = BigInt(state >>> 0)
    for (let count = 0, more = (end - start) / 8 - reach; more > 0; more -= count) {
      count = Math.min(blockWords, more)
      takeAway(new BigUint64Array(bytes.buffer, at, count), count)
      taken.copyWithin(0, count, count + reach)
      at += count * 8
    }
    taken.fill(0n, reach, 2 * reach)
    leave(new BigUint64Array(bytes.buffer, at, reach))
    return advance(leftBytes, 0, leftBytes.length, 0)
  }
}
