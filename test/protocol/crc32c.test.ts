import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32c } from '../../src/protocol/crc32c.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const whole = (data: Uint8Array) => crc32c(data, 0, data.length)

/** The definition, bit by bit. */
function reference(data: Uint8Array, seed = 0): number {
  let crc = ~seed
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

describe('CRC-32C', () => {
  test('gives the published values', () => {
    expect(whole(bytes('123456789'))).toBe(0xe3069283)
    expect(whole(bytes(''))).toBe(0)
    expect(whole(bytes('a'))).toBe(0xc1d04330)
    expect(whole(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(whole(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
    expect(whole(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
    expect(whole(bytes('Some String'))).toBe(608512271)
  })

  test('agrees with its definition at every alignment and length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (data, start) => {
        const from = Math.min(start, data.length)
        expect(crc32c(data, from, data.length)).toBe(reference(data.subarray(from)))
      }),
    )
  })

  test('goes on from the checksum of what came before', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (data, cut) => {
        const at = Math.min(cut, data.length)
        expect(crc32c(data, at, data.length, crc32c(data, 0, at))).toBe(whole(data))
      }),
    )
  })

  test('agrees with its definition for long data, wherever it begins and ends', () => {
    const data = Uint8Array.from({ length: 40_000 }, (_, i) => (i * 2_654_435_761) >>> (i % 23))
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 8_000, max: 39_950 }), (start, length) => {
        const end = start + length
        expect(crc32c(data, start, end)).toBe(reference(data.subarray(start, end)))
        expect(crc32c(data, start, end, 0xcafebabe)).toBe(reference(data.subarray(start, end), 0xcafebabe))
      }),
      {
        examples: [
          [0, 8192],
          [0, 8191],
          [1, 8192],
          [7, 9864],
          [8, 16_384],
        ],
      },
    )
  })

  test('sees every single bit of long data', () => {
    const data = new Uint8Array(20_000)
    const zeros = whole(data)
    const seen = new Set([zeros])
    for (let at = 0; at < data.length; at += 61) {
      data[at] = 1 << (at & 7)
      const crc = whole(data)
      expect(crc).toBe(reference(data))
      seen.add(crc)
      data[at] = 0
    }
    expect(seen.size).toBe(Math.ceil(data.length / 61) + 1)
  })
})
