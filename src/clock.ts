// Time, as the producer sees it. The real clock is here; tests and the mock cluster bring a fake one.

/** Where time comes from. Everything that waits or measures goes through one of these. */
export interface Clock {
  /** Monotonic time (milliseconds, fractions allowed). */
  now(): number
  /** Time of day (milliseconds since the epoch). */
  wallNow(): number
  /** Runs `fn` once after `ms` milliseconds. A timer never keeps the process alive by itself. */
  setTimer(fn: () => void, ms: number): unknown
  clearTimer(timer: unknown): void
  /** Runs `fn` at the end of this event-loop turn, after everything the turn still has to say. */
  defer(fn: () => void): void
}

// Held, since the global is a getter that costs as much as a third of the reading; Node loads it when it is first named.
let performance: typeof globalThis.performance | undefined

// Node takes more than this for 1 ms.
const longestTimerMs = 0x7fffffff

export const systemClock: Clock = {
  now: () => {
    performance ??= globalThis.performance
    return performance.now()
  },
  wallNow: () => Date.now(),
  setTimer: (fn, ms) => {
    const timer = setTimeout(fn, Math.min(ms, longestTimerMs))
    timer.unref()
    return timer
  },
  clearTimer: timer => clearTimeout(timer as NodeJS.Timeout),
  defer: fn => {
    setImmediate(fn)
  },
}

/** Keeps the process alive while it is on: our timers and idle sockets do not. One at a time, cheap to switch. */
export class ProcessHold {
  #timer: NodeJS.Timeout | null = null

  switch(on: boolean): void {
    if (on && this.#timer === null) this.#timer = setInterval(() => {}, longestTimerMs)
    else if (on) this.#timer?.ref()
    else this.#timer?.unref()
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
}
