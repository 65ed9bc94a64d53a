import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'

function written(write: (writer: Writer) => void): string {
  const writer = new Writer(1)
  write(writer)
  return Buffer.from(writer.toBytes()).toString('hex')
}

describe('unsigned varints', () => {
  test.each([
    [0, '00'],
    [1, '01'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [16383, 'ff7f'],
    [16384, '808001'],
    [2097151, 'ffff7f'],
    [2097152, '80808001'],
    [268435455, 'ffffff7f'],
    [268435456, '8080808001'],
    [4294967295, 'ffffffff0f'],
  ])('uvarint %d is %s', (value, hex) => {
    expect(written(writer => writer.uvarint(value))).toBe(hex)
    expect(new Reader(Buffer.from(hex, 'hex')).uvarint()).toBe(value)
  })
})

describe('fixed-length types', () => {
  test('come back as they went', () => {
    const values = fc.tuple(
      fc.integer({ min: -128, max: 127 }),
      fc.integer({ min: -32768, max: 32767 }),
      fc.integer(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.boolean(),
      fc.nat({ max: 0xffffffff }),
    )
    fc.assert(
      fc.property(values, ([int8, int16, int32, int64, boolean, uvarint]) => {
        const writer = new Writer(1)
        writer.int8(int8)
        writer.int16(int16)
        writer.int32(int32)
        writer.int64(int64)
        writer.boolean(boolean)
        writer.uvarint(uvarint)
        const reader = new Reader(writer.toBytes())
        const read = [reader.int8(), reader.int16(), reader.int32(), reader.int64(), reader.boolean(), reader.uvarint()]
        expect(read).toEqual([int8, int16, int32, int64, boolean, uvarint])
        reader.end()
      }),
    )
  })

  test('a value outside its type is refused instead of being cut', () => {
    expect(() => new Writer().int16(32768)).toThrow(RangeError)
    expect(() => new Writer().int32(2 ** 31)).toThrow(RangeError)
    expect(() => new Writer().int64(2n ** 63n)).toThrow(RangeError)
  })

  test('a uuid is sixteen bytes of its base64url text', () => {
    expect(written(writer => writer.uuid('ABEiM0RVZneImaq7zN3u_w'))).toBe('00112233445566778899aabbccddeeff')
    expect(written(writer => writer.uuid('AAAAAAAAAAAAAAAAAAAAAA'))).toBe('00'.repeat(16))
  })

  test.each(['', 'AAAA', '00112233-4455-6677-8899-aabbccddeeff', '????????????????AAAAAA'])("'%s' is no uuid", text => {
    expect(() => new Writer().uuid(text)).toThrow(/is not a uuid/)
  })
})

describe('chunks', () => {
  test('a referenced chunk is handed on, not copied', () => {
    const chunk = new Uint8Array([1, 2, 3])
    const writer = new Writer()
    writer.int8(0)
    writer.reference(chunk)
    writer.int8(4)
    expect(writer.chunks()).toHaveLength(3)
    expect(writer.chunks()[1]).toBe(chunk)
  })

  test('raw bytes are copied', () => {
    const bytes = new Uint8Array([1])
    const writer = new Writer()
    writer.raw(bytes)
    bytes[0] = 2
    expect(writer.toBytes()).toEqual(new Uint8Array([1]))
  })

  test('position, chunks and contiguous bytes agree whatever is mixed, from the smallest memory on', () => {
    const part = fc.record({ bytes: fc.uint8Array({ maxLength: 700 }), referenced: fc.boolean() })
    fc.assert(
      fc.property(fc.array(part), fc.nat(2000), (parts, initialBytes) => {
        const writer = new Writer(initialBytes)
        writer.int32(0)
        for (const { bytes, referenced } of parts) {
          if (referenced) writer.reference(bytes)
          else writer.raw(bytes)
        }
        writer.setInt32(0, 0x01020304)
        const expected = Buffer.concat([Buffer.from([1, 2, 3, 4]), ...parts.map(({ bytes }) => bytes)])
        expect(writer.position).toBe(expected.length)
        expect(Buffer.concat(writer.chunks()).equals(expected)).toBe(true)
        expect(Buffer.from(writer.toBytes()).equals(expected)).toBe(true)
      }),
    )
  })
})
