import { describe, expect, test } from 'vitest'
import { InvalidMessageError, UnknownPartitionError } from '../../src/errors.ts'
import type { PartitionerContext } from '../../src/partitioners/partitioner.ts'
import { TopicQueue } from '../../src/producer/topic-queue.ts'
import { prepared, profile, topicMetadata } from '../support/queue-parts.ts'
import { seededRandom } from '../support/seeded-random.ts'

function topicOf(partitions: number): TopicQueue {
  const environment = { random: seededRandom(1), now: () => 0, stickyLingerMs: 0, batchSizeBytes: 1_000_000 }
  const topic = new TopicQueue('t', profile, environment)
  if (partitions > 0) topic.metadata = topicMetadata(Array.from({ length: partitions }, (_, i) => [i % 2, 7] as const))
  return topic
}

describe('the place of a message', () => {
  test('is the holder while nothing is known, even with a partition of its own', () => {
    const topic = topicOf(0)
    expect(topic.place(prepared({ value: 'v' }), profile)).toBe(topic.holder)
    expect(topic.place(prepared({ value: 'v', partition: 9 }), profile)).toBe(topic.holder)
    expect(topic).toMatchObject({ partitionCount: 0, available: [] })
  })

  test('is its own partition, which has to exist', () => {
    const topic = topicOf(3)
    expect(topic.place(prepared({ value: 'v', partition: 2 }), profile).partition).toBe(2)
    expect(() => topic.place(prepared({ value: 'v', partition: 3 }), profile)).toThrow(UnknownPartitionError)
  })

  test('follows the key, and partitionKey before it', () => {
    const topic = topicOf(16)
    const place = (message: object) => topic.place(prepared({ value: 'v', ...message }), profile).partition
    expect(place({ key: 'k' })).toBe(place({ key: 'k' }))
    expect(place({ key: 'other', partitionKey: 'k' })).toBe(place({ key: 'k' }))
    const spread = new Set(Array.from({ length: 100 }, (_, i) => place({ key: `${i}` })))
    expect(spread.size).toBeGreaterThan(10)
  })

  test('is what the message’s partitioner says, before the profile’s', () => {
    const topic = topicOf(4)
    const own = prepared({ value: 'v' })
    own.partitioner = () => 3
    expect(topic.place(own, { ...profile, partitioner: () => 1 }).partition).toBe(3)
    expect(topic.place(prepared({ value: 'v' }), { ...profile, partitioner: () => 1 }).partition).toBe(1)
  })

  test('a partitioner is not asked for a message with a partition, and does not hear of it', () => {
    const topic = topicOf(4)
    const asked: PartitionerContext[] = []
    const asking = { ...profile, partitioner: (context: PartitionerContext) => asked.push(context) % 4 }
    for (const message of [{ value: 'a' }, { value: 'b', partition: 3 }, { value: 'c' }]) {
      topic.place(prepared(message), asking)
    }
    expect(asked.map(({ previousPartition }) => previousPartition)).toEqual([-1, 1])
  })

  test('a partitioner that throws or answers nonsense refuses the message', () => {
    const topic = topicOf(2)
    const place = (partitioner: () => number) => () =>
      topic.place(prepared({ value: 'v' }), { ...profile, partitioner })
    expect(place(() => 2)).toThrow(InvalidMessageError)
    expect(place(() => -1)).toThrow(InvalidMessageError)
    expect(
      place(() => {
        throw new Error('bang')
      }),
    ).toThrow(InvalidMessageError)
  })

  test('each partitioner keeps its own state in a topic', () => {
    const topic = topicOf(3)
    const robin = { ...profile, partitioner: 'round_robin' as const }
    const place = (terms: typeof profile) => topic.place(prepared({ value: 'v', key: 'k' }), terms).partition
    expect(
      [place(robin), place(profile), place(robin), place(profile), place(robin)].filter((_, i) => i % 2 === 0),
    ).toEqual([0, 1, 2])
  })
})

describe('a partition’s queue', () => {
  test('is made when it is used, with those before it, and knows its leader', () => {
    const topic = topicOf(5)
    expect(topic.partitions).toHaveLength(0)
    const queue = topic.queue(3)
    expect(queue).toMatchObject({ topic: 't', partition: 3, leader: 1 })
    expect(topic.queue(3)).toBe(queue)
    expect(topic.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2, 3])
  })

  test('says its load, 0 where there is none', () => {
    const topic = topicOf(5)
    topic.queue(1).userBytes = 77
    expect([0, 1, 4].map(partition => topic.load(partition))).toEqual([0, 77, 0])
    expect(topic.batchOpen(1, 100)).toBe(false)
  })
})
