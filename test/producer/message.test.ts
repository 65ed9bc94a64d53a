import vm from 'node:vm'
import { describe, expect, test } from 'vitest'
import { InvalidMessageError } from '../../src/errors.ts'
import {
  checkTopicName,
  type Message,
  type MessageRules,
  PreparedMessage,
  prepareMessage,
  snapshotOf,
} from '../../src/producer/message.ts'
import { readHeaders } from '../../src/protocol/record-batch-reader.ts'

const plain: MessageRules = {
  defaultTopic: 't',
  keySerializer: null,
  valueSerializer: null,
  keyMaker: null,
  isPlain: true,
}

function prepare(message: object, rules: Partial<MessageRules> = {}): PreparedMessage {
  const into = new PreparedMessage()
  prepareMessage(message as Message, { ...plain, ...rules }, into)
  return into
}

function refused(message: unknown, rules: Partial<MessageRules> = {}, index?: number): InvalidMessageError {
  try {
    prepareMessage(message as Message, { ...plain, ...rules }, new PreparedMessage(), index)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidMessageError)
    return error as InvalidMessageError
  }
  throw new Error('it was accepted')
}

const keyOf = ({ key, keyLength }: PreparedMessage) => (keyLength < 0 ? null : key.subarray(0, keyLength).toString())
const partitionKeyOf = ({ partitionKey, partitionKeyLength }: PreparedMessage) =>
  partitionKeyLength < 0 ? null : partitionKey.subarray(0, partitionKeyLength).toString()
const headersOf = ({ headers, headersLength }: PreparedMessage) =>
  readHeaders(headers.subarray(0, headersLength)).map(([name, value]) => [
    name,
    value === null ? null : Buffer.from(value).toString(),
  ])

const foreign = vm.runInNewContext('({ bytes: new Uint8Array([104, 105]), date: new Date(5), array: [] })')

describe('the message itself', () => {
  test.each([null, undefined, 'text', 5, true])('%j is refused: it must be an object', message => {
    expect(refused(message)).toMatchObject({ field: 'message', code: -186 })
  })

  test('its place in a list is in the error', () => {
    const error = refused({ value: 1 }, {}, 7)
    expect(error).toMatchObject({ field: 'value', index: 7 })
    expect(error.message).toContain('message 7')
    expect(refused({ value: 1 })).not.toHaveProperty('index')
  })

  test('errors never show a long value', () => {
    const secret = 'secret'.repeat(20)
    expect(refused({ value: 'v', partition: secret }).message).not.toContain('secret')
  })

  test('null stands for absent in every optional field', () => {
    const message = prepare({
      value: 'v',
      topic: null,
      key: null,
      headers: null,
      partition: null,
      partitionKey: null,
      timestamp: null,
    })
    expect(message).toMatchObject({ topic: 't', keyLength: -1, partition: -1, partitionKeyLength: -2, timestamp: -1 })
  })

  test('what another message left behind is gone', () => {
    const into = new PreparedMessage()
    const full = { topic: 'u', value: 'v', key: 'k', headers: { h: 'x' }, partition: 3, timestamp: 4, opaque: 5 }
    prepareMessage(full, plain, into)
    prepareMessage({ value: null, partitionKey: 'p' }, plain, into)
    prepareMessage({ value: null }, plain, into)
    expect(into).toMatchObject({
      topic: 't',
      valueLength: -1,
      keyLength: -1,
      headersLength: 1,
      partition: -1,
      partitionKeyLength: -2,
      timestamp: -1,
      opaque: undefined,
      userBytes: 0,
    })
  })
})

describe('topic', () => {
  test.each([5, {}, [], true])('%j is refused', topic => {
    expect(refused({ topic, value: 'v' })).toMatchObject({ field: 'topic' })
  })

  test('absent needs a default topic', () => {
    expect(prepare({ value: 'v' }).topic).toBe('t')
    expect(refused({ value: 'v' }, { defaultTopic: null })).toMatchObject({ field: 'topic' })
  })

  test.each(['a', 'A-Z_0.9', '...', '.a', 'x'.repeat(249)])('%s is a name', name => {
    expect(() => checkTopicName(name)).not.toThrow()
  })

  test.each(['', '.', '..', 'x'.repeat(250), 'a b', 'a/b', 'ä', 'a\n', 'a,b'])('%j is no name', name => {
    expect(() => checkTopicName(name)).toThrow(InvalidMessageError)
  })
})

describe('value', () => {
  test.each([
    ['text', 'text', 4],
    ['no text', '', 0],
    ['text beyond ASCII', 'äöü€𝄞', 13],
    ['half a surrogate pair', '\ud800', 3],
    ['bytes', new Uint8Array(7), 7],
    ['a Buffer', Buffer.alloc(7), 7],
    ['no bytes', new Uint8Array(0), 0],
    ['chunks', [new Uint8Array(2), Buffer.alloc(0), new Uint8Array(3)], 5],
    ['no chunks', [], 0],
    ['null, a tombstone', null, -1],
    ['bytes of another realm', foreign.bytes, 2],
    ['chunks of another realm', [foreign.bytes, foreign.bytes], 4],
    ['chunks in an array of another realm', foreign.array, 0],
  ])('%s', (_, value, length) => {
    const message = prepare({ value })
    expect(message.valueLength).toBe(length)
    expect(message.userBytes).toBe(Math.max(0, length))
  })

  test.each([
    undefined,
    5,
    5n,
    true,
    {},
    new Date(),
    new ArrayBuffer(2),
    new Uint16Array(2),
    new DataView(new ArrayBuffer(2)),
    ['text'],
    [null],
    [[new Uint8Array(1)]],
    Symbol('s'),
  ])('refused: %s', value => {
    expect(refused({ value })).toMatchObject({ field: 'value' })
  })

  test('absent is refused', () => {
    expect(refused({})).toMatchObject({ field: 'value', message: expect.stringContaining('missing') })
  })
})

describe.each(['key', 'partitionKey'])('%s', field => {
  const read = field === 'key' ? keyOf : partitionKeyOf

  test.each([
    ['text', 'text', 'text'],
    ['no text, which is not null', '', ''],
    ['text beyond ASCII', 'é€', 'é€'],
    ['long text', 'k'.repeat(1000), 'k'.repeat(1000)],
    ['bytes', Buffer.from('bytes'), 'bytes'],
    ['no bytes', new Uint8Array(0), ''],
    ['bytes of another realm', foreign.bytes, 'hi'],
    ['null', null, null],
    ['undefined', undefined, null],
  ])('%s', (_, given, expected) => {
    expect(read(prepare({ value: null, [field]: given }))).toBe(expected)
  })

  test.each([5, true, {}, [], [new Uint8Array(1)], new Uint16Array(1)])('refused: %s', given => {
    expect(refused({ value: null, [field]: given })).toMatchObject({ field })
  })
})

describe('partition', () => {
  test.each([-1, 0, 1, 2147483647])('%d is one', partition => {
    expect(prepare({ value: null, partition }).partition).toBe(partition)
  })

  test.each([-2, 0.5, 2147483648, Number.NaN, Number.POSITIVE_INFINITY, '0', 0n, {}])('%s is none', partition => {
    expect(refused({ value: null, partition })).toMatchObject({ field: 'partition' })
  })

  test('gives way to partitionKey', () => {
    expect(prepare({ value: null, partition: 3, partitionKey: 'p' }).partition).toBe(-1)
  })
})

describe('timestamp', () => {
  test.each([
    [0, 0],
    [1_700_000_000_000, 1_700_000_000_000],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    [new Date(5), 5],
    [foreign.date, 5],
  ])('%s', (timestamp, expected) => {
    expect(prepare({ value: null, timestamp }).timestamp).toBe(expected)
  })

  test.each([-1, 0.5, Number.MAX_SAFE_INTEGER + 1, Number.NaN, 5n, '5', new Date(Number.NaN), new Date(-1), {}])(
    'refused: %s',
    timestamp => {
      expect(refused({ value: null, timestamp })).toMatchObject({ field: 'timestamp' })
    },
  )
})

describe('headers', () => {
  test.each<[string, unknown, [string, string | null][]]>([
    [
      'an object',
      { a: '1', b: Buffer.from('2'), c: null },
      [
        ['a', '1'],
        ['b', '2'],
        ['c', null],
      ],
    ],
    [
      'an object with arrays',
      { a: ['1', null, '2'], b: [], c: '3' },
      [
        ['a', '1'],
        ['a', null],
        ['a', '2'],
        ['c', '3'],
      ],
    ],
    ['an object without a prototype', Object.assign(Object.create(null), { a: '1' }), [['a', '1']]],
    [
      'names that mean something to an object',
      JSON.parse('{"__proto__": "1", "constructor": "2", "toString": ["3"]}'),
      [
        ['__proto__', '1'],
        ['constructor', '2'],
        ['toString', '3'],
      ],
    ],
    ['no names', {}, []],
    [
      'pairs',
      [
        ['b', '1'],
        ['a', '2'],
        ['b', '3'],
      ],
      [
        ['b', '1'],
        ['a', '2'],
        ['b', '3'],
      ],
    ],
    [
      'pairs with names like numbers, in their order',
      [
        ['2', 'x'],
        ['1', 'y'],
      ],
      [
        ['2', 'x'],
        ['1', 'y'],
      ],
    ],
    ['no pairs', [], []],
    ['a Map', new Map([['a', '1']]), [['a', '1']]],
    ['an iterator', new Map([['a', '1']]).entries(), [['a', '1']]],
    ['empty names and values', [['', '']], [['', '']]],
    ['text beyond ASCII', { ä: '€' }, [['ä', '€']]],
    ['bytes of another realm', { a: foreign.bytes }, [['a', 'hi']]],
    [
      'many and long ones',
      Array.from({ length: 200 }, (_, i) => [`n${i}`, 'v'.repeat(i)]),
      Array.from({ length: 200 }, (_, i) => [`n${i}`, 'v'.repeat(i)]),
    ],
  ])('%s', (_, headers, expected) => {
    const message = prepare({ value: null, headers })
    expect(headersOf(message)).toEqual(expected)
    const bytes = expected.flat().reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0)
    expect(message.userBytes).toBe(bytes)
  })

  test.each<[string, unknown, string]>([
    ['text', 'text', 'headers'],
    ['a number', 5, 'headers'],
    ['a single', [['a']], 'headers'],
    ['a triple', [['a', 'b', 'c']], 'headers'],
    ['no pair', ['ab'], 'headers'],
    ['a name that is no text', [[5, 'x']], 'headers'],
    ['a value that is a number', { a: 5 }, 'headers.a'],
    ['a value that is missing', { a: undefined }, 'headers.a'],
    ['a value that is an object', { a: {} }, 'headers.a'],
    ['one of several values', { a: ['1', 5] }, 'headers.a'],
    ['a value in a pair that is an array', [['a', ['1']]], 'headers.a'],
  ])('refused: %s', (_, headers, field) => {
    expect(refused({ value: null, headers })).toMatchObject({ field })
  })
})

describe('sizes', () => {
  test('messageBytes is 36 and key, value and encoded headers', () => {
    expect(prepare({ value: null }).messageBytes).toBe(36)
    expect(prepare({ value: '', key: '' }).messageBytes).toBe(36)
    expect(prepare({ value: 'vvv', key: 'kk' }).messageBytes).toBe(41)
    // Their count, then each name and value after its length.
    expect(prepare({ value: null, headers: { a: 'bc' } }).messageBytes).toBe(36 + 1 + (1 + 1) + (1 + 2))
    expect(prepare({ value: null, headers: { a: null } }).messageBytes).toBe(36 + 1 + (1 + 1) + 1)
    expect(prepare({ value: null, headers: {} }).messageBytes).toBe(36)
  })
})

describe('serializers and key maker', () => {
  test('see the value as it was given, and the message', () => {
    const seen: unknown[] = []
    const value = { any: 'thing' }
    const given = { value, key: 5, extra: true }
    const message = prepare(given, {
      isPlain: false,
      valueSerializer: (value, message) => {
        seen.push([value, message])
        return 'serialised value'
      },
      keySerializer: (key, message) => {
        seen.push([key, message])
        return Buffer.from('serialised key')
      },
    })
    expect(seen).toEqual([
      [value, given],
      [5, given],
    ])
    expect(message.value).toBe('serialised value')
    expect(keyOf(message)).toBe('serialised key')
  })

  test('the key maker makes the key, which is then serialised', () => {
    const rules = { keyMaker: ({ value }: Message) => String(value).length, keySerializer: (key: never) => `#${key}` }
    expect(keyOf(prepare({ value: 'four', key: 'ignored' }, rules))).toBe('#4')
    expect(keyOf(prepare({ value: 'four', key: 'ignored' }, { ...rules, keyMaker: () => null }))).toBe(null)
  })

  test('null is null, without asking a serializer', () => {
    const fails = () => {
      throw new Error('asked')
    }
    const message = prepare({ value: null, key: null }, { valueSerializer: fails, keySerializer: fails })
    expect(message).toMatchObject({ valueLength: -1, keyLength: -1 })
  })

  test.each([5, {}, Promise.resolve('v'), undefined])('what gives %s is refused', answer => {
    expect(refused({ value: 'v' }, { valueSerializer: () => answer as never })).toMatchObject({ field: 'value' })
  })

  test.each([5, {}, Promise.resolve('k')])('a key serializer that gives %s is refused', answer => {
    expect(refused({ value: 'v', key: 'k' }, { keySerializer: () => answer as never })).toMatchObject({ field: 'key' })
  })

  test('what throws refuses with what it threw', () => {
    const bang = new Error('bang')
    const throwing = () => {
      throw bang
    }
    for (const rules of [{ valueSerializer: throwing }, { keySerializer: throwing }, { keyMaker: throwing }]) {
      expect(() => prepare({ value: 'v', key: 'k' }, rules)).toThrow(bang)
    }
  })
})

describe('a clone', () => {
  test('owns its bytes', () => {
    const into = new PreparedMessage()
    const value = Buffer.from('value')
    const first = { value, key: 'key', partitionKey: 'partition key', headers: { h: 'x' }, timestamp: 5, opaque: {} }
    prepareMessage(first, plain, into)
    const clone = into.clone()
    value.fill(0)
    prepareMessage({ value: 'other', key: 'KEY', partitionKey: 'PARTITION KEY', headers: { H: 'X' } }, plain, into)
    expect(String(clone.value)).toBe('value')
    expect([keyOf(clone), partitionKeyOf(clone)]).toEqual(['key', 'partition key'])
    expect(headersOf(clone)).toEqual([['h', 'x']])
    expect(clone).toMatchObject({ topic: 't', timestamp: 5, opaque: first.opaque, userBytes: 10 })
  })

  test('gathers its value', () => {
    const part = Buffer.from('ab')
    const clone = prepare({ value: [part, part] }).clone()
    part.fill(0)
    expect(String(clone.value)).toBe('abab')
    expect(prepare({ value: [] }).clone()).toMatchObject({ valueLength: 0, value: Buffer.alloc(0) })
    expect(prepare({ value: null }).clone()).toMatchObject({ valueLength: -1, value: null })
  })
})

describe('a snapshot', () => {
  test('reads inherited getters, and headers that can be read only once', () => {
    class Event {
      get value() {
        return 'v'
      }
      get headers() {
        return new Map([['a', 'b']]).entries()
      }
    }
    const snapshot = snapshotOf(new Event(), 0)
    for (let i = 0; i < 2; i++) expect(headersOf(prepare(snapshot))).toEqual([['a', 'b']])
    expect(prepare(snapshot).value).toBe('v')
  })
})
