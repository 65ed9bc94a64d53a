// FNV-1a, 32 bits.

/**
 * The hash of `bytes[start, end)` as an unsigned 32-bit integer.
 * Source: http://www.isthe.com/chongo/tech/comp/fnv/ (offset basis 0x811c9dc5, prime 0x01000193).
 */
export function fnv1a(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193)
  return hash >>> 0
}
