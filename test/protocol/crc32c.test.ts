import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32c } from '../../src/protocol/crc32c.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const whole = (data: Uint8Array) => crc32c(data, 0, data.length)

/** The definition, bit by bit. */
function reference(data: Uint8Array): number {
  let crc = -1
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
})
