import { Buffer } from 'node:buffer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DeliveryReport, type Message, Producer } from '../../src/index.ts'
import { type ReadRecord, readTopic } from '../support/judge.ts'
import { kafka } from '../support/real-kafka.ts'

const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)
const long = 'Ünïcödé 🚀 '.repeat(40_000)

interface Expected {
  key?: string | Uint8Array | null
  value: string | Uint8Array | null
  headers?: [string, string | Uint8Array | null][]
  timestamp?: number
  partition?: number
}

const cases: Record<string, [Omit<Message, 'topic'>, Expected]> = {
  'a message without a key': [{ value: 'v' }, { key: null, value: 'v' }],
  'a null key and a null value': [
    { key: null, value: null },
    { key: null, value: null },
  ],
  'a tombstone': [
    { key: 'k', value: null },
    { key: 'k', value: null },
  ],
  'an empty key and an empty value': [
    { key: '', value: '' },
    { key: '', value: '' },
  ],
  'empty bytes': [
    { key: new Uint8Array(), value: new Uint8Array() },
    { key: '', value: '' },
  ],
  'every byte there is': [
    { key: everyByte, value: everyByte },
    { key: everyByte, value: everyByte },
  ],
  'text beyond ASCII': [
    { key: 'schlüssel', value: 'こんにちは🚀' },
    { key: 'schlüssel', value: 'こんにちは🚀' },
  ],
  'a long text': [{ value: long }, { value: long }],
  'a value in pieces': [{ value: [Buffer.from('ab'), new Uint8Array(), Buffer.from('c')] }, { value: 'abc' }],
  'headers in their order, repeated, null and empty': [
    {
      value: 'v',
      headers: [
        ['b', '1'],
        ['a', null],
        ['b', '2'],
        ['c', ''],
        ['1', everyByte],
        ['', 'nameless'],
      ],
    },
    {
      value: 'v',
      headers: [
        ['b', '1'],
        ['a', null],
        ['b', '2'],
        ['c', ''],
        ['1', everyByte],
        ['', 'nameless'],
      ],
    },
  ],
  'headers as an object': [
    { value: 'v', headers: { z: '1', many: ['a', 'b', null], none: [], ü: Buffer.from([255]) } },
    {
      value: 'v',
      headers: [
        ['z', '1'],
        ['many', 'a'],
        ['many', 'b'],
        ['many', null],
        ['ü', Uint8Array.of(255)],
      ],
    },
  ],
  'a hundred headers': [
    { value: 'v', headers: Array.from({ length: 100 }, (_, i) => [`h${i}`, `${i}`] as [string, string]) },
    { value: 'v', headers: Array.from({ length: 100 }, (_, i) => [`h${i}`, `${i}`] as [string, string]) },
  ],
  'a timestamp in milliseconds': [
    { value: 'v', timestamp: 1_700_000_000_123 },
    { value: 'v', timestamp: 1_700_000_000_123 },
  ],
  'a timestamp as a Date': [
    { value: 'v', timestamp: new Date(1_600_000_000_000) },
    { value: 'v', timestamp: 1_600_000_000_000 },
  ],
  'the epoch as timestamp': [
    { value: 'v', timestamp: 0 },
    { value: 'v', timestamp: 0 },
  ],
  'partition 0': [
    { value: 'v', partition: 0 },
    { value: 'v', partition: 0 },
  ],
  'partition 5': [
    { value: 'v', key: 'k', partition: 5 },
    { value: 'v', key: 'k', partition: 5 },
  ],
}

describe('Apache’s consumer sees', () => {
  const reports = new Map<string, DeliveryReport>()
  let records: ReadRecord[] = []
  let from = 0
  let to = 0

  beforeAll(async () => {
    // Old timestamps are in it, and Kafka would delete what is older than a week.
    const topic = await kafka.createTopic('messages', 6, { 'retention.ms': -1 })
    const producer = new Producer({ 'bootstrap.servers': kafka.bootstrapServers })
    from = Date.now()
    for (const [name, [message]] of Object.entries(cases)) reports.set(name, await producer.send({ ...message, topic }))
    to = Date.now()
    await producer.close()
    records = await readTopic(kafka, topic)
  })

  test.each(Object.keys(cases))('%s', name => {
    const [message, { key = null, value, headers = [], timestamp, partition }] = cases[name] ?? [
      { value: null },
      { value: '' },
    ]
    const report = reports.get(name)
    const record = records.find(one => one.partition === report?.partition && BigInt(one.offset) === report.offset)
    expect(report).toMatchObject({ status: 'persisted', error: null, attempts: 1 })
    expect(record?.key).toEqual(toBuffer(key))
    expect(record?.value).toEqual(toBuffer(value))
    expect(record?.headers).toEqual(headers.map(([header, bytes]) => [header, toBuffer(bytes)]))
    expect(record?.timestampType).toBe('CreateTime')
    expect(record?.timestamp).toBe(report?.timestamp)
    if (partition !== undefined) expect(record?.partition).toBe(partition)
    if (timestamp !== undefined) expect(record?.timestamp).toBe(timestamp)
    if (message.timestamp === undefined) {
      expect(record?.timestamp).toBeGreaterThanOrEqual(from)
      expect(record?.timestamp).toBeLessThanOrEqual(to)
    }
  })

  test('nothing else', () => {
    expect(records.length).toBe(Object.keys(cases).length)
  })
})

function toBuffer(bytes: string | Uint8Array | null): Buffer | null {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes && Buffer.from(bytes)
}

describe('with acks', () => {
  let topic = ''
  const producers: Producer[] = []

  function producer(acks: 0 | 1 | 'all'): Producer {
    const created = new Producer({ 'bootstrap.servers': kafka.bootstrapServers, acks })
    producers.push(created)
    return created
  }

  beforeAll(async () => {
    topic = await kafka.createTopic('acks', 1)
  })

  afterAll(async () => {
    await Promise.all(producers.map(one => one.close()))
    const values = (await readTopic(kafka, topic)).map(({ value }) => value?.toString())
    expect(values.sort()).toEqual(['0', '1', 'all'])
  })

  test('0 the broker does not answer, so the offset is unknown', async () => {
    const report = await producer(0).send({ topic, value: '0' })
    expect(report).toMatchObject({ offset: -1n, status: 'possibly-persisted', error: null })
  })

  test.each([1, 'all'] as const)('%s the broker says where the record is', async acks => {
    const report = await producer(acks).send({ topic, value: `${acks}` })
    expect(report).toMatchObject({ topic, partition: 0, offset: expect.any(BigInt), status: 'persisted', error: null })
    expect(report.offset).toBeGreaterThanOrEqual(0n)
  })
})

test('a topic with LogAppendTime has the broker’s time in the report', async () => {
  const topic = await kafka.createTopic('append-time', 1, { 'message.timestamp.type': 'LogAppendTime' })
  await using producer = new Producer({ 'bootstrap.servers': kafka.bootstrapServers })
  const report = await producer.send({ topic, value: 'v', timestamp: 0 })
  const [record] = await readTopic(kafka, topic)
  expect(record).toMatchObject({ timestampType: 'LogAppendTime', timestamp: report.timestamp })
  expect(report.timestamp).toBeGreaterThan(1_700_000_000_000)
})
