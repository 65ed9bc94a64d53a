import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CallTimes } from '../../src/producer/call-times.ts'

function timesOf(calls: readonly number[]): CallTimes {
  const times = new CallTimes()
  calls.forEach((calledAt, index) => {
    times.add(index, times.near(calledAt))
  })
  return times
}

describe('the times of calls', () => {
  test('are exact where calls are a tenth of a millisecond apart, and shared where they are less', () => {
    const times = timesOf([5, 5.02, 5.08, 5.125, 9])
    expect([0, 1, 2, 3, 4].map(index => times.at(index))).toEqual([5, 5, 5, 5.125, 9])
  })

  test('go back where a call waited longer than the one before it', () => {
    const times = timesOf([50, 20, 20.01, 50])
    expect([0, 1, 2, 3].map(index => times.at(index))).toEqual([50, 20, 20, 50])
  })

  test('are never later than the call, nor a tenth of a millisecond earlier', () => {
    const steps = fc.double({ min: -5, max: 5, noNaN: true })
    fc.assert(
      fc.property(fc.array(steps, { minLength: 1, maxLength: 200 }), all => {
        let now = 1000
        const calls = all.map(step => {
          now += step
          return now
        })
        const times = timesOf(calls)
        calls.forEach((calledAt, index) => {
          const late = calledAt - times.at(index)
          expect(late).toBeGreaterThanOrEqual(0)
          expect(late).toBeLessThan(0.1)
        })
      }),
    )
  })
})
