import { describe, expect, test } from 'vitest'
import { InvalidMessageError } from '../../src/errors.ts'
import { Accumulator, type AccumulatorLimits } from '../../src/producer/accumulator.ts'
import type { Batch } from '../../src/producer/batch.ts'
import type { PartitionQueue } from '../../src/producer/partition-queue.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { prepared, profile, topicMetadata } from '../support/queue-parts.ts'

const verdict = { error: null, status: 'persisted', baseOffset: 0n, logAppendTimeMs: -1, recordErrors: null } as const

class Bench {
  readonly clock = new FakeClock()
  readonly told: string[] = []
  readonly refused: [Batch, Error][] = []
  readonly accumulator: Accumulator

  constructor(limits: Partial<AccumulatorLimits> = {}) {
    const tell = (what: string) => (queue: PartitionQueue) => void this.told.push(`${what} ${queue.partition}`)
    this.accumulator = new Accumulator(
      { lingerMs: 10, maxRecords: 100, maxBatchBytes: 10_000, ...limits },
      this.clock,
      () => profile,
      { random: () => 0, now: () => this.clock.now(), stickyLingerMs: 0, batchSizeBytes: 10_000 },
      {
        topicAdded: topic => this.told.push(`topic ${topic}`),
        opened: () => {},
        held: topic => this.told.push(`held ${topic}`),
        sealed: tell('sealed'),
        due: tell('due'),
        awaited: tell('awaited'),
      },
    )
  }

  know(...leaders: (readonly [number, number])[]): this {
    const refuse = (batch: Batch, error: Error) => void this.refused.push([batch, error])
    this.accumulator.update(this.accumulator.topic('t'), topicMetadata(leaders), refuse)
    return this
  }

  add(partition: number, { value = 'v', awaited = false, terms = profile } = {}): Batch {
    const message = prepared({ value, partition })
    const topic = this.accumulator.topic('t')
    return this.accumulator.append(topic.place(message, terms), message, terms, this.clock.now(), awaited)
  }

  /** What was told since the last time. */
  news(): string[] {
    return this.told.splice(0)
  }

  alive(): Batch[] {
    return Array.from(this.accumulator.alive(), ({ batch }) => batch)
  }
}

describe('appending', () => {
  test('opens one batch for each partition', () => {
    const bench = new Bench().know([1, 0], [1, 0])
    const [a, b, c] = [bench.add(0), bench.add(1), bench.add(0)]
    expect(a).toBe(c)
    expect(a).not.toBe(b)
    expect(bench.alive()).toEqual([a, b])
    expect(bench.news()).toEqual(['topic t'])
  })

  test('closes a batch that has enough records at once', () => {
    const bench = new Bench({ maxRecords: 2 }).know([1, 0])
    const batch = bench.add(0)
    bench.add(0)
    expect(batch.state).toBe('sealed')
    expect(bench.news()).toEqual(['topic t', 'sealed 0'])
    expect(bench.add(0)).not.toBe(batch)
  })

  test('closes a batch that the next message does not fit into, and one of another profile', () => {
    const bench = new Bench({ maxBatchBytes: 200 }).know([1, 0])
    const first = bench.add(0, { value: 'x'.repeat(100) })
    const second = bench.add(0, { value: 'x'.repeat(100) })
    const third = bench.add(0, { terms: { ...profile } })
    expect([first.state, second.state, third.state]).toEqual(['sealed', 'sealed', 'open'])
  })

  test('tells once of a batch that somebody awaits', () => {
    const bench = new Bench().know([1, 0])
    bench.add(0)
    bench.news()
    const batch = bench.add(0, { awaited: true })
    bench.add(0, { awaited: true })
    expect(batch.awaited).toBe(true)
    expect(bench.news()).toEqual(['awaited 0'])
  })

  test('refuses a topic name that Kafka does not allow', () => {
    const bench = new Bench()
    expect(() => bench.accumulator.topic('no name')).toThrow(InvalidMessageError)
    expect(bench.accumulator.topics.size).toBe(0)
  })
})

describe('linger', () => {
  test('runs from the opening of the batch', async () => {
    const bench = new Bench().know([1, 0], [1, 0])
    bench.add(0)
    await bench.clock.advance(4)
    bench.add(0)
    bench.add(1)
    bench.news()
    expect(bench.accumulator.nextWakeAt()).toBe(10)
    bench.accumulator.releaseLingered(9)
    expect(bench.news()).toEqual([])
    bench.accumulator.releaseLingered(10)
    expect(bench.news()).toEqual(['due 0'])
    expect(bench.accumulator.nextWakeAt()).toBe(14)
  })

  test('ends for all at once on request, and there is none while somebody flushes', () => {
    const bench = new Bench().know([1, 0], [1, 0])
    bench.add(0)
    bench.add(1)
    bench.news()
    bench.accumulator.releaseAll()
    expect(bench.news()).toEqual(['due 0', 'due 1'])
    const flushing = new Bench().know([1, 0])
    flushing.accumulator.flushing++
    flushing.news()
    flushing.add(0)
    expect(flushing.news()).toEqual(['due 0'])
  })

  test('of 0 is none', () => {
    const bench = new Bench({ lingerMs: 0 }).know([1, 0])
    bench.news()
    bench.add(0)
    expect(bench.news()).toEqual(['due 0'])
  })

  test('of a batch that is gone wakes nobody', () => {
    const bench = new Bench().know([1, 0])
    const batch = bench.add(0)
    batch.seal()
    batch.decide(verdict)
    expect(bench.accumulator.nextWakeAt()).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('deadlines', () => {
  test('are found in their order, across profiles and linger', async () => {
    const bench = new Bench({ lingerMs: 100_000 }).know([1, 0], [1, 0])
    const late = bench.add(0, { terms: { ...profile, 'message.timeout.ms': 50 } })
    await bench.clock.advance(10)
    const soon = bench.add(1, { terms: { ...profile, 'message.timeout.ms': 20 } })
    bench.add(0, { terms: { ...profile, 'message.timeout.ms': 0 } })
    expect(bench.accumulator.nextWakeAt()).toBe(30)
    expect(bench.accumulator.takeExpired(29)).toEqual([])
    expect(bench.accumulator.takeExpired(30).map(({ batch }) => batch)).toEqual([soon])
    expect(bench.accumulator.nextWakeAt()).toBe(50)
    expect(bench.accumulator.takeExpired(1000).map(({ batch }) => batch)).toEqual([late])
    expect(bench.accumulator.takeExpired(1_000_000)).toEqual([])
  })
})

describe('messages of a topic that is not known', () => {
  test('wait in its holder and find their places in the order of their calls', () => {
    const bench = new Bench()
    const held = bench.add(1, { value: 'a' })
    expect(bench.add(0, { value: 'b', awaited: true })).toBe(held)
    bench.add(1, { value: 'c' })
    expect(held.partition).toBe(-1)
    bench.know([1, 0], [2, 0])
    expect(held.state).toBe('done')
    const [one, zero] = bench.alive()
    expect([one?.partition, one?.count, zero?.partition, zero?.count]).toEqual([1, 2, 0, 1])
    expect(held.forward?.batches).toEqual([one, zero, one])
    expect(held.forward?.indexes).toEqual([0, 0, 1])
    expect(bench.accumulator.topic('t').holder.batches.size).toBe(0)
    expect(bench.accumulator.topic('t').holder.userBytes).toBe(0)
  })

  test('are refused one by one if they have no place, each in a batch of its own', () => {
    const bench = new Bench()
    const held = bench.add(7)
    bench.add(0)
    bench.know([1, 0])
    expect(bench.refused.map(([batch, error]) => [batch.count, batch.partition, error.name])).toEqual([
      [1, 7, 'UnknownPartitionError'],
    ])
    expect(held.forward?.batches[0]).toBe(bench.refused[0]?.[0])
    expect(bench.alive()).toHaveLength(1)
  })

  test('are not announced before they have a leader, and then they are', () => {
    const bench = new Bench().know([-1, 0])
    bench.add(0, { awaited: true })
    bench.news()
    bench.know([1, 1])
    expect(bench.news()).toEqual(['due 0', 'awaited 0'])
    bench.know([1, 2])
    expect(bench.news()).toEqual([])
  })
})

describe('splitting', () => {
  test('puts the records into smaller batches in the place of the large one', () => {
    const bench = new Bench().know([1, 0])
    const values = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(50))
    const large = bench.add(0, { value: values[0] ?? '' })
    for (const value of values.slice(1)) bench.add(0, { value })
    const queue = bench.accumulator.topic('t').queue(0)
    bench.accumulator.seal(queue, large)
    large.to('ready')
    large.attempts = 3
    const behind = bench.add(0)
    const { userBytes } = queue
    const parts = bench.accumulator.split(queue, large, 61 + 4 * 60)
    expect(parts.map(({ count, state, attempts }) => [count, state, attempts])).toEqual([
      [4, 'sealed', 3],
      [4, 'sealed', 3],
    ])
    expect([...queue.batches]).toEqual([...parts, behind])
    expect(bench.alive()).toEqual([...parts, behind])
    expect(large.forward?.indexes).toEqual([0, 1, 2, 3, 0, 1, 2, 3])
    expect(queue.userBytes).toBe(userBytes)
    expect(new Set(bench.accumulator.takeExpired(300_000).map(({ batch }) => batch))).toEqual(
      new Set([...parts, behind]),
    )
  })
})

test('a batch that waits for long does not keep those that are done', () => {
  const bench = new Bench({ maxRecords: 1 }).know([1, 0], [1, 0])
  const stuck = bench.add(0)
  for (let i = 0; i < 1000; i++) bench.add(1).decide(verdict)
  expect(bench.alive()).toEqual([stuck])
  expect(bench.accumulator.takeExpired(1_000_000).map(({ batch }) => batch)).toEqual([stuck])
})
