import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { compare, flawless, parseDump, type ReadRecord } from './judge.ts'

function read(partition: number, value: string | null, key = 'k', headers: [string, Buffer | null][] = []): ReadRecord {
  const bytes = value === null ? null : Buffer.from(value)
  return {
    partition,
    offset: 0,
    timestampType: 'CreateTime',
    timestamp: 0,
    headers,
    key: Buffer.from(key),
    value: bytes,
  }
}

const sent = ['a', 'b', 'c'].map(value => ({ key: 'k', value }))

describe('the comparison of what was sent with what was read', () => {
  test('finds nothing when every partition holds its records in order', () => {
    expect(compare(sent, [read(1, 'b'), read(0, 'a'), read(0, 'c')])).toEqual(flawless)
  })

  test('names what is lost', () => {
    expect(compare(sent, [read(0, 'a'), read(0, 'c')])).toEqual({ ...flawless, lost: [sent[1]] })
  })

  test('names what is there twice', () => {
    const twice = [read(0, 'a'), read(0, 'a'), read(0, 'b'), read(0, 'c')]
    expect(compare(sent, twice)).toEqual({ ...flawless, duplicated: [twice[1]] })
  })

  test('lets what was sent twice be there twice', () => {
    expect(
      compare(
        [...sent, ...sent],
        ['a', 'b', 'c', 'a', 'b', 'c'].map(value => read(0, value)),
      ),
    ).toEqual(flawless)
  })

  test('names what stands behind a later record of its partition', () => {
    const swapped = [read(0, 'a'), read(0, 'c'), read(0, 'b')]
    expect(compare(sent, swapped)).toEqual({ ...flawless, reordered: [swapped[2]] })
  })

  test.each([
    ['another key', read(0, 'a', 'x')],
    ['null for empty', read(0, null)],
    ['a header more', read(0, '', 'k', [['h', null]])],
    ['an empty header value for null', read(0, '', 'k', [['h', Buffer.alloc(0)]])],
  ])('takes %s for a record that was never sent', (_, record) => {
    const empty = { key: 'k', value: '' }
    expect(compare([empty], [record])).toEqual({ ...flawless, lost: [empty], foreign: [record] })
  })
})

describe('the reading of a log dump', () => {
  const batch =
    'baseOffset: 0 lastOffset: 1 count: 2 baseSequence: 4 lastSequence: 5 producerId: 7 producerEpoch: 3 ' +
    'partitionLeaderEpoch: 0 isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty ' +
    'position: 0 CreateTime: 5 size: 99 magic: 2 compresscodec: lz4 crc: 3 isvalid: false'

  test('gives every batch with its partition, its stamp and the number of its records', () => {
    const dump = `Dumping /tmp/data-1/my-topic-12/00000000000000000000.log\nLog starting offset: 0\n${batch}\n| offset: 0 x\n`
    expect(parseDump(dump)).toEqual([
      {
        partition: 12,
        baseOffset: 0,
        lastOffset: 1,
        count: 2,
        baseSequence: 4,
        lastSequence: 5,
        producerId: 7,
        producerEpoch: 3,
        codec: 'lz4',
        magic: 2,
        size: 99,
        valid: false,
        records: 1,
      },
    ])
  })

  test('throws on a complaint', () => {
    expect(() => parseDump(`${batch}\nFound 12 invalid bytes at the end of x.log\n`)).toThrow('Found 12 invalid bytes')
  })
})
