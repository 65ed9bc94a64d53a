import { Buffer } from 'node:buffer'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { Reader } from '../../src/protocol/reader.ts'
import {
  api,
  array,
  between,
  boolean,
  bytes,
  int8,
  int16,
  int32,
  nullableArray,
  nullableBytes,
  nullableString,
  type RequestBody,
  type RequestOf,
  type ResponseOf,
  records,
  since,
  string,
  struct,
  type Type,
  tagged,
  until,
} from '../../src/protocol/schema.ts'
import { Writer } from '../../src/protocol/writer.ts'

interface Wire {
  readonly version?: number
  readonly flexible?: boolean
}

function encode<In>(type: Type<In, unknown>, value: In, { version = 0, flexible = false }: Wire = {}): string {
  const writer = new Writer()
  type.write(writer, value, version, flexible)
  return Buffer.from(writer.toBytes()).toString('hex')
}

function decode<Out>(type: Type<never, Out>, hex: string, { version = 0, flexible = false }: Wire = {}): Out {
  const reader = new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  const value = type.read(reader, version, flexible)
  reader.end()
  return value
}

const flexible = { flexible: true }

describe('lengths', () => {
  test('are plain before the flexible versions and compact in them', () => {
    expect(encode(string, 'hé')).toBe('000368c3a9')
    expect(encode(string, 'hé', flexible)).toBe('0468c3a9')
    expect(encode(bytes, new Uint8Array([1]))).toBe('0000000101')
    expect(encode(bytes, new Uint8Array([1]), flexible)).toBe('0201')
    expect(encode(array(int8), [1, 2])).toBe('000000020102')
    expect(encode(array(int8), [1, 2], flexible)).toBe('030102')
    expect(encode(string, 'x'.repeat(127), flexible).slice(0, 4)).toBe('8001')
  })

  test.each([
    ['nullableString', nullableString, 'ffff', '00'],
    ['nullableBytes', nullableBytes, 'ffffffff', '00'],
    ['nullableArray', nullableArray(int8), 'ffffffff', '00'],
    ['records', records, 'ffffffff', '00'],
  ] as [string, Type<null, unknown>, string, string][])('say null in %s', (_name, type, plain, compact) => {
    expect(encode(type, null)).toBe(plain)
    expect(encode(type, null, flexible)).toBe(compact)
    expect(decode(type, plain)).toBeNull()
    expect(decode(type, compact, flexible)).toBeNull()
  })

  test.each([
    ['string', string, 'ffff', '00'],
    ['bytes', bytes, 'ffffffff', '00'],
    ['array', array(int8), 'ffffffff', '00'],
  ] as [string, Type<never, unknown>, string, string][])('may not say null in %s', (_name, type, plain, compact) => {
    expect(() => decode(type, plain)).toThrow(/a null before byte/)
    expect(() => decode(type, compact, flexible)).toThrow(/a null before byte/)
  })

  test.each([
    ['nullableString', nullableString, 'fffe', '8000'],
    ['nullableBytes', nullableBytes, 'fffffffe', '80000000'],
    ['nullableArray', nullableArray(int8), 'fffffffe', '80000000'],
    ['records', records, 'fffffffe', '80000000'],
  ] as [string, Type<never, unknown>, string, string][])('below -1 are refused in %s', (_name, type, ...all) => {
    for (const hex of all) expect(() => decode(type, `${hex}00`)).toThrow(/negative length/)
  })

  test.each([
    ['string', string, '7fff 61'],
    ['bytes', bytes, '7fffffff 61'],
    ['array', array(int8), '7fffffff 61'],
    ['array of empty structs', array(struct({})), '7fffffff 61'],
    ['records', records, '7fffffff 61'],
  ] as [string, Type<never, unknown>, string][])('beyond the end of %s are refused at once', (_name, type, plain) => {
    expect(() => decode(type, plain)).toThrow(/expected at byte/)
    expect(() => decode(type, 'ffffffff0f 61', flexible)).toThrow(/expected at byte/)
  })
})

describe('records', () => {
  test('are written in the order of their chunks and read as one view', () => {
    const chunks = [new Uint8Array([1]), new Uint8Array([2, 3])]
    expect(encode(records, chunks)).toBe('00000003010203')
    expect(decode(records, '04010203', flexible)).toEqual(new Uint8Array([1, 2, 3]))
  })

  test('of no bytes are not null', () => {
    expect(encode(records, [])).toBe('00000000')
    expect(decode(records, '00000000')).toEqual(new Uint8Array(0))
  })
})

describe('a struct', () => {
  const versioned = struct({
    old: until(1, int8, 10),
    always: int8,
    middle: between(1, 2, int8, 20),
    young: since(2, int8, 30),
  })

  test.each([
    [0, '0102', { old: 1, always: 2, middle: 20, young: 30 }],
    [1, '010203', { old: 1, always: 2, middle: 3, young: 30 }],
    [2, '020304', { old: 10, always: 2, middle: 3, young: 4 }],
    [3, '0204', { old: 10, always: 2, middle: 20, young: 4 }],
  ])('of version %d has the fields of that version, the others as their defaults', (version, hex, decoded) => {
    expect(encode(versioned, { old: 1, always: 2, middle: 3, young: 4 }, { version })).toBe(hex)
    expect(decode(versioned, hex, { version })).toEqual(decoded)
    expect(Object.keys(decode(versioned, hex, { version }))).toEqual(['old', 'always', 'middle', 'young'])
  })

  test('writes the default of a field that is left out', () => {
    expect(encode(versioned, { always: 2, middle: undefined }, { version: 1 })).toBe('0a0214')
  })

  test('shares its defaults, so they are frozen', () => {
    const list = struct({ list: since(1, array(int8), []) })
    expect(Object.isFrozen(decode(list, '').list)).toBe(true)
  })
})

describe('tagged fields', () => {
  const leader = struct({ id: int32 })
  const type = struct({
    errors: tagged(3, 0, array(int16), []),
    id: int8,
    leader: tagged(0, 1, leader, { id: -1 }),
    epoch: tagged(1, 0, int8, -1),
  })
  const v1 = { version: 1, flexible: true }
  const fallback = { errors: [], id: 7, leader: { id: -1 }, epoch: -1 }

  test('travel at the end, by ascending tag, each with its size', () => {
    const hex = '07 03  00 05 00000005 00  01 01 09  03 03 02 0004'.replaceAll(' ', '')
    const value = { errors: [4], id: 7, leader: { id: 5 }, epoch: 9 }
    expect(encode(type, value, v1)).toBe(hex)
    expect(decode(type, hex, v1)).toEqual(value)
  })

  test('do not travel as their defaults', () => {
    expect(encode(type, { id: 7 }, v1)).toBe('0700')
    expect(encode(type, { id: 7, errors: [], epoch: -1 }, v1)).toBe('0700')
    expect(encode(type, decode(type, '0700', v1), v1)).toBe('0700')
    expect(decode(type, '0700', v1)).toEqual(fallback)
  })

  test('do not travel where there is nothing flexible, nor before their first version', () => {
    expect(encode(type, { id: 7, epoch: 3 })).toBe('07')
    expect(encode(type, { id: 7, leader: { id: 5 } }, flexible)).toBe('0700')
    expect(decode(type, '07 01 00 05 00000005 00', flexible)).toEqual(fallback)
  })

  test('that are unknown are skipped', () => {
    expect(decode(type, '07 03 01 01 09 63 02 ffff ffffffff0f 00', v1)).toEqual({ ...fallback, epoch: 9 })
  })

  test.each([
    ['shorter than its value', '07 01 00 04 00000005 00'],
    ['longer than its value', '07 01 00 06 00000005 00 00'],
  ])('of a size %s are refused', (_how, hex) => {
    expect(() => decode(type, hex, v1)).toThrow(/tagged field 0 ends at byte/)
  })

  test('of a size beyond the end are refused, known or not', () => {
    expect(() => decode(type, '07 01 01 05 09', v1)).toThrow(ProtocolError)
    expect(() => decode(type, '07 01 63 ffffffff0f 09', v1)).toThrow(ProtocolError)
  })

  test('in a number that cannot be there are refused before the first', () => {
    expect(() => decode(type, '07 ffffffff0f 63 00', v1)).toThrow('8589934590 bytes expected at byte 6, 2 are left')
  })
})

describe('an API', () => {
  const sample = api({
    name: 'Sample',
    key: 99,
    versions: [0, 2],
    flexible: 2,
    request: { name: nullableString, strict: since(1, boolean, true) },
    response: { ids: array(int32), hint: tagged(0, 2, string, '') },
  })

  test('turns flexible at the version that it says', () => {
    const bodies = [0, 1, 2].map(version => {
      const writer = new Writer()
      sample.request.encode(writer, { name: 'a' }, version)
      return Buffer.from(writer.toBytes()).toString('hex')
    })
    expect(bodies).toEqual(['000161', '00016101', '02610100'])
  })

  test('has types: optional fields may be left out, and are always there when read', () => {
    expectTypeOf<RequestBody<typeof sample>>().toEqualTypeOf<{
      readonly name: string | null
      readonly strict?: boolean | undefined
    }>()
    expectTypeOf<RequestOf<typeof sample>>().toEqualTypeOf<{ readonly name: string | null; readonly strict: boolean }>()
    expectTypeOf<ResponseOf<typeof sample>>().toEqualTypeOf<{
      readonly ids: readonly number[]
      readonly hint: string
    }>()
  })
})
