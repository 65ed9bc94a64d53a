import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type BatchStamp,
  batchHeaderBytes,
  type RecordInput,
  readRecord,
  recordBodyBytes,
  recordBytes,
  writeBatchHeader,
  writeRecord,
  writeVarint,
} from '../../src/protocol/record-batch.ts'

type Header = readonly [string, string | null]
interface Given {
  timestamp: number
  key: string | null
  value: string | null
  headers?: readonly Header[]
}

function encodeHeaders(headers: readonly Header[]): Buffer {
  const into = Buffer.alloc(1000)
  let at = writeVarint(into, 0, headers.length)
  for (const [name, value] of headers) {
    at = writeVarint(into, at, Buffer.byteLength(name))
    at += into.write(name, at)
    at = writeVarint(into, at, value === null ? -1 : Buffer.byteLength(value))
    if (value !== null) at += into.write(value, at)
  }
  return into.subarray(0, at)
}

function input({ key, value, headers = [] }: Given): RecordInput {
  const encoded = encodeHeaders(headers)
  return {
    key: Buffer.from(key ?? ''),
    keyLength: key === null ? -1 : Buffer.byteLength(key),
    value,
    valueLength: value === null ? -1 : Buffer.byteLength(value),
    headers: encoded,
    headersLength: encoded.length,
  }
}

function batchOf(records: readonly Given[], stamp: Partial<BatchStamp> = {}): Buffer {
  const base = records[0]?.timestamp ?? 0
  const memory = Buffer.alloc(5000)
  let at = 0
  for (const [i, record] of records.entries()) {
    const given = input(record)
    const body = recordBodyBytes(given, record.timestamp - base, i)
    const next = writeRecord(memory, at, given, record.timestamp - base, i, body)
    expect(next - at).toBe(recordBytes(body))
    at = next
  }
  const header = Buffer.alloc(batchHeaderBytes, 0xaa) // whatever stood there before must not show
  const bytes = memory.subarray(0, at)
  writeBatchHeader(
    header,
    {
      attributes: 0,
      recordCount: records.length,
      baseTimestamp: base,
      maxTimestamp: Math.max(...records.map(record => record.timestamp)),
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
      ...stamp,
    },
    [bytes.subarray(0, 3), bytes.subarray(3)],
  )
  return Buffer.concat([header, bytes])
}

const first: Given = {
  timestamp: 1700000000000,
  key: 'k1',
  value: 'v1',
  headers: [
    ['h1', 'x'],
    ['h2', null],
  ],
}

describe('golden batches', () => {
  test('three records with negative timestamp delta, null key, null value and a sequence at its end', () => {
    const batch = batchOf(
      [
        first,
        { timestamp: 1700000000005, key: null, value: 'héllo' },
        { timestamp: 1699999999990, key: '', value: null, headers: [['h1', '']] },
      ],
      { producerId: 4242n, producerEpoch: 7, baseSequence: 2147483646 },
    )
    expect(batch.toString('hex')).toBe(
      '000000000000000000000' +
        '05dffffffff02da6d5cb70000000000020000018bcfe568000000018bcfe56805000000000000109200077ffffffe0000000326000000046b310476310404683102780468320118000a02010c68c3a96c6c6f001400130400010204683100',
    )
  })

  test('one empty record without a producer id', () => {
    expect(batchOf([{ timestamp: 0, key: null, value: null }]).toString('hex')).toBe(
      '000000000000000000000038ffffffff0234bb927300000000000000000000000000000000000000000000ffffffffffffffffffffffffffff000000010c000000010100',
    )
  })

  test('a transactional batch', () => {
    expect(
      batchOf([first], { attributes: 0x10, producerId: 1n, producerEpoch: 0, baseSequence: 0 }).toString('hex'),
    ).toBe(
      '000000000000000000000045ffffffff02e97402150010000000000000018bcfe568000000018bcfe5680000000000000000010000000000000000000126000000046b3104763104046831027804683201',
    )
  })

  test('a transactional batch with one header', () => {
    expect(
      batchOf([{ ...first, headers: [['h1', 'x']] }], {
        attributes: 0x10,
        producerId: 1n,
        producerEpoch: 0,
        baseSequence: 0,
      }).toString('hex'),
    ).toBe(
      '000000000000000000000041ffffffff028be191520010000000000000018bcfe568000000018bcfe568000000000000000001000000000000000000011e000000046b31047631020468310278',
    )
  })

  test('an idempotent batch without headers', () => {
    expect(
      batchOf([{ timestamp: 1700000000000, key: 'k1', value: 'v1' }], {
        producerId: 1n,
        producerEpoch: 0,
        baseSequence: 0,
      }).toString('hex'),
    ).toBe(
      '00000000000000000000003cffffffff024782722d0000000000000000018bcfe568000000018bcfe5680000000000000000010000000000000000000114000000046b3104763100',
    )
  })
})

describe('a record', () => {
  test('has exactly the size that was computed for it', () => {
    const text = fc.option(fc.string({ unit: 'binary', maxLength: 300 }), { nil: null })
    fc.assert(
      fc.property(
        text,
        text,
        fc.array(fc.tuple(fc.string({ maxLength: 5 }), fc.option(fc.string({ maxLength: 9 }), { nil: null })), {
          maxLength: 5,
        }),
        fc.maxSafeInteger(),
        fc.nat(1_000_000),
        (key, value, headers, timestampDelta, offsetDelta) => {
          const given = input({ timestamp: 0, key, value, headers })
          const body = recordBodyBytes(given, timestampDelta, offsetDelta)
          const memory = Buffer.alloc(5000)
          expect(writeRecord(memory, 0, given, timestampDelta, offsetDelta, body)).toBe(recordBytes(body))
        },
      ),
    )
  })
})

test('a record that was written reads back as it was given, and says where the next one starts', () => {
  const memory = Buffer.alloc(1000)
  const given = input({
    timestamp: 0,
    key: 'k',
    value: null,
    headers: [
      ['h', 'x'],
      ['h', null],
    ],
  })
  const end = writeRecord(memory, 7, given, 2 ** 40, 300, recordBodyBytes(given, 2 ** 40, 300))
  const back = input({ timestamp: 0, key: null, value: null })
  expect(readRecord(memory, 7, back)).toBe(end)
  expect(back).toMatchObject({ keyLength: 1, valueLength: -1, value: null, headersLength: given.headersLength })
  expect(back.key.toString()).toBe('k')
  expect(Buffer.compare(back.headers, given.headers)).toBe(0)
})
