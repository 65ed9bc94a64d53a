import { describe, expect, test } from 'vitest'
import { FakeClock } from './fake-clock.ts'

describe('the fake clock', () => {
  test('runs due timers in order of time, each at its own moment', async () => {
    const clock = new FakeClock()
    const ran: [string, number][] = []
    clock.setTimer(() => ran.push(['late', clock.now()]), 20)
    clock.setTimer(() => ran.push(['early', clock.now()]), 5)
    clock.setTimer(() => ran.push(['never', clock.now()]), 31)
    await clock.advance(30)
    expect(ran).toEqual([
      ['early', 5],
      ['late', 20],
    ])
    expect(clock.now()).toBe(30)
    expect(clock.pendingTimers).toBe(1)
  })

  test('runs timers of the same moment in the order they were set', async () => {
    const clock = new FakeClock()
    const ran: number[] = []
    for (const i of [1, 2, 3]) clock.setTimer(() => ran.push(i), 7)
    await clock.advance(7)
    expect(ran).toEqual([1, 2, 3])
  })

  test('finishes promise jobs and deferred functions of one timer before the next', async () => {
    const clock = new FakeClock()
    const ran: string[] = []
    clock.setTimer(async () => {
      await Promise.resolve()
      clock.defer(() => ran.push(`deferred at ${clock.now()}`))
    }, 1)
    clock.setTimer(() => ran.push(`second at ${clock.now()}`), 2)
    await clock.advance(2)
    expect(ran).toEqual(['deferred at 1', 'second at 2'])
  })

  test('runs a timer that was set by a timer, if it falls into the same stretch', async () => {
    const clock = new FakeClock()
    const ran: number[] = []
    clock.setTimer(() => clock.setTimer(() => ran.push(clock.now()), 10), 10)
    await clock.advance(19)
    expect(ran).toEqual([])
    await clock.advance(1)
    expect(ran).toEqual([20])
  })

  test('forgets a cleared timer', async () => {
    const clock = new FakeClock()
    const timer = clock.setTimer(() => expect.unreachable(), 1)
    clock.clearTimer(timer)
    clock.clearTimer(timer)
    await clock.advance(5)
    expect(clock.pendingTimers).toBe(0)
  })

  test('settles what is deferred from within deferred functions, without moving time', async () => {
    const clock = new FakeClock(1000)
    let depth = 0
    const deeper = () => {
      if (++depth < 5) clock.defer(deeper)
    }
    clock.defer(deeper)
    await clock.settle()
    expect(depth).toBe(5)
    expect(clock.wallNow()).toBe(1000)
  })

  test('names an endless chain of timers instead of hanging', async () => {
    const clock = new FakeClock()
    const again = () => {
      clock.setTimer(again, 0)
    }
    again()
    await expect(clock.advance(1)).rejects.toThrow('again and again at 0 ms')
  })
})
