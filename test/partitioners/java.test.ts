import { describe, expect, test } from 'vitest'
import { chiSquare, placing, tally, topic } from './topic-view.ts'

// KIP-794: uniform sticky placement of records without a key.
describe('records without a key under java', () => {
  test('stay on a partition until a batch worth of bytes is there', () => {
    const place = placing('java', { batchSizeBytes: 1000 })
    const view = topic(10_000)
    const chosen = Array.from({ length: 30 }, () => place(view, null, 100))
    expect(new Set(chosen).size).toBe(3)
    expect(new Set(chosen.slice(0, 10)).size).toBe(1)
    expect(new Set(chosen.slice(10, 20)).size).toBe(1)
    expect(chosen[10]).not.toBe(chosen[9])
  })

  test('wait for the open batch to be finished, up to twice its size', () => {
    let open = true
    const place = placing('java', { batchSizeBytes: 1000 })
    const view = topic(10_000, [], { batchOpen: () => open })
    const first = place(view, null, 1000)
    expect(place(view, null, 400)).toBe(first)
    expect(place(view, null, 600)).toBe(first)
    const second = place(view, null, 1000)
    expect(second).not.toBe(first)
    open = false
    expect(place(view, null, 1000)).not.toBe(second)
  })

  test('are not counted together with keyed ones', () => {
    const place = placing('java', { batchSizeBytes: 1000 })
    const view = topic(10_000)
    const first = place(view, null, 100)
    for (let i = 0; i < 50; i++) place(view, 'key', 1000)
    expect(place(view, null, 100)).toBe(first)
  })

  test('get each partition equally often where queues are equal', () => {
    const place = placing('java', { batchSizeBytes: 1 })
    expect(chiSquare(tally(8, 80_000, () => place(topic(8), null)))).toBeLessThan(24.32)
    const loaded = topic(8, [], { load: () => 5000 })
    expect(chiSquare(tally(8, 80_000, () => place(loaded, null)))).toBeLessThan(24.32)
  })

  test('get a partition in proportion to how much shorter its queue is', () => {
    // Queues of 0, 3 and 1 batches weigh 4, 1 and 3, as in the proposal.
    const load = [0, 2001, 1000]
    const place = placing('java', { batchSizeBytes: 1000 })
    const view = topic(3, [], { load: partition => load[partition] ?? 0 })
    expect(
      chiSquare(
        tally(3, 80_000, () => place(view, null, 1000)),
        [4, 1, 3],
      ),
    ).toBeLessThan(13.82)
  })

  test('never get a partition without a leader, however short its queue', () => {
    const load = [0, 9000, 1000, 0]
    const place = placing('java', { batchSizeBytes: 1000 })
    const view = topic(4, [0, 3], { load: partition => load[partition] ?? 0 })
    expect(
      chiSquare(
        tally(4, 80_000, () => place(view, null, 1000)),
        [0, 1, 9, 0],
      ),
    ).toBeLessThan(10.83)
  })

  test('leave a partition at once when it loses its leader or is gone', () => {
    const place = placing('java')
    const first = place(topic(10_000), null)
    expect(first).toBeGreaterThan(2)
    const second = place(topic(10_000, [first]), null)
    expect(second).not.toBe(first)
    expect(place(topic(3), null)).toBeLessThan(3)
  })

  test('reach partitions that were added', () => {
    const place = placing('java', { batchSizeBytes: 1 })
    for (let i = 0; i < 10; i++) expect(place(topic(2), null)).toBeLessThan(2)
    expect(Math.min(...tally(4, 200, () => place(topic(4), null)))).toBeGreaterThan(0)
  })
})

test('an empty key is a key under java', () => {
  const place = placing('java')
  expect([1, 3, 7, 12, 17, 100].map(count => place(topic(count), ''))).toEqual([0, 0, 2, 9, 11, 81])
})
