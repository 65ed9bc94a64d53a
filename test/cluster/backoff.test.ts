import { describe, expect, test } from 'vitest'
import { backoff } from '../../src/cluster/backoff.ts'

const even = () => 0.5

describe('backoff', () => {
  test('doubles with every failure', () => {
    expect([1, 2, 3, 4].map(failures => backoff(failures, 100, 10_000, even))).toEqual([100, 200, 400, 800])
  })

  test('stays within a fifth of its mean', () => {
    expect(backoff(1, 100, 1000, () => 0)).toBe(80)
    expect(backoff(1, 100, 1000, () => 0.999_999)).toBe(119)
  })

  test('never exceeds the maximum, and lies in its last fifth once saturated', () => {
    for (const failures of [5, 10, 1000]) {
      expect(backoff(failures, 100, 1000, () => 0.999_999)).toBe(1000)
      expect(backoff(failures, 100, 1000, () => 0)).toBe(800)
    }
  })

  test('is constant where the maximum is not above the beginning', () => {
    expect(backoff(3, 500, 200, () => 0)).toBe(200)
  })

  test('is nothing before the first failure, or if it is turned off', () => {
    expect(backoff(0, 100, 1000, even)).toBe(0)
    expect(backoff(7, 0, 1000, even)).toBe(0)
  })
})
