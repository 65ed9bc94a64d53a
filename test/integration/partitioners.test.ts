import fc from 'fast-check'
import { expect, test } from 'vitest'
import { murmur2 } from '../../src/hashes/murmur2.ts'
import { placing, topic } from '../partitioners/topic-view.ts'
import { askKafka, askLibrdkafka, kafkaAnswers, librdkafkaAnswers } from '../support/kafka-answers.ts'
import vectors from '../vectors/partitioners.json' with { type: 'json' }

const keys = [
  ...Object.values(vectors.keys).map(key => Buffer.from(key, 'hex')),
  ...fc.sample(fc.uint8Array({ maxLength: 60 }), { numRuns: 1000, seed: 794 }).map(key => Buffer.from(key)),
]

test.runIf(kafkaAnswers)('murmur2 agrees with Kafka’s own class', async () => {
  const answers = await askKafka(keys.map(key => `murmur2 ${key.toString('base64')}`))
  expect(keys.map(key => murmur2(key, 0, key.length))).toEqual(answers.map(Number))
})

test.runIf(librdkafkaAnswers)('keys go where librdkafka puts them', async () => {
  const names = ['consistent', 'consistent_random', 'murmur2', 'murmur2_random', 'fnv1a', 'fnv1a_random'] as const
  const views = [...vectors.partitionCounts, 5003].map(count => topic(count))
  const questions = names.flatMap(name => {
    const all = name.endsWith('random') ? keys : [null, ...keys]
    const asked = name === 'consistent_random' ? keys.filter(key => key.length > 0) : all
    return asked.flatMap(key => views.map(view => ({ name, key, view })))
  })
  const hex = (key: Buffer | null) => (key === null ? 'null' : key.toString('hex') || '-')
  const answers = await askLibrdkafka(
    questions.map(({ name, key, view }) => `${name} ${view.partitionCount} ${hex(key)}`),
  )
  const places = Object.fromEntries(names.map(name => [name, placing(name)]))
  expect(questions.map(({ name, key, view }) => places[name]?.(view, key))).toEqual(answers)
})
