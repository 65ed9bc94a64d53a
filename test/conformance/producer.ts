// The whole producer on a cluster that it cannot tell either: what its calls come to.

import { beforeAll, describe, expect, test } from 'vitest'
import { type DeliveryReport, KafkaError, Producer, type ProducerOptions } from '../../src/index.ts'
import { nowhere, type Place, type TestTopic } from './place.ts'

type Options = Partial<ProducerOptions>

export function producerCases(place: () => Place): void {
  async function withProducer<T>(options: Options, use: (producer: Producer) => Promise<T>): Promise<T> {
    const producer = new Producer({ 'bootstrap.servers': place().servers, ...options })
    try {
      return await use(producer)
    } finally {
      await producer.close()
    }
  }
  const codeOf = (error: unknown) => (error instanceof KafkaError ? error.code : String(error))
  const facts = ({ partition, offset, status, error, attempts }: DeliveryReport) => ({
    ...{ partition, offset: Number(offset), status, error: error && codeOf(error), attempts },
  })
  const persisted = (offset: number) => ({ partition: 0, offset, status: 'persisted', error: null, attempts: 1 })

  describe('a producer', () => {
    let shared: TestTopic
    beforeAll(async () => {
      shared = await place().topic({}, 3)
    })

    test.each(['none', 'gzip', 'snappy', 'lz4'] as const)('delivers with %s', async codec => {
      const topic = await place().topic()
      const values = Array.from({ length: 50 }, (_, i) => ({
        topic: topic.name,
        key: `k${i}`,
        value: `v${i}`.repeat(20),
      }))
      const reports = await withProducer({ 'compression.codec': codec }, producer => producer.sendMany(values))
      expect(reports.map(facts)).toEqual(values.map((_, i) => persisted(i)))
    })

    test.each([
      ['all', 'persisted', 0],
      ['1', 'persisted', 0],
      ['0', 'possibly-persisted', -1],
    ])('with acks %s', async (acks, status, offset) => {
      const topic = await place().topic()
      const report = await withProducer({ acks, 'enable.idempotence': acks === 'all' } as Options, producer =>
        producer.send({ topic: topic.name, value: 'v' }),
      )
      expect(facts(report)).toEqual({ ...persisted(offset), status })
    })

    test('puts keys where they belong', async () => {
      const messages = ['a', 'b', 'c', 'd', 'e', 'f'].map(key => ({ topic: shared.name, key, value: key }))
      const reports = await withProducer({ partitioner: 'murmur2_random' }, producer => producer.sendMany(messages))
      expect(reports.map(({ partition }) => partition)).toEqual([1, 2, 1, 2, 2, 0])
    })

    test('counts partitions', async () => {
      expect(await withProducer({}, producer => producer.partitionCount(shared.name))).toBe(3)
    })

    test('hears of a topic that does not exist', async () => {
      const options = { 'topic.metadata.propagation.max.ms': 100 }
      const failing = withProducer(options, producer => producer.send({ topic: nowhere.name, value: 'v' }))
      expect(codeOf(await failing.catch((error: unknown) => error))).toBe(-188)
    })

    test('hears of a partition that does not exist', async () => {
      const failing = withProducer({}, producer => producer.send({ topic: shared.name, value: 'v', partition: 9 }))
      expect(codeOf(await failing.catch((error: unknown) => error))).toBe(-190)
    })

    test('hears of records without keys in a compacted topic', async () => {
      const topic = await place().topic({ 'cleanup.policy': 'compact' })
      const failing = withProducer({}, producer => producer.send({ topic: topic.name, value: 'v' }))
      expect(codeOf(await failing.catch((error: unknown) => error))).toBe(87)
      const report = await withProducer({}, producer => producer.tombstone({ topic: topic.name, key: 'k' }))
      expect(report.status).toBe('persisted')
    })

    test('hears of a message that is too large for its topic', async () => {
      const topic = await place().topic({ 'max.message.bytes': '200' })
      const failing = withProducer({}, producer => producer.send({ topic: topic.name, value: 'x'.repeat(500) }))
      expect(codeOf(await failing.catch((error: unknown) => error))).toBe(10)
    })

    test('splits a batch that is too large for its topic', async () => {
      const topic = await place().topic({ 'max.message.bytes': '400' })
      const messages = Array.from({ length: 20 }, () => ({ topic: topic.name, value: 'x'.repeat(100) }))
      const reports = await withProducer({}, producer => producer.sendMany(messages))
      expect(reports.map(({ offset }) => Number(offset))).toEqual(messages.map((_, i) => i))
    })

    test('is told the broker’s time where the topic has it', async () => {
      const topic = await place().topic({ 'message.timestamp.type': 'LogAppendTime' })
      const before = Date.now()
      const report = await withProducer({}, producer => producer.send({ topic: topic.name, value: 'v', timestamp: 5 }))
      expect(report.timestamp).toBeGreaterThanOrEqual(before)
    })

    test('hears of a timestamp that is too far ahead', async () => {
      const failing = withProducer({}, producer =>
        producer.send({ topic: shared.name, value: 'v', timestamp: Date.now() + 7_200_000 }),
      )
      expect(codeOf(await failing.catch((error: unknown) => error))).toBe(32)
    })
  })
}
