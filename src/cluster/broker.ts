// One broker of the pool: its address, its one connection, and when it may be dialled again after a failure.

import type { KafkaError } from '../errors.ts'
import type { BrokerAddress } from './addresses.ts'
import { backoff } from './backoff.ts'
import { Connection, type ConnectionOptions } from './connection.ts'

export interface BrokerOptions {
  readonly connection: Omit<ConnectionOptions, 'host' | 'port' | 'nodeId' | 'on'>
  readonly random: () => number
  readonly reconnectBackoffMs: number
  readonly reconnectBackoffMaxMs: number
  readonly on: {
    ready(broker: Broker): void
    /** A connection ended (`wasReady`) or could not be made; without an error when that was wanted. */
    gone(broker: Broker, wasReady: boolean, error?: KafkaError): void
    drained(broker: Broker): void
    throttled(broker: Broker, ms: number): void
  }
}

// While nobody can be reached, somebody is tried this often. Source: Apache Kafka `reconnect.backoff.max.ms`.
const longestSearchPauseMs = 1000

export class Broker {
  readonly #options: BrokerOptions
  #address: BrokerAddress
  #connection: Connection | null = null
  #error: KafkaError | undefined
  #failures = 0
  #dialAt = -Infinity
  #failedAt = -Infinity
  #timer: unknown
  /** Somebody waits for it: it is dialled until it is there. */
  #wanted = false
  #readyAt = Infinity

  constructor(address: BrokerAddress, options: BrokerOptions) {
    this.#address = address
    this.#options = options
  }

  get address(): BrokerAddress {
    return this.#address
  }

  /** Why the last connection ended or could not be made; undefined while there is a ready one. */
  get error(): KafkaError | undefined {
    return this.#error
  }

  /** Whether there is a connection, ready or on its way. */
  get connected(): boolean {
    return this.#connection !== null
  }

  /** The connection, if requests can be sent. */
  get ready(): Connection | null {
    return this.#connection?.usable ? this.#connection : null
  }

  /** When (`clock.now()`, milliseconds) it may be dialled. */
  get dialAt(): number {
    return this.#dialAt
  }

  /** When it may be dialled while nobody can be reached: then a long backoff would only keep us from hearing of the end. */
  get searchAt(): number {
    return Math.min(this.#dialAt, this.#failedAt + Math.max(this.#options.reconnectBackoffMs, longestSearchPauseMs))
  }

  /** Which broker this address has turned out to be. */
  identify(address: BrokerAddress): void {
    this.#address = address
    this.#connection?.identify(address.nodeId)
  }

  /** Dials until there is a connection. */
  want(): void {
    this.#wanted = true
    this.dial()
  }

  /** Dials once, unless that is under way; not before the backoff is over. */
  dial(): void {
    const { clock } = this.#options.connection
    if (this.#connection !== null || this.#timer !== undefined) return
    const waitMs = this.#dialAt - clock.now()
    if (waitMs > 0) this.#timer = clock.setTimer(() => this.#connect(), waitMs)
    else this.#connect()
  }

  /** As `dial`, not before `searchAt`. */
  seek(): void {
    this.#hasten(this.searchAt)
    this.dial()
  }

  /** Ends the backoff: whoever waits for it is waited for no longer. */
  redial(): void {
    this.#failures = 0
    const waited = this.#timer !== undefined
    this.#hasten(-Infinity)
    if (waited) this.dial()
  }

  // Brings the next attempt forward.
  #hasten(at: number): void {
    this.#dialAt = at
    this.#options.connection.clock.clearTimer(this.#timer)
    this.#timer = undefined
  }

  /** No further requests: the connection ends when nothing is in flight. */
  finish(): void {
    this.#forget()
    this.#connection?.finish()
  }

  close(): void {
    this.#forget()
    this.#connection?.close()
  }

  #forget(): void {
    this.#wanted = false
    this.#options.connection.clock.clearTimer(this.#timer)
    this.#timer = undefined
  }

  #connect(): void {
    const { connection, on } = this.#options
    const { host, port, nodeId } = this.#address
    this.#timer = undefined
    this.#connection = new Connection({
      ...connection,
      host,
      port,
      nodeId,
      on: {
        ready: () => {
          this.#wanted = false
          this.#error = undefined
          this.#readyAt = connection.clock.now()
          on.ready(this)
        },
        closed: (ended, error) => this.#closed(ended, error),
        drained: () => on.drained(this),
        throttled: (_, ms) => on.throttled(this, ms),
      },
    })
  }

  #closed(ended: Connection, error: KafkaError | undefined): void {
    const { connection, random, reconnectBackoffMs, reconnectBackoffMaxMs, on } = this.#options
    const now = connection.clock.now()
    this.#connection = null
    // One that worked is dialled again at once. One that only became ready did not: a broker that ends every
    // connection after the handshake would be dialled without a pause.
    const worked = ended.proven || now - this.#readyAt >= reconnectBackoffMs
    const wasReady = this.#readyAt < Infinity
    this.#readyAt = Infinity
    if (worked) this.#failures = 0
    if (error !== undefined) {
      this.#error = error
      if (!worked) {
        this.#failedAt = now
        this.#dialAt = now + backoff(++this.#failures, reconnectBackoffMs, reconnectBackoffMaxMs, random)
      }
    }
    on.gone(this, wasReady, error)
    if (this.#wanted) this.dial()
  }
}
