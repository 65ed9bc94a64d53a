import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QueueFullError } from '../../src/errors.ts'
import { Room, type Waiter } from '../../src/producer/room.ts'
import { FakeClock } from '../support/fake-clock.ts'

class Line {
  readonly clock = new FakeClock()
  readonly told: string[] = []
  readonly room: Room

  constructor({ messages = 3, bytes = 100, maxBlockMs = 50 } = {}) {
    this.room = new Room(this.clock, messages, bytes, maxBlockMs, null, () => void this.told.push('moved'))
  }

  /** A waiter for one message of so many bytes. */
  waiter(name: string, bytes: number): Waiter {
    return {
      size: 1,
      admit: () => {
        if (!this.room.fits(bytes)) return false
        this.room.take(bytes)
        this.told.push(`${name} in`)
        return true
      },
      giveUp: error => void this.told.push(`${name} gave up: ${error.message}`),
    }
  }

  news(): string[] {
    return this.told.splice(0)
  }
}

describe('the bounds', () => {
  test('hold for messages and for bytes', () => {
    const { room } = new Line()
    room.take(40)
    expect([room.fits(60), room.fits(61)]).toEqual([true, false])
    room.take(0)
    room.take(0)
    expect(room.fits(0)).toBe(false)
    room.free(2, 40)
    expect([room.messages, room.bytes, room.fits(100)]).toEqual([1, 0, true])
  })

  test('of 0 messages are none', () => {
    const { room } = new Line({ messages: 0 })
    for (let i = 0; i < 1000; i++) room.take(0)
    expect(room.fits(0)).toBe(true)
  })

  test('tell what never fits from what does not fit now', () => {
    const { room } = new Line()
    room.take(50)
    expect([room.neverFits(100), room.neverFits(101)]).toEqual([false, true])
  })

  test('name the limit that stands in the way', () => {
    const { room } = new Line()
    room.take(90)
    expect(room.fullError(20)).toMatchObject({ limit: 'queue.buffering.max.kbytes', used: 90, code: -184 })
    room.take(0)
    room.take(0)
    expect(room.fullError(0)).toMatchObject({ limit: 'queue.buffering.max.messages', used: 3 })
  })
})

describe('the line', () => {
  test('goes in first come, first served, as far as there is room', () => {
    const line = new Line()
    line.room.take(100)
    for (const [name, bytes] of [
      ['a', 60],
      ['b', 60],
      ['c', 10],
    ] as const)
      line.room.wait(line.waiter(name, bytes))
    expect(line.room.crowded).toBe(true)
    line.room.free(1, 100)
    line.room.admit()
    expect(line.news()).toContain('a in')
    expect(line.room).toMatchObject({ messages: 1, bytes: 60, crowded: true })
    line.room.free(1, 60)
    line.room.admit()
    expect(line.news().filter(told => told.endsWith('in'))).toEqual(['b in', 'c in'])
    expect(line.room.crowded).toBe(false)
  })

  test('is left after max.block.ms, by each in its time', async () => {
    const line = new Line()
    line.room.take(100)
    line.room.wait(line.waiter('a', 10))
    await line.clock.advance(20)
    line.room.wait(line.waiter('b', 10))
    await line.clock.advance(29)
    expect(line.news()).toEqual([])
    await line.clock.advance(1)
    expect(line.news()[0]).toContain('a gave up: the queue is full (queue.buffering.max.kbytes)')
    await line.clock.advance(20)
    expect(line.news()[0]).toContain('b gave up')
    expect(line.clock.pendingTimers).toBe(0)
  })

  test('has been left by who gives up before anybody hears of it', async () => {
    const line = new Line()
    const room: Room = new Room(
      line.clock,
      3,
      100,
      50,
      null,
      () => {},
      () => {
        room.free(1, 100) // as a listener of `queue.full` that purges
        return new Error('full')
      },
    )
    room.take(100)
    const told: string[] = []
    const admit = (): boolean => room.fits(10) && told.push('in') > 0
    room.wait({ size: 1, admit, giveUp: error => void told.push(`gave up: ${error.message}`) })
    await line.clock.advance(50)
    expect(told).toEqual(['gave up: full'])
  })

  test('lets in who was behind one that left', () => {
    const line = new Line()
    line.room.take(50)
    const large = line.waiter('large', 60)
    const ticket = line.room.wait(large)
    line.room.wait(line.waiter('small', 10))
    line.room.leave(ticket, new Error('aborted'))
    expect(line.news()).toEqual(['large gave up: aborted', 'small in', 'moved'])
    line.room.leave(ticket, new Error('aborted'))
    expect(line.news()).toEqual([])
  })

  test('waits without end for who says so, as the last one', async () => {
    const line = new Line()
    line.room.take(100)
    line.room.wait(line.waiter('a', 10))
    line.room.wait(line.waiter('last', 10), Number.POSITIVE_INFINITY)
    await line.clock.advance(1_000_000)
    expect(line.news().filter(told => told.includes('gave up'))).toHaveLength(1)
    expect(line.clock.pendingTimers).toBe(0)
    line.room.free(1, 100)
    line.room.admit()
    expect(line.news()).toContain('last in')
  })

  test('is sent away with how many messages it still held, and leaves no timer', () => {
    const line = new Line()
    line.room.take(100)
    line.room.wait(line.waiter('a', 10))
    line.room.wait({ ...line.waiter('b', 10), size: 4 })
    expect(line.room.dismiss(() => new Error('over'))).toBe(5)
    expect(line.news()).toEqual(['a gave up: over', 'b gave up: over'])
    expect(line.room.crowded).toBe(false)
    expect(line.clock.pendingTimers).toBe(0)
  })

  test('lets nobody in while it is shut', () => {
    const line = new Line()
    line.room.take(100)
    line.room.wait(line.waiter('a', 10))
    const result = line.room.shut(() => {
      line.room.free(1, 100)
      line.room.admit()
      return line.news().filter(told => told.endsWith('in'))
    })
    expect(result).toEqual([])
    expect(line.news()).toContain('a in')
  })

  test('numbers those in it, so that one can wait for all who are there now', () => {
    const line = new Line()
    expect(line.room.hasPassed(line.room.lastTicket)).toBe(true)
    line.room.take(100)
    const [a, b] = [line.waiter('a', 10), line.waiter('b', 10)]
    const ticket = line.room.wait(a)
    expect(line.room.lastTicket).toBe(ticket)
    line.room.wait(b)
    expect(line.room.hasPassed(ticket)).toBe(false)
    line.room.leave(ticket, new QueueFullError('limit', 0, 'enough'))
    expect(line.room.hasPassed(ticket)).toBe(true)
    expect(line.room.hasPassed(line.room.lastTicket)).toBe(false)
    line.room.dismiss(() => new Error('over'))
  })

  test('is what a list of those who wait would be, whoever comes, leaves, runs out of time or gets room', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('wait'), bytes: fc.integer({ min: 1, max: 100 }) }),
      fc.record({ kind: fc.constant('leave'), who: fc.nat(30) }),
      fc.record({ kind: fc.constant('free') }),
      fc.record({ kind: fc.constant('pass'), ms: fc.integer({ min: 1, max: 40 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
        const line = new Line()
        const { room, clock } = line
        room.take(100)
        let [now, names] = [0, 0]
        const inside = [100]
        let waiting: { name: number; bytes: number; ticket: number; until: number }[] = []
        const expected: string[] = []
        const admit = (): void => {
          while (waiting[0] !== undefined) {
            const used = inside.reduce((sum, bytes) => sum + bytes, 0)
            if (inside.length === 3 || used + waiting[0].bytes > 100) return
            inside.push(waiting[0].bytes)
            expected.push(`${waiting.shift()?.name} in`)
          }
        }
        for (const one of steps) {
          if (one.kind === 'wait' && 'bytes' in one) {
            if (!room.crowded && room.fits(one.bytes)) {
              room.take(one.bytes)
              inside.push(one.bytes)
              continue
            }
            const ticket = room.wait(line.waiter(`${++names}`, one.bytes))
            waiting.push({ name: names, bytes: one.bytes, ticket, until: now + 50 })
          } else if (one.kind === 'leave' && 'who' in one) {
            const leaving = waiting[one.who]
            room.leave(leaving?.ticket ?? -1, new Error('enough'))
            if (leaving === undefined) continue
            waiting = waiting.filter(other => other !== leaving)
            expected.push(`${leaving.name} gave up: enough`)
            admit()
          } else if (one.kind === 'free') {
            const bytes = inside.shift()
            if (bytes !== undefined) room.free(1, bytes)
            if (bytes !== undefined) admit()
          } else if ('ms' in one) {
            await clock.advance(one.ms)
            now += one.ms
            while (waiting[0] !== undefined && waiting[0].until <= now) {
              const { until } = waiting[0]
              while (waiting[0]?.until === until) expected.push(`${waiting.shift()?.name} gave up`)
              admit()
            }
          }
          expect(room.crowded).toBe(waiting.length > 0)
          expect(room.messages).toBe(inside.length)
        }
        const told = line.news().filter(news => news !== 'moved')
        expect(told.map(news => news.replace(/(gave up): the queue.*/, '$1'))).toEqual(expected)
        room.dismiss(() => new Error('over'))
        expect(clock.pendingTimers).toBe(0)
      }),
    )
  })
})
