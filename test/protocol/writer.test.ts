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

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

describe('variable-length integers', () => {
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

  test.each([
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [-2, '03'],
    [2, '04'],
    [63, '7e'],
    [-64, '7f'],
    [64, '8001'],
    [-65, '8101'],
    [8191, 'fe7f'],
    [-8192, 'ff7f'],
    [8192, '808001'],
    [2147483647, 'feffffff0f'],
    [-2147483648, 'ffffffff0f'],
  ])('varint and varlong %d are %s', (value, hex) => {
    expect(written(writer => writer.varint(value))).toBe(hex)
    expect(written(writer => writer.varlong(value))).toBe(hex)
    expect(new Reader(Buffer.from(hex, 'hex')).varint()).toBe(value)
    expect(new Reader(Buffer.from(hex, 'hex')).varlong()).toBe(BigInt(value))
    expect(new Reader(Buffer.from(hex, 'hex')).varlongAsNumber()).toBe(value)
  })

  test.each([
    [2n ** 63n - 1n, 'feffffffffffffffff01'],
    [-(2n ** 63n), 'ffffffffffffffffff01'],
  ])('varlong %d is %s', (value, hex) => {
    expect(written(writer => writer.varlong(value))).toBe(hex)
    expect(new Reader(Buffer.from(hex, 'hex')).varlong()).toBe(value)
  })

  test('varlongs come back, as bigint and as number', () => {
    fc.assert(
      fc.property(int64, fc.maxSafeInteger(), (wide, safe) => {
        const writer = new Writer()
        writer.varlong(wide)
        writer.varlong(safe)
        const reader = new Reader(writer.toBytes())
        expect(reader.varlong()).toBe(wide)
        expect(reader.varlongAsNumber()).toBe(safe)
        reader.end()
      }),
    )
  })
})

describe('fixed-length types', () => {
  test('come back as they went', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 65535 }),
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.double(),
        int64,
        fc.maxSafeInteger(),
        (uint8, uint16, uint32, float64, wide, safe) => {
          const writer = new Writer(1)
          writer.uint8(uint8)
          writer.uint16(uint16)
          writer.uint32(uint32)
          writer.float64(float64)
          writer.int64(wide)
          writer.int64FromNumber(safe)
          const reader = new Reader(writer.toBytes())
          expect(reader.uint8()).toBe(uint8)
          expect(reader.uint16()).toBe(uint16)
          expect(reader.uint32()).toBe(uint32)
          expect(reader.float64()).toBe(float64)
          expect(reader.int64()).toBe(wide)
          expect(reader.int64AsNumber()).toBe(safe)
          reader.end()
        },
      ),
    )
  })

  test('an int64 from a number has the bytes of one from a bigint', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), value => {
        expect(written(writer => writer.int64FromNumber(value))).toBe(written(writer => writer.int64(BigInt(value))))
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
