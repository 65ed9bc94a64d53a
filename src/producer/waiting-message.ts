// One message that stands in line for room.

import { onAbort } from './aborts.ts'
import type { Batch } from './batch.ts'
import type { ProducerCore } from './core.ts'
import type { PreparedMessage } from './message.ts'
import type { Waiter } from './room.ts'
import type { Terms } from './terms.ts'

/** What a call is promised: a report, or a handle. */
export interface Promised {
  readonly awaited: boolean
  /** Keeps the promise, or leaves it to who will; the message is the last record of `batch`. */
  queued(batch: Batch, resolve: (outcome: unknown) => void): void
}

/**
 * Queued when there is room; its promise fails when waiting has no end or the signal takes it out of the line.
 * Who produces faster than brokers take has a great many of these, so there is little to each: no functions of its own,
 * or the collector of garbage has more to do than the producer.
 */
export class WaitingMessage implements Waiter {
  readonly size = 1
  readonly #core: ProducerCore
  readonly #message: PreparedMessage
  readonly #terms: Terms
  readonly #calledAt: number
  readonly #promised: Promised
  readonly #resolve: (outcome: unknown) => void
  #done: (() => void) | null = null

  /** Copies the message and lines up. */
  constructor(
    core: ProducerCore,
    prepared: PreparedMessage,
    terms: Terms,
    calledAt: number,
    promised: Promised,
    resolve: (outcome: unknown) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#core = core
    this.#message = prepared.clone()
    this.#terms = terms
    this.#calledAt = calledAt
    this.#promised = promised
    this.#resolve = resolve
    const ticket = core.room.wait(this)
    if (signal !== undefined) this.#done = onAbort(signal, () => core.room.leave(ticket, signal.reason))
  }

  admit(): boolean {
    const core = this.#core
    if (!core.room.fits(this.#message.userBytes)) return false
    this.#done?.()
    const { awaited } = this.#promised
    try {
      this.#promised.queued(core.append(this.#message, this.#terms, this.#calledAt, awaited), this.#resolve)
    } catch (error) {
      this.#resolve(Promise.reject(error))
    }
    return true
  }

  giveUp(error: Error): void {
    this.#done?.()
    this.#resolve(Promise.reject(error))
  }
}
