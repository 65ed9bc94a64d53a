// The bounds of the queue, and the calls that wait for room in the order they came.
// Source: librdkafka `queue.buffering.max.messages`, `queue.buffering.max.kbytes`; Java `max.block.ms`.

import type { Clock, ProcessHold } from '../clock.ts'
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
  /** Null once it has left. */
  waiter: Waiter | null
  readonly until: number
}

export class Room {
  /** Messages without a report. */
  messages = 0
  /** Their keys, values, header names and header values. */
  bytes = 0
  /** Whether calls wait, so that nobody may go before them. */
  crowded = false
  readonly #clock: Clock
  readonly #maxMessages: number
  readonly #maxBytes: number
  readonly #maxBlockMs: number
  readonly #hold: ProcessHold | null
  readonly #moved: () => void
  readonly #full: () => Error
  // Tickets are given out in turn, and `#gone` of them are at the front no more: so leaving costs no search.
  readonly #line = new Deque<Waiting>()
  #gone = 0
  #timer: unknown
  #admitting = false

  /**
   * `hold` keeps the process alive while there is a message or a call that waits; `moved` is called when somebody left
   * the line without getting in; `full` makes the error of who waited for too long.
   */
  constructor(
    clock: Clock,
    maxMessages: number,
    maxBytes: number,
    maxBlockMs: number,
    hold: ProcessHold | null,
    moved: () => void,
    full: () => Error = () => this.fullError(),
  ) {
    this.#clock = clock
    this.#maxMessages = maxMessages === 0 ? Number.POSITIVE_INFINITY : maxMessages
    this.#maxBytes = maxBytes
    this.#maxBlockMs = maxBlockMs
    this.#hold = hold
    this.#moved = moved
    this.#full = full
  }

  fits(bytes: number): boolean {
    return this.messages < this.#maxMessages && this.bytes + bytes <= this.#maxBytes
  }

  /** Whether the message is larger than the queue, so that waiting would not help. */
  neverFits(bytes: number): boolean {
    return bytes > this.#maxBytes
  }

  take(bytes: number): void {
    if (this.messages === 0) this.#hold?.switch(true)
    this.messages++
    this.bytes += bytes
  }

  /** Reports are out; whoever waited for room goes in. */
  free(messages: number, bytes: number): void {
    this.messages -= messages
    this.bytes -= bytes
    if (this.crowded) this.admit()
    this.#rest()
  }

  /** There is nothing to come. */
  close(): void {
    this.#hold?.end()
  }

  /** What stands in the way of `bytes` more, or of a call that waited for too long. */
  fullError(bytes = Number.POSITIVE_INFINITY): QueueFullError {
    const byCount = this.messages >= this.#maxMessages
    const limit = byCount ? 'queue.buffering.max.messages' : 'queue.buffering.max.kbytes'
    const max = byCount ? this.#maxMessages : this.#maxBytes
    const used = byCount ? this.messages : this.bytes
    const unit = byCount ? 'messages' : 'bytes'
    const why = this.fits(bytes) ? 'calls are waiting for room in the queue' : `${used} of ${max} ${unit} are taken`
    return new QueueFullError(limit, used, `the queue is full (${limit}): ${why}`)
  }

  /**
   * Lines up; `admit` is called when there is room, `giveUp` with QueueFullError after `max.block.ms`. Who waits longer
   * than that has to be the last of all: the first in line is the first to give up. Returns the ticket to `leave` with.
   */
  wait(waiter: Waiter, maxBlockMs = this.#maxBlockMs): number {
    this.#hold?.switch(true)
    this.crowded = true
    this.#line.push({ waiter, until: this.#clock.now() + maxBlockMs })
    this.#arm()
    return this.#tickets
  }

  /** Whoever holds this ticket steps out of the line and gives up with `error`, if still there. */
  leave(ticket: number, error: Error): void {
    const waiting = this.#line.at(ticket - this.#gone - 1)
    if (waiting?.waiter == null) return
    const { waiter } = waiting
    waiting.waiter = null
    this.#first()
    waiter.giveUp(error)
    this.#goOn()
  }

  /** Lets in whoever fits now, first come, first served. */
  admit(): void {
    if (this.#admitting) return
    this.#admitting = true
    try {
      for (let first = this.#first(); first?.waiter?.admit(); first = this.#first()) this.#shift(first)
    } finally {
      this.#admitting = false
    }
  }

  /** Lets nobody in before `fn` is over. */
  shut<T>(fn: () => T): T {
    if (this.#admitting) return fn()
    this.#admitting = true
    try {
      return fn()
    } finally {
      this.#admitting = false
      this.#goOn()
    }
  }

  /** The number of the last in line, for those who wait until the line as it is now has gone in. */
  get lastTicket(): number {
    return this.crowded ? this.#tickets : 0
  }

  /** Whether everybody up to this number has left the line. */
  hasPassed(ticket: number): boolean {
    return !this.crowded || this.#gone >= ticket
  }

  /** Sends everybody away, and says how many messages they still held. */
  dismiss(error: () => Error): number {
    let messages = 0
    for (let first = this.#first(); first !== undefined; first = this.#first()) {
      messages += first.waiter?.size ?? 0
      this.#dismiss(first, error)
    }
    this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
    return messages
  }

  get #tickets(): number {
    return this.#gone + this.#line.size
  }

  // Who has left is only forgotten at the front.
  #first(): Waiting | undefined {
    let first = this.#line.first()
    for (; first?.waiter === null; first = this.#line.first()) this.#shift(first)
    this.crowded = first !== undefined
    return first
  }

  // User code that ran in the meantime may have sent it away.
  #shift(first: Waiting): void {
    if (this.#line.first() !== first) return
    this.#line.shift()
    this.#gone++
  }

  // It has left before the error is made: somebody hears of that, and may make room.
  #dismiss(first: Waiting, error: () => Error): void {
    const { waiter } = first
    this.#shift(first)
    this.#first()
    waiter?.giveUp(error())
  }

  // Who was behind one that left may fit where that one did not.
  #goOn(): void {
    this.admit()
    this.#rest()
    this.#moved()
  }

  #rest(): void {
    if (this.messages === 0 && !this.crowded) this.#hold?.switch(false)
  }

  #arm(): void {
    const first = this.#first()
    if (this.#timer !== undefined || first === undefined || first.until === Number.POSITIVE_INFINITY) return
    this.#timer = this.#clock.setTimer(
      () => {
        this.#timer = undefined
        const now = this.#clock.now()
        for (let next = this.#first(); next !== undefined && next.until <= now; next = this.#first()) {
          this.#dismiss(next, this.#full)
        }
        this.#goOn()
        this.#arm()
      },
      Math.max(0, first.until - this.#clock.now()),
    )
  }
}
