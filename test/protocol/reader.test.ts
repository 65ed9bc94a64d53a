import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { Reader } from '../../src/protocol/reader.ts'

const reader = (hex: string) => new Reader(Buffer.from(hex, 'hex'))

describe('bounds', () => {
  test.each<[string, number, (reader: Reader) => unknown]>([
    ['uint8', 1, r => r.uint8()],
    ['int8', 1, r => r.int8()],
    ['int16', 2, r => r.int16()],
    ['int32', 4, r => r.int32()],
    ['uint32', 4, r => r.uint32()],
    ['int64', 8, r => r.int64()],
    ['int64AsNumber', 8, r => r.int64AsNumber()],
    ['boolean', 1, r => r.boolean()],
    ['uuid', 16, r => r.uuid()],
    ['bytes', 5, r => r.bytes(5)],
    ['string', 5, r => r.string(5)],
    ['skip', 5, r => r.skip(5)],
  ])('%s takes %d bytes and not one less', (_name, size, read) => {
    const exact = new Reader(new Uint8Array(size))
    read(exact)
    expect(exact.remaining).toBe(0)
    for (let length = 0; length < size; length++) {
      expect(() => read(new Reader(new Uint8Array(length)))).toThrow(ProtocolError)
    }
  })

  test('end at the end that was given, not at that of the memory', () => {
    const part = new Reader(new Uint8Array([1, 2, 3, 4]), 1, 3)
    expect(part.remaining).toBe(2)
    expect(part.int16()).toBe(0x0203)
    expect(() => part.uint8()).toThrow('1 bytes expected at byte 3, 0 are left')
  })

  test('a count is refused before anything is allocated for it', () => {
    expect(() => reader('0000').expect(3)).toThrow(ProtocolError)
    expect(() => reader('0000').expect(-1)).toThrow(ProtocolError)
    expect(() => reader('0000').expect(2)).not.toThrow()
  })

  test('bytes left over are refused by end()', () => {
    expect(() => reader('00').end()).toThrow('1 bytes too many at byte 0')
    expect(() => reader('').end()).not.toThrow()
  })
})

describe('variable-length integers', () => {
  test.each([
    ['00', 0],
    ['01', -1],
    ['02', 1],
    ['03', -2],
    ['04', 2],
    ['7e', 63],
    ['7f', -64],
    ['8001', 64],
    ['8101', -65],
    ['fe7f', 8191],
    ['ff7f', -8192],
    ['808001', 8192],
    ['feffffff0f', 2147483647],
    ['ffffffff0f', -2147483648],
  ])('%s is %d as varint and varlong', (hex, value) => {
    expect(reader(hex).varint()).toBe(value)
    expect(reader(hex).varlong()).toBe(BigInt(value))
    expect(reader(hex).varlongAsNumber()).toBe(value)
  })

  test.each([
    ['feffffffffffffffff01', 2n ** 63n - 1n],
    ['ffffffffffffffffff01', -(2n ** 63n)],
  ])('%s is %d as varlong', (hex, value) => {
    expect(reader(hex).varlong()).toBe(value)
  })

  test.each(['808080808000', '8080808080', 'ffffffff1f', 'ffffffffff'])('%s is more than 32 bits', hex => {
    expect(() => reader(hex).uvarint()).toThrow(/varint of more than 32 bits/)
    expect(() => reader(hex).varint()).toThrow(/varint of more than 32 bits/)
  })

  test.each(['8080808080808080808000', 'ffffffffffffffffff02', 'ffffffffffffffffffff'])(
    '%s is more than 64 bits',
    hex => {
      expect(() => reader(hex).varlong()).toThrow(/varlong of more than 64 bits/)
      expect(() => reader(hex).varlongAsNumber()).toThrow(/varlong of more than 64 bits/)
    },
  )

  test.each(['80', '8080', 'ffffffff'])('%s is cut', hex => {
    expect(() => reader(hex).uvarint()).toThrow(ProtocolError)
    expect(() => reader(hex).varlong()).toThrow(ProtocolError)
    expect(() => reader(hex).varlongAsNumber()).toThrow(ProtocolError)
  })

  test('what does not fit a number is refused where a number is asked for', () => {
    expect(() => reader('feffffffffffffffff01').varlongAsNumber()).toThrow(/beyond 2\^53/)
    expect(() => reader('7fffffffffffffff').int64AsNumber()).toThrow(/beyond 2\^53/)
    expect(reader('ffffffffffffffff').int64AsNumber()).toBe(-1)
  })
})

describe('views', () => {
  test('bytes share the memory of the frame', () => {
    const frame = new Uint8Array([1, 2, 3])
    const view = new Reader(frame, 1).bytes(2)
    frame[2] = 9
    expect(view).toEqual(new Uint8Array([2, 9]))
  })

  test('bytes are plain, also when the frame is a Buffer in the middle of a pool', () => {
    const view = new Reader(Buffer.from('xyz')).bytes(3)
    expect(Buffer.isBuffer(view)).toBe(false)
    expect(view).toEqual(new Uint8Array([0x78, 0x79, 0x7a]))
  })

  test('peeking leaves the bytes unread', () => {
    const peeked = reader('0023ff')
    expect(peeked.peekInt16()).toBe(35)
    expect(peeked.int16()).toBe(35)
    expect(peeked.peekInt16()).toBeUndefined()
  })
})
