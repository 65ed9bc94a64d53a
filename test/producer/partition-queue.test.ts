import { describe, expect, test } from 'vitest'
import type { Batch } from '../../src/producer/batch.ts'
import { PartitionQueue } from '../../src/producer/partition-queue.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { add, makeBatch } from '../support/queue-parts.ts'

const clock = new FakeClock()

function queueOf(...batches: Batch[]): PartitionQueue {
  const queue = new PartitionQueue('t', 0)
  queue.lead(1)
  for (const batch of batches) queue.batches.push(batch)
  queue.newest = batches.at(-1) ?? null
  return queue
}

function open(): Batch {
  const batch = makeBatch(clock)
  add(batch, { value: 'v' })
  return batch
}

function ready(): Batch {
  const batch = open()
  batch.seal()
  batch.to('ready')
  return batch
}

function fly(queue: PartitionQueue, batch: Batch): void {
  batch.to('inFlight')
  queue.inFlight++
  queue.owingLeader = queue.leader
}

describe('what a partition sends next', () => {
  test('is the first batch that is ready', () => {
    const [first, second] = [ready(), ready()]
    expect(queueOf(first, second).next(0)).toBe(first)
    expect(queueOf().next(0)).toBe(null)
  })

  test('is an open batch only when it is due', () => {
    const batch = open()
    const queue = queueOf(batch)
    expect(queue.next(0)).toBe(null)
    queue.due = true
    expect(queue.next(0)).toBe(batch)
  })

  test('never overtakes a batch that a codec has', () => {
    const slow = open()
    slow.seal()
    slow.to('compressing')
    expect(queueOf(slow, ready()).next(0)).toBe(null)
  })

  test('is nothing while it backs off', () => {
    const batch = ready()
    const queue = queueOf(batch)
    queue.retryAt = 100
    expect(queue.next(99)).toBe(null)
    expect(queue.next(100)).toBe(batch)
  })

  test('is one batch at a time until the leader has accepted one, then several', () => {
    const [first, second] = [ready(), ready()]
    const queue = queueOf(first, second)
    fly(queue, first)
    expect(queue.next(0)).toBe(null)
    queue.proven = true
    expect(queue.next(0)).toBe(second)
  })

  test('is nothing for a new leader while the old one owes an answer', () => {
    const [first, second] = [ready(), ready()]
    const queue = queueOf(first, second)
    queue.proven = true
    fly(queue, first)
    queue.lead(2)
    queue.proven = true
    expect(queue.next(0)).toBe(null)
    queue.inFlight = 0
    expect(queue.next(0)).toBe(second)
  })

  test('is the batch that came back, before those behind it', () => {
    const [first, second] = [ready(), ready()]
    const queue = queueOf(first, second)
    fly(queue, first)
    first.to('ready')
    queue.inFlight = 0
    expect(queue.next(0)).toBe(first)
  })
})

describe('a new leader', () => {
  test('has to prove itself and does not wait for the old one’s backoff', () => {
    const queue = queueOf(ready())
    queue.proven = true
    queue.retryAt = 100
    expect(queue.lead(2)).toBe(true)
    expect(queue).toMatchObject({ leader: 2, proven: false, retryAt: 0 })
  })

  test('is not new if it led before', () => {
    const queue = queueOf(ready())
    queue.proven = true
    expect(queue.lead(1)).toBe(false)
    expect(queue.proven).toBe(true)
  })
})

describe('waiting', () => {
  test('is whether something is there that is not on its way', () => {
    expect(queueOf().waiting).toBe(false)
    expect(queueOf(open()).waiting).toBe(true)
    const flying = ready()
    const queue = queueOf(flying)
    fly(queue, flying)
    expect(queue.waiting).toBe(false)
    queue.batches.unshift(ready())
    expect(queue.waiting).toBe(true)
  })
})

test('the open batch is the newest one, if that still takes records', () => {
  const batch = open()
  const queue = queueOf(ready(), batch)
  expect(queue.open).toBe(batch)
  batch.seal()
  expect(queue.open).toBe(null)
})
