// The bounds of the queue, and the calls that wait for room in the order they came.
// Source: librdkafka `queue.buffering.max.messages`, `queue.buffering.max.kbytes`; Java `max.block.ms`.

import type { Clock } from '../clock.ts'
import { Deque } from '../deque.ts'
import { QueueFullError } from '../errors.ts'

/** A call that waits. */
export interface Waiter {
  /** Messages that are not queued yet. */
  readonly size: number
  /** Queues as much as there is room for; true when nothing is left to queue. */
  admit(): boolean
  /** The wait is over without success. */
  giveUp(error: Error): void
}

interface Waiting {
  readonly ticket: number
  readonly waiter: Waiter
  readonly until: number
}

export class Room {
  /** Messages without a report. */
  messages = 0
  /** Their keys, values, header names and header values. */
  bytes = 0
  readonly #clock: Clock
  readonly #maxMessages: number
  readonly #maxBytes: number
  readonly #maxBlockMs: number
  readonly #waiting = new Deque<Waiting>()
  #timer: unknown
  #admitting = false
  #tickets = 0

  constructor(clock: Clock, maxMessages: number, maxBytes: number, maxBlockMs: number) {
    this.#clock = clock
    this.#maxMessages = maxMessages === 0 ? Number.POSITIVE_INFINITY : maxMessages
    this.#maxBytes = maxBytes
    this.#maxBlockMs = maxBlockMs
  }

  /** Whether calls wait, so that nobody may go before them. */
  get crowded(): boolean {
    return this.#waiting.size > 0
  }

  fits(bytes: number): boolean {
    return this.messages < this.#maxMessages && this.bytes + bytes <= this.#maxBytes
  }

  take(bytes: number): void {
    this.messages++
    this.bytes += bytes
  }

  free(messages: number, bytes: number): void {
    this.messages -= messages
    this.bytes -= bytes
  }

  /** What stands in the way of `bytes` more. */
  fullError(bytes: number): QueueFullError {
    const byCount = this.messages >= this.#maxMessages
    const limit = byCount ? 'queue.buffering.max.messages' : 'queue.buffering.max.kbytes'
    const max = byCount ? this.#maxMessages : this.#maxBytes
    const used = byCount ? this.messages : this.bytes
    const unit = byCount ? 'messages' : 'bytes'
    const why = this.fits(bytes) ? 'calls are waiting for room in the queue' : `${used} of ${max} ${unit} are taken`
    return new QueueFullError(limit, used, `the queue is full (${limit}): ${why}`)
  }

  /** Lines up; `admit` is called when there is room, `giveUp` with QueueFullError after `max.block.ms`. */
  wait(waiter: Waiter): void {
    this.#waiting.push({ ticket: ++this.#tickets, waiter, until: this.#clock.now() + this.#maxBlockMs })
    this.#arm()
  }

  /** Steps out of the line; says whether it stood there. */
  leave(waiter: Waiter): boolean {
    for (const waiting of this.#waiting) if (waiting.waiter === waiter) return this.#waiting.remove(waiting)
    return false
  }

  /** Lets in whoever fits now, first come, first served. */
  admit(): void {
    if (this.#admitting) return
    this.#admitting = true
    try {
      for (let first = this.#waiting.first(); first?.waiter.admit(); first = this.#waiting.first()) {
        if (this.#waiting.first() === first) this.#waiting.shift()
      }
    } finally {
      this.#admitting = false
    }
  }

  /** The number of the last in line, for those who wait until the line as it is now has gone in. */
  get lastTicket(): number {
    return this.#waiting.last()?.ticket ?? 0
  }

  /** Whether everybody up to this number has left the line. */
  hasPassed(ticket: number): boolean {
    return (this.#waiting.first()?.ticket ?? Number.POSITIVE_INFINITY) > ticket
  }

  /** Sends everybody away, and says how many messages they still held. */
  dismiss(error: () => Error): number {
    let messages = 0
    for (let first = this.#waiting.shift(); first !== undefined; first = this.#waiting.shift()) {
      messages += first.waiter.size
      first.waiter.giveUp(error())
    }
    this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
    return messages
  }

  // All wait equally long, so the first in line is the first to give up.
  #arm(): void {
    const first = this.#waiting.first()
    if (this.#timer !== undefined || first === undefined) return
    this.#timer = this.#clock.setTimer(
      () => {
        this.#timer = undefined
        const now = this.#clock.now()
        for (let next = this.#waiting.first(); next !== undefined && next.until <= now; next = this.#waiting.first()) {
          this.#waiting.shift()
          next.waiter.giveUp(this.fullError(0))
        }
        this.#arm()
      },
      Math.max(0, first.until - this.#clock.now()),
    )
  }
}
