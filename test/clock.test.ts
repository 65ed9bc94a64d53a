import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../src/clock.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('the system clock never asks for more than a timer can hold, which would end at once', () => {
  const setTimeout = vi.spyOn(globalThis, 'setTimeout')
  for (const ms of [5, 0x7fffffff, 0x80000000, Number.POSITIVE_INFINITY]) {
    systemClock.clearTimer(systemClock.setTimer(() => {}, ms))
  }
  expect(setTimeout.mock.calls.map(([, ms]) => ms)).toEqual([5, 0x7fffffff, 0x7fffffff, 0x7fffffff])
})
