import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CallTimes, ticksOf, wholeMs } from '../../src/producer/call-times.ts'

function timesOf(calls: readonly number[], likely?: number): number[] {
  const times = new CallTimes(likely)
  calls.forEach((ticks, index) => {
    times.add(index, ticks)
  })
  return calls.map((_, index) => times.at(index))
}

describe('the times of calls', () => {
  test('are those that were given, shared or not, in any order and from whatever size on', () => {
    const calls = fc.array(fc.integer({ min: -3, max: 30 }), { maxLength: 200 })
    fc.assert(
      fc.property(calls, fc.nat(300), (given, likely) => {
        expect(timesOf(given, likely)).toEqual(given)
      }),
      { examples: [[[-1, -1, 0], 0]] },
    )
  })

  test('take up one place for all calls of the same tenth of a millisecond', () => {
    const times = new CallTimes()
    for (let index = 0; index < 1000; index++) times.add(index, ticksOf(5 + index / 1000))
    expect(times.size).toBe(10)
    expect(times.at(999)).toBe(59)
  })

  test('are whole tenths of a millisecond, never later than the call', () => {
    expect([5, 5.09, 5.1].map(ticksOf)).toEqual([50, 50, 51])
    expect([50, 59, 60, -1].map(wholeMs)).toEqual([5, 5, 6, -1])
  })
})
