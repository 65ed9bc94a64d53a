// Many messages under one promise: queued in their order, waiting for room where there is none, all verdicts collected.

import { type KafkaError, ProduceManyError } from '../errors.ts'
import type { Batch } from './batch.ts'
import type { ProducerCore } from './core.ts'
import { DeliveryHandle } from './delivery.ts'
import type { DeliveryReport } from './report.ts'
import type { Waiter } from './room.ts'
import type { Held } from './terms.ts'

/** What is to be sent, readable one after the other; an element is valid until the next one is read. */
export interface Outgoing {
  readonly size: number
  at(index: number): Held
}

/** Told once, when nothing is left to queue: how many were, and what could not be for want of room or time. */
export type QueuedListener = (queued: number, rest: readonly Held[]) => void

/**
 * Queues as much as there is room for at once; what is left is copied and stands in line with its place kept.
 * `failed` is called when not even the waiting can go on; the messages queued so far are delivered all the same.
 */
export class SendMany implements Waiter {
  readonly #core: ProducerCore
  readonly #calledAt: number
  readonly #total: number
  readonly #resolve: (reports: DeliveryReport[]) => void
  readonly #reject: (error: Error) => void
  // One element for each message: the handle of what was queued, the report of what could not be.
  readonly #results: (DeliveryHandle | DeliveryReport)[] = []
  #waiting: Held[] = []
  #nextWaiting = 0
  #unsettled: number
  #queued = 0
  #onQueued: QueuedListener | null
  #ticket = 0

  constructor(
    core: ProducerCore,
    outgoing: Outgoing,
    resolve: (reports: DeliveryReport[]) => void,
    reject: (error: Error) => void,
    onQueued: QueuedListener | null = null,
  ) {
    this.#core = core
    this.#calledAt = core.clock.now()
    this.#total = outgoing.size
    this.#unsettled = outgoing.size
    this.#resolve = resolve
    this.#reject = reject
    this.#onQueued = onQueued
    this.#start(outgoing)
  }

  get size(): number {
    return this.#waiting.length - this.#nextWaiting
  }

  admit(): boolean {
    while (this.size > 0) {
      const held = this.#waiting[this.#nextWaiting] as Held
      const { userBytes } = held.message
      if (!this.#core.room.fits(userBytes) && !this.#core.room.neverFits(userBytes)) return false
      this.#nextWaiting++
      this.#queue(held)
    }
    this.#tellQueued([])
    return true
  }

  giveUp(error: Error): void {
    const rest = this.#waiting.slice(this.#nextWaiting)
    this.#nextWaiting = this.#waiting.length
    this.#tellQueued(rest)
    for (const held of rest) this.#refuse(held, error as KafkaError)
  }

  /** Queues no more. */
  leave(error: Error): void {
    this.#core.room.leave(this.#ticket, error)
  }

  /** Called for each queued message when it has its verdict. */
  settled(): void {
    if (--this.#unsettled > 0) return
    const reports = this.#results.map(
      result => (result instanceof DeliveryHandle ? result.report : result) as DeliveryReport,
    )
    const failed = reports.filter(report => report.error !== null)
    const first = failed[0]
    if (first === undefined) this.#resolve(reports)
    else {
      const message = `${failed.length} of ${this.#total} messages failed, the first one: ${first.error?.message}`
      this.#reject(new ProduceManyError<DeliveryReport, DeliveryHandle>(message, { reports, cause: first.error }))
    }
  }

  #start(outgoing: Outgoing): void {
    if (outgoing.size === 0) this.#resolve([])
    let index = 0
    for (; index < outgoing.size; index++) {
      const held = outgoing.at(index)
      const { userBytes } = held.message
      if (!this.#core.hasRoom(userBytes) && !this.#core.room.neverFits(userBytes)) break
      this.#queue(held)
    }
    if (index === outgoing.size) return this.#tellQueued([])
    for (; index < outgoing.size; index++) {
      const { message, terms } = outgoing.at(index)
      this.#waiting.push({ message: message.clone(), terms })
    }
    this.#ticket = this.#core.room.wait(this)
  }

  #queue(held: Held): void {
    let batch: Batch
    try {
      if (this.#core.room.neverFits(held.message.userBytes)) throw this.#core.queueFull(held.message.userBytes)
      batch = this.#core.append(held.message, held.terms, this.#calledAt, true)
    } catch (error) {
      return this.#refuse(held, error as KafkaError)
    }
    this.#queued++
    batch.callers.call(batch.count - 1, this)
    this.#results.push(new DeliveryHandle(batch, batch.count - 1))
  }

  // User code that runs while it goes in may send it away, too.
  #tellQueued(rest: readonly Held[]): void {
    const onQueued = this.#onQueued
    this.#onQueued = null
    onQueued?.(this.#queued, rest)
  }

  #refuse({ message }: Held, error: KafkaError): void {
    const { topic, partition, timestamp, opaque } = message
    this.#results.push({
      topic,
      partition,
      offset: -1n,
      timestamp: timestamp < 0 ? this.#core.clock.wallNow() : timestamp,
      status: 'not-persisted',
      error,
      opaque,
      attempts: 0,
      latencyMs: this.#core.clock.now() - this.#calledAt,
    })
    this.settled()
  }
}
