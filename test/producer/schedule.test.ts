import { expect, test } from 'vitest'
import { PartitionQueue } from '../../src/producer/partition-queue.ts'
import { Schedule } from '../../src/producer/schedule.ts'

test('a partition whose leader moved away and came back is listed once: a request takes one batch of it', () => {
  const schedule = new Schedule(() => {})
  const queue = new PartitionQueue('t', 0)
  for (const leader of [1, 2, 1]) {
    queue.lead(leader)
    schedule.list(queue)
    schedule.listAwaited(queue)
  }
  const first = [...schedule.changed()].find(({ nodeId }) => nodeId === 1)
  expect([...(first?.ready ?? [])]).toEqual([queue])
  expect([...(first?.awaited ?? [])]).toEqual([queue])
})
