// MD5, for placing keys only: small keys, no allocation, and no `node:crypto`, so that partitioners run anywhere.

import { readWord, writeWord } from './little-endian.ts'

const shifts = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21] as const
const sines = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32))
const state = new Int32Array(4)
const block = new Uint8Array(64)

/** Writes the 16 bytes of the digest of `bytes[start, end)` into `digest` and returns it. Source: RFC 1321. */
export function md5(bytes: Uint8Array, start: number, end: number, digest = new Uint8Array(16)): Uint8Array {
  state[0] = 0x67452301
  state[1] = 0xefcdab89
  state[2] = 0x98badcfe
  state[3] = 0x10325476
  let at = start
  for (; at <= end - 64; at += 64) mix(bytes, at)

  block.fill(0)
  for (let i = at; i < end; i++) block[i - at] = bytes[i] as number
  block[end - at] = 0x80
  if (end - at >= 56) {
    mix(block, 0)
    block.fill(0)
  }
  const length = end - start
  writeWord(block, 56, length << 3)
  writeWord(block, 60, length >>> 29)
  mix(block, 0)

  for (let i = 0; i < 4; i++) writeWord(digest, i * 4, state[i] as number)
  return digest
}

function mix(bytes: Uint8Array, at: number): void {
  let a = state[0] as number
  let b = state[1] as number
  let c = state[2] as number
  let d = state[3] as number
  for (let i = 0; i < 64; i++) {
    const round = i >> 4
    let mixed: number
    let word: number
    if (round === 0) {
      mixed = (b & c) | (~b & d)
      word = i
    } else if (round === 1) {
      mixed = (d & b) | (~d & c)
      word = 5 * i + 1
    } else if (round === 2) {
      mixed = b ^ c ^ d
      word = 3 * i + 5
    } else {
      mixed = c ^ (b | ~d)
      word = 7 * i
    }
    const sum = a + mixed + (sines[i] as number) + readWord(bytes, at + ((word & 15) << 2))
    const bits = shifts[(round << 2) | (i & 3)] as number
    a = d
    d = c
    c = b
    b = (b + ((sum << bits) | ((sum | 0) >>> (32 - bits)))) | 0
  }
  state[0] = (state[0] as number) + a
  state[1] = (state[1] as number) + b
  state[2] = (state[2] as number) + c
  state[3] = (state[3] as number) + d
}
