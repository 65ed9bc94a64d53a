import { afterAll, describe, expect, test } from 'vitest'
import { MessageTooLargeError, Producer, UnknownPartitionError, UnknownTopicError } from '../../src/index.ts'
import { compare, dumpTopic, flawless, readTopic } from '../support/judge.ts'
import { kafka, uniqueName } from '../support/real-kafka.ts'

const producer = new Producer({
  'bootstrap.servers': kafka.bootstrapServers,
  'topic.metadata.propagation.max.ms': 30_000,
  partitioner: 'murmur2_random',
})

afterAll(() => producer.close())

describe('a topic that is not there', () => {
  test('is waited for, and its messages arrive when it comes', async () => {
    const topic = uniqueName('late')
    const report = producer.send({ topic, key: 'k', value: 'patience' })
    await kafka.createTopicNamed(topic, 2)
    expect(await report).toMatchObject({ topic, offset: 0n, status: 'persisted' })
    expect(compare([{ key: 'k', value: 'patience' }], await readTopic(kafka, topic))).toEqual(flawless)
  })

  test('fails its messages after the propagation wait', async () => {
    await using hasty = new Producer({
      'bootstrap.servers': kafka.bootstrapServers,
      'topic.metadata.propagation.max.ms': 1_000,
    })
    const topic = uniqueName('never')
    const failure = await hasty.send({ topic, value: 'v' }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UnknownTopicError)
    expect(failure).toMatchObject({ code: -188, topic })
  })
})

describe('a topic that is there', () => {
  test('has as many partitions as Kafka says, and no more', async () => {
    const topic = await kafka.createTopic('three', 3)
    expect(await producer.partitionCount(topic)).toBe(3)
    const failure = await producer.send({ topic, value: 'v', partition: 3 }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UnknownPartitionError)
  })

  test('gets new partitions in use', async () => {
    const topic = await kafka.createTopic('growing', 1)
    await using refreshing = new Producer({
      'bootstrap.servers': kafka.bootstrapServers,
      'topic.metadata.refresh.interval.ms': 200,
    })
    await refreshing.send({ topic, value: 'first' })
    const grow = ['--alter', '--topic', topic, '--partitions', '2']
    await kafka.runTool('org.apache.kafka.tools.TopicCommand', grow)
    await expect.poll(() => refreshing.partitionCount(topic), { timeout: 20_000 }).toBe(2)
    expect(await refreshing.send({ topic, value: 'second', partition: 1 })).toMatchObject({ partition: 1, offset: 0n })
  })

  test('has its keys where Apache’s producer puts them', async () => {
    const [ours, apaches] = await Promise.all([kafka.createTopic('ours', 12), kafka.createTopic('apaches', 12)])
    const words = ['kafka', 'schlüssel', 'こんにちは🚀', 'a-little-bit-longer-string', 'x'.repeat(300)]
    const keys = [...words, ...Array.from({ length: 500 }, (_, i) => `key-${i}`)]
    const reader = ['parse.key=true', 'key.separator=\t'].flatMap(property => ['--reader-property', property])
    const lines = keys.map(key => `${key}\t${key}\n`).join('')
    await kafka.runTool('org.apache.kafka.tools.ConsoleProducer', ['--topic', apaches, ...reader], lines)
    await producer.sendMany(keys.map(key => ({ topic: ours, key, value: key })))

    const [here, there] = await Promise.all([placesOf(ours), placesOf(apaches)])
    expect(here.size).toBe(keys.length)
    expect(here).toEqual(there)
  })
})

async function placesOf(topic: string): Promise<Map<string, number>> {
  const records = await readTopic(kafka, topic)
  return new Map(records.map(({ key, partition }) => [`${key}`, partition]))
}

describe('a message that is too large', () => {
  test('for the producer is refused before anything is sent', async () => {
    const topic = await kafka.createTopic('large', 1)
    const message = { topic, value: 'x'.repeat(1_000_001) }
    await expect(producer.send(message)).rejects.toBeInstanceOf(MessageTooLargeError)
    expect(() => producer.dispatch(message)).toThrow(MessageTooLargeError)
    expect(await readTopic(kafka, topic)).toEqual([])
  })

  test('for the topic fails alone, with the broker’s word for it', async () => {
    const topic = await kafka.createTopic('small', 1, { 'max.message.bytes': 10_000 })
    const values = ['a', 'b'.repeat(20_000), 'c']
    const handles = values.map(value => producer.dispatch({ topic, value, key: 'k' }))
    const reports = await Promise.all(handles.map(handle => handle.wait({ throwOnError: false })))
    expect(reports[1]).toMatchObject({ status: 'not-persisted', error: { code: 10, codeName: 'MESSAGE_TOO_LARGE' } })
    expect(reports.map(({ status }) => status)).toEqual(['persisted', 'not-persisted', 'persisted'])
    const kept = ['a', 'c'].map(value => ({ key: 'k', value }))
    expect(compare(kept, await readTopic(kafka, topic))).toEqual(flawless)
    if (!kafka.logsAreReadable) return
    const batches = await dumpTopic(kafka, topic)
    expect(batches.every(({ valid }) => valid)).toBe(true)
  })
})
