// Feeds lines to a producer no faster than it takes them, and keeps account of what became of each.

import {
  type DeliveryReport,
  KafkaError,
  type Message,
  type Producer,
  QueueFullError,
  StateError,
  UnknownTopicError,
} from '../index.ts'
import type { Input } from './inputs.ts'
import { linesOf } from './lines.ts'
import { LineError, type LineRules, messageOf } from './message.ts'
import { Summary } from './summary.ts'

/** Where a message came from; it travels through the producer as the message's `opaque`. */
interface Origin {
  readonly input: string
  readonly line: number
  readonly bytes: number
}

const shownFailures = 5

export class Sending {
  /** Messages handed to the producer, and how many of them were delivered or failed so far. */
  sent = 0
  delivered = 0
  failed = 0
  bytesRead = 0
  readonly summary = new Summary()
  readonly #producer: Producer
  readonly #rules: LineRules & { readonly lineEnd: number }
  readonly #stop: AbortSignal
  readonly #failures: string[] = []
  #hopeless = false
  #cutShort = false

  constructor(producer: Producer, rules: LineRules & { readonly lineEnd: number }, stop: AbortSignal) {
    this.#producer = producer
    this.#rules = rules
    this.#stop = stop
    const settle = ({ report }: { readonly report: DeliveryReport }): void => this.#settle(report)
    producer.on('message.acknowledged', settle)
    producer.on('message.failed', settle)
    producer.on('message.purged', settle)
  }

  /** Resolves when all of `input` is queued, or when there is no point in reading on. `tick` is called now and then. */
  async read(input: Input, tick: () => void): Promise<void> {
    let line = 0
    try {
      for await (const lines of linesOf(input.open(this.#stop), this.#rules.lineEnd)) {
        for (const bytes of lines) {
          line++
          this.bytesRead += bytes.length + 1
          if (bytes.length > 0) await this.#send(bytes, { input: input.name, line, bytes: bytes.length })
          if (this.#hopeless) this.#cutShort = true
          if (this.#hopeless || this.#stop.aborted) return
        }
        tick()
      }
    } catch (error) {
      if (!this.#stop.aborted) throw error
    }
  }

  async #send(bytes: Uint8Array, origin: Origin): Promise<void> {
    this.sent++
    try {
      const message = messageOf(bytes, this.#rules, origin)
      if (!this.#dispatched(message)) await this.#waitForRoom(message)
    } catch (error) {
      if (!(error instanceof KafkaError || error instanceof LineError)) throw error
      this.#fail(origin, error)
    }
  }

  /** False when there is no room now. */
  #dispatched(message: Message): boolean {
    try {
      this.#producer.dispatch(message)
      return true
    } catch (error) {
      if (error instanceof QueueFullError) return false
      throw error
    }
  }

  /** However long it takes: a message leaves the queue by `message.timeout.ms` at the latest, and makes room. */
  async #waitForRoom(message: Message): Promise<void> {
    for (;;) {
      try {
        await this.#producer.dispatchWait(message, { signal: this.#stop })
        return
      } catch (error) {
        if (this.#stop.aborted) {
          this.sent-- // it was read, and never queued
          return
        }
        if (!(error instanceof QueueFullError)) throw error
      }
    }
  }

  #settle(report: DeliveryReport): void {
    const origin = report.opaque as Origin
    if (report.error !== null) this.#fail(origin, report.error, report)
    else {
      this.delivered++
      this.summary.add(report, origin.bytes)
    }
  }

  #fail({ input, line }: Origin, error: Error, report?: DeliveryReport): void {
    this.failed++
    // These befall every message that follows, too.
    if (error instanceof UnknownTopicError || error instanceof StateError) this.#hopeless = true
    if (error instanceof KafkaError && error.fatal) this.#hopeless = true
    if (this.#failures.length === shownFailures) return
    const place = report === undefined ? '' : `, ${report.topic}${report.partition < 0 ? '' : `[${report.partition}]`}`
    const doubt = report?.status === 'possibly-persisted' ? ' (it may have been stored all the same)' : ''
    this.#failures.push(`  ${input} line ${line}${place}: ${error.message}${doubt}`)
  }

  /** One line when all went well; otherwise also the first few messages that were not delivered. */
  verdict(elapsedMs: number): string {
    const rate = Math.round((this.delivered * 1000) / Math.max(elapsedMs, 1))
    const done = `${this.delivered} of ${this.sent} messages delivered in ${(elapsedMs / 1000).toFixed(2)} s (${rate}/s)\n`
    if (this.failed === 0) return done
    const more = this.failed - this.#failures.length
    return [
      done,
      `${this.failed} ${this.failed === 1 ? 'was' : 'were'} not delivered:\n`,
      ...this.#failures.map(failure => `${failure}\n`),
      more > 0 ? `  and ${more} more\n` : '',
      this.#cutShort ? 'Nothing was read after that.\n' : '',
    ].join('')
  }
}
