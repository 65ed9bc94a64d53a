import { describe, expect, test } from 'vitest'
import { InvalidMessageError } from '../../src/errors.ts'
import type { PartitionerName } from '../../src/partitioners/partitioners.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { chiSquare, placing, tally, topic } from './topic-view.ts'

const sticking = ['random', 'consistent_random', 'murmur2_random', 'fnv1a_random'] as const

// 99.9 % of honest draws over 8 partitions (7 degrees of freedom) stay below this.
const limitOf8 = 24.32

describe('a record without a key', () => {
  test('consistent puts it into partition 0', () => {
    expect(placing('consistent')(topic(12), null)).toBe(0)
  })

  test.each(['murmur2', 'fnv1a'] as const)('%s puts it where the empty key goes', name => {
    const place = placing(name)
    for (const count of [1, 3, 7, 12, 17, 100]) expect(place(topic(count), null)).toBe(place(topic(count), ''))
  })

  test('md5 refuses it by name', () => {
    const place = placing('md5')
    expect(() => place(topic(3), null)).toThrow(InvalidMessageError)
    expect(() => place(topic(3), null)).toThrow("topic 'orders': partitioner md5 needs a key (or nullKey: 'random')")
  })

  test('md5 draws a partition for it where that is asked for', () => {
    const place = placing('md5', { nullKey: 'random' })
    expect(chiSquare(tally(8, 8000, () => place(topic(8), null)))).toBeLessThan(limitOf8)
  })

  test.each(['sarama', ...sticking] as const)('%s draws evenly', name => {
    const place = placing(name, { stickyLingerMs: 0 })
    expect(chiSquare(tally(8, 80_000, () => place(topic(8), null)))).toBeLessThan(limitOf8)
  })

  test.each(['sarama', ...sticking] as const)('%s draws evenly among the partitions that have a leader', name => {
    const place = placing(name, { stickyLingerMs: 0 })
    const view = topic(10, [0, 7])
    const counts = tally(10, 80_000, () => place(view, null))
    expect(chiSquare(counts, [0, 1, 1, 1, 1, 1, 1, 0, 1, 1])).toBeLessThan(limitOf8)
  })

  test.each(['sarama', 'java', 'kafkajs_legacy', 'round_robin', ...sticking] as const)(
    '%s takes any partition when none has a leader',
    name => {
      const place = placing(name, { stickyLingerMs: 0, batchSizeBytes: 1 })
      const counts = tally(3, 300, () => place(topic(3, [0, 1, 2]), null))
      expect(Math.min(...counts)).toBeGreaterThan(0)
    },
  )

  test.each(['sarama', 'java', 'kafkajs_legacy', 'round_robin', ...sticking] as const)(
    '%s has no choice with one partition',
    name => expect(placing(name)(topic(1), null)).toBe(0),
  )
})

describe('an empty key', () => {
  test('counts as none under consistent_random', () => {
    const place = placing('consistent_random', { stickyLingerMs: 0 })
    expect(chiSquare(tally(8, 80_000, () => place(topic(8), '')))).toBeLessThan(limitOf8)
  })

  test('sticks with the records without a key under consistent_random', () => {
    const place = placing('consistent_random')
    expect(place(topic(1000), '')).toBe(place(topic(1000), null))
  })

  test('does not stick under random, which draws for everything that has a key', () => {
    const place = placing('random')
    expect(chiSquare(tally(8, 80_000, () => place(topic(8), '')))).toBeLessThan(limitOf8)
    expect(chiSquare(tally(8, 80_000, () => place(topic(8), 'kafka')))).toBeLessThan(limitOf8)
  })
})

describe.each(sticking)("librdkafka's stickiness under %s", name => {
  function at(partitionCount: number, leaderless: readonly number[] = []) {
    let time = 1000
    const place = placing(name as PartitionerName, { now: () => time, random: seededRandom(480), stickyLingerMs: 10 })
    return {
      next: () => place(topic(partitionCount, leaderless), null),
      place,
      wait: (ms: number) => {
        time += ms
      },
    }
  }

  test('keeps one partition until the linger is over', () => {
    const { next, wait } = at(10_000)
    const first = next()
    wait(9.9)
    expect(next()).toBe(first)
    wait(0.1)
    const second = next()
    expect(second).not.toBe(first)
    wait(9.9)
    expect(next()).toBe(second)
  })

  test('spreads evenly over time', () => {
    const { next, wait } = at(8)
    const counts = tally(8, 80_000, () => {
      wait(10)
      return next()
    })
    expect(chiSquare(counts)).toBeLessThan(limitOf8)
  })

  test('leaves a partition at once when it loses its leader', () => {
    const { place, next } = at(1000)
    const first = next()
    const second = place(topic(1000, [first]), null)
    expect(second).not.toBe(first)
    expect(next()).toBe(second)
  })

  test('stays where it is when no partition has a leader', () => {
    const { place, next } = at(3)
    const first = next()
    for (let i = 0; i < 20; i++) expect(place(topic(3, [0, 1, 2]), null)).toBe(first)
  })

  test('leaves a partition that no longer exists', () => {
    const { place, next } = at(10_000)
    expect(next()).toBeGreaterThan(2)
    expect(place(topic(3), null)).toBeLessThan(3)
  })

  test('is not moved by records that have a key', () => {
    const { place, next } = at(1000)
    const first = next()
    for (let i = 0; i < 100; i++) place(topic(1000), `key ${i}`)
    expect(next()).toBe(first)
  })
})

describe('taking turns', () => {
  test('round_robin starts at 0 and ignores keys', () => {
    const place = placing('round_robin')
    expect(['a', null, '', 'a', 'b'].map(key => place(topic(3), key))).toEqual([0, 1, 2, 0, 1])
  })

  test('round_robin skips what has no leader', () => {
    const place = placing('round_robin')
    expect([1, 2, 3, 4].map(() => place(topic(5, [0, 3]), null))).toEqual([1, 2, 4, 1])
  })

  test('round_robin takes in new partitions and starts over when its next one is gone', () => {
    const place = placing('round_robin')
    const counts = [2, 2, 3, 3, 5, 5, 5, 5, 5, 2, 2, 2]
    expect(counts.map(count => place(topic(count), null))).toEqual([0, 1, 2, 0, 1, 2, 3, 4, 0, 1, 0, 1])
  })

  test('round_robin ends even if the list of leaders names no partition of the topic', () => {
    const place = placing('round_robin')
    expect(place(topic(3, [], { available: [7] }), null)).toBeLessThan(3)
  })

  test('kafkajs_legacy takes turns among partitions with a leader, from a random start', () => {
    const view = topic(6, [1, 4])
    const place = placing('kafkajs_legacy')
    const turns = Array.from({ length: 8 }, () => place(view, null))
    expect(turns.slice(4)).toEqual(turns.slice(0, 4))
    expect(turns.slice(0, 4).sort()).toEqual([0, 2, 3, 5])
    const starts = new Set(
      [...Array(50).keys()].map(i => placing('kafkajs_legacy', { random: seededRandom(i) })(view, null)),
    )
    expect(starts.size).toBe(4)
  })

  test('kafkajs_legacy keeps its place when keys come in between', () => {
    const place = placing('kafkajs_legacy')
    const first = place(topic(4), null)
    place(topic(4), 'key')
    expect(place(topic(4), null)).toBe((first + 1) % 4)
  })
})
