import { describe, expect, test } from 'vitest'
import { type PartitionerName, partitioners } from '../../src/partitioners/partitioners.ts'
import vectors from '../vectors/partitioners.json' with { type: 'json' }
import { placing, topic } from './topic-view.ts'

test('the names are those of the documentation', () => {
  expect(Object.keys(partitioners).sort()).toEqual([
    'consistent',
    'consistent_random',
    'fnv1a',
    'fnv1a_random',
    'java',
    'kafkajs_legacy',
    'md5',
    'murmur2',
    'murmur2_random',
    'random',
    'round_robin',
    'sarama',
  ])
})

describe.each(Object.entries(vectors.placements))('%s puts keys where other clients put them', (name, rows) => {
  test.each(Object.entries(rows))('key %s', (id, expected) => {
    const key = Buffer.from(vectors.keys[id as keyof typeof vectors.keys], 'hex')
    const place = placing(name as PartitionerName)
    expect(vectors.partitionCounts.map(count => place(topic(count), key))).toEqual(expected)
  })

  test('leaders do not matter for a key', () => {
    const place = placing(name as PartitionerName)
    const key = Buffer.from(vectors.keys.K1, 'hex')
    const home = place(topic(12), key)
    expect(place(topic(12, [home]), key)).toBe(home)
    expect(place(topic(12, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]), key)).toBe(home)
  })
})

test.each([
  ['key8', 32, 17],
  ['key12', 32, 17],
  ['key1', 32, 25],
  ['key1', 10, 7],
  ['key2', 32, 26],
  ['key2', 10, 6],
  ['', 32, 9],
  ['a', 32, 0],
  ['a', 10, 2],
])("md5 puts '%s' of %i partitions into %i", (key, partitionCount, expected) => {
  expect(placing('md5')(topic(partitionCount), key)).toBe(expected)
})

test('fnv1a takes the hash -2^31 for 2^31, as Sarama does', () => {
  expect(placing('fnv1a')(topic(7), '#kQFkY')).toBe(2)
  expect(placing('fnv1a')(topic(100), '#kQFkY')).toBe(48)
})
