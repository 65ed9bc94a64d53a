// A clock that stands still until it is told to move. Everything that follows from a moment runs before the next one.

import type { Clock } from '../../src/clock.ts'

interface Timer {
  readonly due: number
  readonly fn: () => void
}

// A test that arms timers or defers without end, with no time passing, is told so instead of hanging.
const endless = 100_000

export class FakeClock implements Clock {
  readonly #startWallMs: number
  #now = 0
  /** By due time; equal ones in the order they were set. */
  readonly #timers: Timer[] = []
  #deferred: (() => void)[] = []

  constructor(startWallMs = 1_700_000_000_000) {
    this.#startWallMs = startWallMs
  }

  /** How many timers are set and have neither run nor been cleared. */
  get pendingTimers(): number {
    return this.#timers.length
  }

  now(): number {
    return this.#now
  }

  wallNow(): number {
    return this.#startWallMs + Math.floor(this.#now)
  }

  setTimer(fn: () => void, ms: number): unknown {
    const timer: Timer = { due: this.#now + Math.max(0, ms), fn }
    let at = this.#timers.length
    while (at > 0 && (this.#timers[at - 1]?.due ?? 0) > timer.due) at--
    this.#timers.splice(at, 0, timer)
    return timer
  }

  clearTimer(timer: unknown): void {
    const at = this.#timers.indexOf(timer as Timer)
    if (at >= 0) this.#timers.splice(at, 1)
  }

  defer(fn: () => void): void {
    this.#deferred.push(fn)
  }

  /**
   * Moves time forward by `ms`. Due timers run in order, each at its own moment and followed by everything it sets off:
   * promise jobs, deferred functions, in-memory deliveries. What a timer throws is thrown here.
   */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms
    await this.settle()
    for (let ranWithoutTimePassing = 0; ; ranWithoutTimePassing++) {
      const timer = this.#timers[0]
      if (timer === undefined || timer.due > target) break
      if (timer.due > this.#now) ranWithoutTimePassing = 0
      if (ranWithoutTimePassing > endless) throw new Error(`timers are set again and again at ${this.#now} ms`)
      this.#timers.shift()
      this.#now = timer.due
      timer.fn()
      await this.settle()
    }
    this.#now = target
  }

  /** Runs deferred functions and promise jobs until none is left; time stands still. */
  async settle(): Promise<void> {
    for (let turns = 0; turns <= endless; turns++) {
      // Promise jobs all run before the event loop's next turn.
      await new Promise<void>(resolve => setImmediate(resolve))
      if (this.#deferred.length === 0) return
      const due = this.#deferred
      this.#deferred = []
      for (const fn of due) fn()
    }
    throw new Error(`functions are deferred again and again at ${this.#now} ms`)
  }
}
