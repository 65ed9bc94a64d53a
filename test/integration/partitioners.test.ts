import fc from 'fast-check'
import kafkajs from 'kafkajs'
import { beforeAll, describe, expect, test } from 'vitest'
import { murmur2 } from '../../src/hashes/murmur2.ts'
import { Producer } from '../../src/index.ts'
import { placing, topic } from '../partitioners/topic-view.ts'
import {
  askKafka,
  askLibrdkafka,
  kafkaAnswers,
  librdkafkaAnswers,
  placeWithLibrdkafka,
} from '../support/kafka-answers.ts'
import { kafka } from '../support/real-kafka.ts'
import { seededRandom } from '../support/seeded-random.ts'
import vectors from '../vectors/partitioners.json' with { type: 'json' }

const partitionCounts = [1, 3, 7, 12, 50]
const keys = twoThousandKeys()

function twoThousandKeys(): Buffer[] {
  const random = seededRandom(794)
  const letters = (alphabet: readonly string[], length: number) =>
    Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('')
  const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))
  const beyond = [...'äßéøčłдж中文日本語한국ไทย🚀👩‍🚀\u0000\uffff']
  const known = Object.values(vectors.keys).map(key => Buffer.from(key, 'hex'))
  const everyLength = Array.from({ length: 301 }, (_, length) => Buffer.from(letters(ascii, length)))
  const rest = Array.from({ length: 2000 - known.length - everyLength.length }, (_, i) => {
    const length = Math.floor(random() * 40)
    if (i % 3 === 0) return Buffer.from(letters(ascii, length))
    if (i % 3 === 1) return Buffer.from(letters(beyond, length))
    return Buffer.from(Uint8Array.from({ length }, () => random() * 256))
  })
  return [...known, ...everyLength, ...rest]
}

const places = (name: Parameters<typeof placing>[0], all: readonly (Buffer | null)[]) =>
  partitionCounts.map(count => {
    const place = placing(name)
    return all.map(key => place(topic(count), key))
  })

test('there are 2,000 keys, of every length from 0 to 300', () => {
  expect(keys).toHaveLength(2000)
  expect(new Set(keys.map(({ length }) => length)).size).toBe(301)
})

// What each does with no key, and with an empty one, where that is not left to chance.
const ofLibrdkafka = {
  consistent: [null, ...keys],
  consistent_random: keys.filter(({ length }) => length > 0),
  murmur2: [null, ...keys],
  murmur2_random: keys,
  fnv1a: [null, ...keys],
  fnv1a_random: keys,
} as const

describe.runIf(librdkafkaAnswers)('where librdkafka really put each key', () => {
  const topics: string[] = []

  beforeAll(async () => {
    topics.push(...(await Promise.all(partitionCounts.map(count => kafka.createTopic(`keys-${count}`, count)))))
  })

  test.each(Object.keys(ofLibrdkafka) as (keyof typeof ofLibrdkafka)[])('%s puts it, too', async name => {
    const all = ofLibrdkafka[name]
    const theirs = await placeWithLibrdkafka(kafka.bootstrapServers, name, topics, all)
    expect(places(name, all)).toEqual(theirs)
    const producer = new Producer({ 'bootstrap.servers': kafka.bootstrapServers, partitioner: name })
    for (const [i, topic] of topics.entries()) {
      const reports = await producer.sendMany(all.map(key => ({ topic, key, value: null })))
      expect(reports.map(({ partition }) => partition)).toEqual(theirs[i])
    }
    await producer.close()
  })

  test('its functions put keys of random bytes where ours do', async () => {
    const sample = fc
      .sample(fc.uint8Array({ maxLength: 60 }), { numRuns: 1000, seed: 794 })
      .map(key => Buffer.from(key))
    const names = Object.keys(ofLibrdkafka) as (keyof typeof ofLibrdkafka)[]
    const counts = [...vectors.partitionCounts, 5003]
    const questions = names.flatMap(name =>
      sample.filter(({ length }) => length > 0).flatMap(key => counts.map(count => ({ name, key, count }))),
    )
    const answers = await askLibrdkafka(
      questions.map(({ name, key, count }) => `${name} ${count} ${key.toString('hex')}`),
    )
    const place = Object.fromEntries(names.map(name => [name, placing(name)]))
    const views = Object.fromEntries(counts.map(count => [count, topic(count)]))
    expect(questions.map(({ name, key, count }) => place[name]?.(views[count] ?? topic(count), key))).toEqual(answers)
  })
})

describe.runIf(kafkaAnswers)('Kafka’s own class', () => {
  test('hashes as murmur2 does', async () => {
    const answers = await askKafka(keys.map(key => `murmur2 ${key.toString('base64')}`))
    expect(keys.map(key => murmur2(key, 0, key.length))).toEqual(answers.map(Number))
  })

  test('puts each key where java does', async () => {
    const questions = partitionCounts.flatMap(count => keys.map(key => `partition ${count} ${key.toString('base64')}`))
    expect(places('java', keys).flat()).toEqual((await askKafka(questions)).map(Number))
  })
})

test('KafkaJS’s own partitioner puts each key where kafkajs_legacy does', () => {
  const theirs = kafkajs.Partitioners.LegacyPartitioner()
  const answers = partitionCounts.map(count => {
    const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
      ...{ partitionErrorCode: 0, partitionId, leader: 1, replicas: [1], isr: [1] },
    }))
    return keys.map(key => theirs({ topic: 'orders', partitionMetadata, message: { key, value: null } }))
  })
  expect(places('kafkajs_legacy', keys)).toEqual(answers)
})
