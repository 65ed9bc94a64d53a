// CRC-32C (Castagnoli), the checksum of record batches.
// Source: RFC 3720, section 12.1 and appendix B.4.

const polynomial = 0x82f63b78 | 0

// tables[k * 256 + b]: what byte b contributes when k more bytes follow it in the same step.
const tables = new Int32Array(16 * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
  tables[byte] = crc
}
for (let i = 256; i < tables.length; i++) {
  const before = tables[i - 256] as number
  tables[i] = (before >>> 8) ^ (tables[before & 255] as number)
}

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

/**
 * CRC-32C of `bytes[start, end)` as an unsigned number; `seed` is the CRC of what came before it.
 *
 * Sixteen bytes a step over aligned words. bench/crc32c.ts, 64 KiB: 1168 MB/s by bytes, eight a step; 1397 MB/s so.
 */
export function crc32c(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  return ~advance(bytes, start, end, ~seed) >>> 0
}

// Apart, and signed throughout: a number that is sometimes above 31 bits threw the compiled loop away batch after batch.
function advance(bytes: Uint8Array, start: number, end: number, state: number): number {
  const t = tables
  let crc = state
  let at = start
  const aligned = Math.min(end, at + ((4 - ((bytes.byteOffset + at) & 3)) & 3))
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
