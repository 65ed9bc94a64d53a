import { describe, expect, test } from 'vitest'
import { chiSquare, placing, tally, topic } from './topic-view.ts'

// 99.9 % of honest draws stay below this, by degrees of freedom.
const limits = { 2: 13.82, 6: 22.46, 11: 31.26, 49: 85.35 } as const
const partitionCounts = [3, 7, 12, 50] as const
const limitOf = (partitionCount: (typeof partitionCounts)[number]) =>
  limits[(partitionCount - 1) as keyof typeof limits]

describe.each(partitionCounts)('over %i partitions', count => {
  const view = topic(count)

  test.each(['md5', 'consistent', 'murmur2', 'java', 'kafkajs_legacy'] as const)('%s spreads keys evenly', name => {
    const place = placing(name)
    let i = 0
    expect(
      chiSquare(tally(count, 50_000, () => place(view, `customer ${(i++ * 7919) % 1_000_003} of many`))),
    ).toBeLessThan(limitOf(count))
  })

  test('random spreads everything evenly, one key over all of them', () => {
    const place = placing('random', { stickyLingerMs: 0 })
    for (const key of [null, '', 'k']) {
      expect(chiSquare(tally(count, 50_000, () => place(view, key)))).toBeLessThan(limitOf(count))
    }
  })

  test('java draws evenly without a key', () => {
    const place = placing('java', { batchSizeBytes: 1 })
    expect(chiSquare(tally(count, 50_000, () => place(view, null)))).toBeLessThan(limitOf(count))
  })

  test('round_robin gives each exactly as many', () => {
    const place = placing('round_robin')
    expect(chiSquare(tally(count, 100 * count, () => place(view, 'k')))).toBe(0)
  })
})

test('md5 leaves partitions beyond 4,080 alone, as Kaffe does', () => {
  const place = placing('md5')
  const view = topic(10_000)
  const chosen = Array.from({ length: 20_000 }, (_, i) => place(view, `${i}`))
  expect(Math.max(...chosen)).toBeLessThanOrEqual(4080)
})
