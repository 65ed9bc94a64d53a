// xxHash, 32 bits: the checksum of LZ4 frames.

import { readWord } from './little-endian.ts'

const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

/**
 * The hash of `bytes[start, end)` with seed 0, as an unsigned 32-bit integer.
 * Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md.
 */
export function xxh32(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  let hash = prime5
  if (end - start >= 16) {
    let lane1 = (prime1 + prime2) | 0
    let lane2 = prime2 | 0
    let lane3 = 0
    let lane4 = -prime1 | 0
    for (; at <= end - 16; at += 16) {
      lane1 = round(lane1, readWord(bytes, at))
      lane2 = round(lane2, readWord(bytes, at + 4))
      lane3 = round(lane3, readWord(bytes, at + 8))
      lane4 = round(lane4, readWord(bytes, at + 12))
    }
    hash = rotate(lane1, 1) + rotate(lane2, 7) + rotate(lane3, 12) + rotate(lane4, 18)
  }
  hash = (hash + (end - start)) | 0
  for (; at <= end - 4; at += 4) hash = Math.imul(rotate(hash + Math.imul(readWord(bytes, at), prime3), 17), prime4)
  for (; at < end; at++) hash = Math.imul(rotate(hash + Math.imul(bytes[at] as number, prime5), 11), prime1)
  hash = Math.imul(hash ^ (hash >>> 15), prime2)
  hash = Math.imul(hash ^ (hash >>> 13), prime3)
  return (hash ^ (hash >>> 16)) >>> 0
}

function round(lane: number, word: number): number {
  return Math.imul(rotate(lane + Math.imul(word, prime2), 13), prime1)
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
