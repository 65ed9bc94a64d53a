// Those who wait for the verdicts on a batch's records.

import type { Caller, DeliveryReport } from './report.ts'

export class Callers {
  // By index; made when the first one comes.
  #callers: (Caller | undefined)[] | null = null
  #notified: Map<number, (() => void)[]> | null = null

  /** Leaves a caller who is told about the record at `index` when its verdict is there. */
  call(index: number, caller: Caller): void {
    this.#callers ??= []
    while (this.#callers.length < index) this.#callers.push(undefined)
    this.#callers[index] = caller
  }

  /** Runs `fn` when the record at `index` has its verdict. */
  notify(index: number, fn: () => void): void {
    this.#notified ??= new Map()
    const list = this.#notified.get(index)
    if (list === undefined) this.#notified.set(index, [fn])
    else list.push(fn)
  }

  /** Whoever waits for the record at `index` waits for another one from now on. */
  move(index: number, to: Callers, toIndex: number): void {
    const caller = this.#callers?.[index]
    if (caller !== undefined) to.call(toIndex, caller)
    for (const fn of this.#notified?.get(index) ?? []) to.notify(toIndex, fn)
  }

  /** Tells everybody, once. A failure makes no unhandled rejection of a promise that nobody has. */
  settle(reportAt: (index: number) => DeliveryReport): void {
    const callers = this.#callers
    const notified = this.#notified
    this.clear()
    if (callers !== null) {
      for (let i = 0; i < callers.length; i++) {
        const caller = callers[i]
        if (caller === undefined) continue
        if (typeof caller !== 'function') caller.settled()
        else {
          const report = reportAt(i)
          caller(report.error === null ? report : Promise.reject(report.error))
        }
      }
    }
    if (notified !== null) for (const list of notified.values()) for (const fn of list) fn()
  }

  clear(): void {
    this.#callers = null
    this.#notified = null
  }
}
