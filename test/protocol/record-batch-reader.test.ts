import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { recordBodyBytes, writeRecord, writeVarint } from '../../src/protocol/record-batch.ts'
import {
  type BatchRecord,
  batchCrcMatches,
  readBatchHeader,
  readHeaders,
  readRecords,
} from '../../src/protocol/record-batch-reader.ts'
import batches from '../vectors/batches.json' with { type: 'json' }

const golden = (name: keyof typeof batches) => Buffer.from(batches[name], 'hex')
const utf8 = (text: string) => new Uint8Array(Buffer.from(text))
const recordsOf = (batch: Uint8Array) => readRecords(batch.subarray(61), readBatchHeader(batch).recordCount)

describe('golden batches', () => {
  test('G1 has three records of an idempotent producer', () => {
    expect(readBatchHeader(golden('G1'))).toEqual({
      baseOffset: 0n,
      batchLength: 93,
      partitionLeaderEpoch: -1,
      magic: 2,
      crc: 0xda6d5cb7,
      attributes: 0,
      codec: 0,
      timestampType: 0,
      transactional: false,
      control: false,
      lastOffsetDelta: 2,
      baseTimestamp: 1_700_000_000_000,
      maxTimestamp: 1_700_000_000_005,
      producerId: 4242n,
      producerEpoch: 7,
      baseSequence: 2147483646,
      recordCount: 3,
    })
    const h1 = ['h1', utf8('x')]
    expect(recordsOf(golden('G1'))).toEqual([
      { offsetDelta: 0, timestampDelta: 0, key: utf8('k1'), value: utf8('v1'), headers: [h1, ['h2', null]] },
      { offsetDelta: 1, timestampDelta: 5, key: null, value: utf8('héllo'), headers: [] },
      { offsetDelta: 2, timestampDelta: -10, key: utf8(''), value: null, headers: [['h1', utf8('')]] },
    ])
  })

  test('G2 has one record of nothing, without a producer id', () => {
    const { producerId, producerEpoch, baseSequence } = readBatchHeader(golden('G2'))
    expect([producerId, producerEpoch, baseSequence]).toEqual([-1n, -1, -1])
    expect(recordsOf(golden('G2'))).toEqual([
      { offsetDelta: 0, timestampDelta: 0, key: null, value: null, headers: [] },
    ])
  })

  test('G3 and G4 are transactional, G5 is not', () => {
    const transactional = (['G3', 'G4', 'G5'] as const).map(name => readBatchHeader(golden(name)).transactional)
    expect(transactional).toEqual([true, true, false])
  })

  test.each(['G1', 'G2', 'G3', 'G4', 'G5'] as const)(
    '%s has the checksum of its bytes, and no other bytes have',
    name => {
      const batch = golden(name)
      expect(batchCrcMatches(batch)).toBe(true)
      for (let at = 17; at < batch.length; at++) {
        const damaged = Buffer.from(batch)
        damaged[at] = (damaged[at] ?? 0) ^ 1
        expect(batchCrcMatches(damaged)).toBe(false)
      }
    },
  )

  test.each(['G1', 'G2', 'G3', 'G4', 'G5'] as const)('%s is refused when it is cut anywhere', name => {
    const batch = golden(name)
    const count = readBatchHeader(batch).recordCount
    for (let end = 0; end < batch.length; end++) {
      expect(() => readBatchHeader(batch.subarray(0, end))).toThrow(ProtocolError)
      expect(() => batchCrcMatches(batch.subarray(0, end))).toThrow(ProtocolError)
      if (end >= 61) expect(() => readRecords(batch.subarray(61, end), count)).toThrow(ProtocolError)
    }
  })
})

describe('a batch', () => {
  test('may start anywhere, and others may follow', () => {
    const two = Buffer.concat([Buffer.from('xyz'), golden('G5'), golden('G1')])
    expect(readBatchHeader(two, 3)).toEqual(readBatchHeader(golden('G5')))
    expect(batchCrcMatches(two, 3)).toBe(true)
    expect(readBatchHeader(two, 75).recordCount).toBe(3)
  })

  test.each([-1, -(2 ** 31), 0, 48])('that says it is %d bytes long is refused', length => {
    const batch = golden('G5')
    batch.writeInt32BE(length, 8)
    expect(() => readBatchHeader(batch)).toThrow(ProtocolError)
  })

  test.each([
    [0x0b, { codec: 3, timestampType: 1, transactional: false, control: false }],
    [0x34, { codec: 4, timestampType: 0, transactional: true, control: true }],
  ])('with attributes %i says what they mean', (attributes, meaning) => {
    const batch = golden('G5')
    batch.writeInt16BE(attributes, 21)
    expect(readBatchHeader(batch)).toMatchObject(meaning)
  })
})

const optionalBytes = fc.option(fc.uint8Array({ maxLength: 100 }))
const record = fc.record({
  offsetDelta: fc.integer(),
  timestampDelta: fc.maxSafeInteger(),
  key: optionalBytes,
  value: optionalBytes,
  headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), optionalBytes), { maxLength: 3 }),
})

const bytesOrNull = (bytes: Uint8Array | null) => ({ bytes: Buffer.from(bytes ?? []), length: bytes?.length ?? -1 })

function encodeHeaders(headers: BatchRecord['headers']): Buffer {
  const into = Buffer.alloc(5000)
  let at = writeVarint(into, 0, headers.length)
  for (const part of headers.flatMap(([name, value]) => [utf8(name), value])) {
    const { bytes, length } = bytesOrNull(part)
    at = writeVarint(into, at, length)
    at += bytes.copy(into, at)
  }
  return into.subarray(0, at)
}

function encodeRecords(all: readonly BatchRecord[]): Uint8Array {
  const into = Buffer.alloc(100_000)
  let at = 0
  for (const { offsetDelta, timestampDelta, key, value, headers } of all) {
    const { bytes, length } = bytesOrNull(key)
    const encoded = encodeHeaders(headers)
    const input = {
      key: bytes,
      keyLength: length,
      value,
      valueLength: bytesOrNull(value).length,
      headers: encoded,
      headersLength: encoded.length,
    }
    at = writeRecord(into, at, input, timestampDelta, offsetDelta, recordBodyBytes(input, timestampDelta, offsetDelta))
  }
  return into.subarray(0, at)
}

describe('records', () => {
  test('come back as the encoder wrote them', () => {
    fc.assert(
      fc.property(fc.array(record), records => {
        expect(readRecords(encodeRecords(records), records.length)).toEqual(records)
      }),
    )
  })

  test('are refused when there are more or fewer than counted', () => {
    const bytes = golden('G1').subarray(61)
    for (const count of [-1, 0, 2, 4, 2 ** 31 - 1]) expect(() => readRecords(bytes, count)).toThrow(ProtocolError)
  })

  test.each([
    ['a negative record length', '01'],
    ['a record length past the end', '1a000000010100'],
    ['a record longer than what it holds', '0e00000001010000'],
    ['a record shorter than what it holds', '0a000000010100'],
    ['a key length of -2', '0c000000030100'],
    ['a header count of -1', '0c000000010101'],
    ['a header without a name', '1000000001010201 01'],
    ['a count of headers that cannot be there', '140000000101feffffff0f'],
  ])('are refused for %s', (_what, hex) => {
    expect(() => readRecords(Buffer.from(hex.replaceAll(' ', ''), 'hex'), 1)).toThrow(ProtocolError)
  })

  test('are decoded or refused with ProtocolError, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.nat(10),
        fc.array(record),
        fc.nat(),
        fc.nat(255),
        (noise, count, all, at, byte) => {
          const damaged = encodeRecords(all)
          damaged[at % damaged.length] = byte
          for (const attempt of [() => readRecords(noise, count), () => readRecords(damaged, all.length)]) {
            try {
              attempt()
            } catch (error) {
              expect(error).toBeInstanceOf(ProtocolError)
            }
          }
        },
      ),
    )
  })
})

describe('headers on their own', () => {
  test('are read from their count on', () => {
    expect(readHeaders(Buffer.from('04 026b 0278 026b 01'.replaceAll(' ', ''), 'hex'))).toEqual([
      ['k', utf8('x')],
      ['k', null],
    ])
    expect(readHeaders(new Uint8Array(1))).toEqual([])
  })

  test('are refused with bytes behind them', () => {
    expect(() => readHeaders(new Uint8Array(2))).toThrow(ProtocolError)
  })
})
