// Keeps the cluster snapshot fresh: one request at a time for all who ask, never faster than the backoff, until what is
// wanted is complete. It heals; nobody on the way of a message waits for it.

import type { Clock } from '../clock.ts'
import { brokerError, ConnectionError, KafkaError, StateError } from '../errors.ts'
import { metadata } from '../protocol/apis/metadata.ts'
import type { ResponseOf } from '../protocol/schema.ts'
import type { BrokerAddress } from './addresses.ts'
import { backoff } from './backoff.ts'
import type { BrokerPool } from './broker-pool.ts'
import { type ClusterSnapshot, emptySnapshot, hintedSnapshot, isIncomplete, nextSnapshot } from './snapshot.ts'

export interface MetadataOptions {
  readonly pool: BrokerPool
  readonly clock: Clock
  readonly random: () => number
  /** How often to ask without a reason; -1 is never. Source: librdkafka `topic.metadata.refresh.interval.ms`. */
  readonly refreshIntervalMs: number
  /** No snapshot gets older than this. Source: librdkafka `metadata.max.age.ms`. */
  readonly maxAgeMs: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly requestTimeoutMs: number
  readonly allowAutoTopicCreation: boolean
  readonly on: {
    updated(snapshot: ClusterSnapshot): void
    failed(error: KafkaError): void
  }
}

interface Waiter {
  resolve(snapshot: ClusterSnapshot): void
  reject(error: KafkaError): void
}

const rebootstrapRequired = 129

export class Metadata {
  readonly #options: MetadataOptions
  readonly #wanted = new Set<string>()
  #snapshot = emptySnapshot
  #stopped = false
  /** Who waits for the next request, and who for the one that is under way. */
  #waiting: Waiter[] = []
  #served: Waiter[] = []
  #running = false
  /** Something was asked that the request under way does not answer. */
  #again = false
  #timer: unknown
  #timerAt = Infinity
  #startedAt = -Infinity
  /** Attempts in a row that failed, and answers in a row that left something wanted incomplete. */
  #failures = 0
  #incomplete = 0

  constructor(options: MetadataOptions) {
    this.#options = options
  }

  /** Immutable; a new one with every answer. */
  get snapshot(): ClusterSnapshot {
    return this.#snapshot
  }

  /** Makes a topic part of every refresh from now on. One that is new is asked for at the end of this turn. */
  want(topic: string): void {
    if (this.#wanted.has(topic) || this.#stopped) return
    this.#wanted.add(topic)
    if (this.#running) this.#again = true
    else this.#startAt(this.#options.clock.now())
  }

  /** Leaves a topic out from now on; the next snapshot is without it. */
  forget(topic: string): void {
    this.#wanted.delete(topic)
  }

  /** Asks for a newer snapshot: soon, or by the request under way. */
  refresh(): void {
    if (this.#running || this.#stopped) return
    this.#startAt(this.#startedAt + this.#pauseMs(Math.max(1, this.#failures)))
  }

  /** The snapshot after the next answer, which it asks for. Rejects with the error of that attempt. */
  next(): Promise<ClusterSnapshot> {
    if (this.#stopped) return Promise.reject(stoppedError())
    return new Promise((resolve, reject) => {
      if (this.#running && !this.#again) this.#served.push({ resolve, reject })
      else this.#waiting.push({ resolve, reject })
      this.refresh()
    })
  }

  /** Takes over a broker's hint of a new leader (KIP-951); true if it was news. */
  leaderHint(
    topic: string,
    partition: number,
    leader: number,
    leaderEpoch: number,
    endpoints: readonly BrokerAddress[],
  ): boolean {
    const next = hintedSnapshot(this.#snapshot, topic, partition, leader, leaderEpoch, endpoints)
    if (next === null || this.#stopped) return false
    this.#adopt(next)
    return true
  }

  /** No further requests; whoever waits is told so. */
  stop(): void {
    this.#stopped = true
    this.#options.clock.clearTimer(this.#timer)
    for (const waiter of this.#takeWaiters()) waiter.reject(stoppedError())
  }

  #takeWaiters(): Waiter[] {
    return [...this.#served.splice(0), ...this.#waiting.splice(0)]
  }

  #pauseMs(failures: number): number {
    const { retryBackoffMs, retryBackoffMaxMs, random } = this.#options
    return backoff(failures, retryBackoffMs, retryBackoffMaxMs, random)
  }

  // The earliest of all wishes wins. What is due now starts at the end of the turn, so that a turn's topics go together.
  #startAt(at: number): void {
    if (at >= this.#timerAt || this.#stopped) return
    const { clock } = this.#options
    clock.clearTimer(this.#timer)
    this.#timerAt = at
    const waitMs = at - clock.now()
    if (waitMs > 0) this.#timer = clock.setTimer(() => this.#start(at), waitMs)
    else clock.defer(() => this.#start(at))
  }

  #start(at: number): void {
    if (at !== this.#timerAt || this.#running || this.#stopped) return
    this.#timerAt = Infinity
    this.#running = true
    this.#again = false
    this.#startedAt = this.#options.clock.now()
    this.#served = this.#waiting.splice(0)
    this.#ask().then(
      response => this.#answered(response),
      (error: unknown) => this.#failed(error),
    )
  }

  async #ask(): Promise<ResponseOf<typeof metadata>> {
    const { pool, requestTimeoutMs, allowAutoTopicCreation } = this.#options
    const connection = await pool.any()
    const topics = [...this.#wanted].map(name => ({ name }))
    const response = await connection.request(
      metadata,
      { topics, allowAutoTopicCreation },
      { timeoutMs: requestTimeoutMs },
    )
    if (response.errorCode === rebootstrapRequired) pool.rebootstrap()
    if (response.errorCode !== 0)
      throw brokerError(response.errorCode, { broker: connection.label, detail: 'no metadata' })
    // A broker that has just started may not know of any, not even of itself.
    if (response.brokers.length === 0) {
      throw brokerError('BROKER_NOT_AVAILABLE', {
        broker: connection.label,
        detail: 'it knows no brokers yet',
        retriable: true,
      })
    }
    return response
  }

  #answered(response: ResponseOf<typeof metadata>): void {
    if (this.#stopped) return
    this.#running = false
    const { refreshIntervalMs, maxAgeMs, clock } = this.#options
    const served = this.#served.splice(0)
    this.#adopt(nextSnapshot(this.#snapshot, response, this.#wanted))
    for (const waiter of served) waiter.resolve(this.#snapshot)

    const incomplete = [...this.#wanted].some(topic => isIncomplete(this.#snapshot.topics.get(topic)))
    this.#failures = 0
    this.#incomplete = incomplete ? this.#incomplete + 1 : 0
    if (this.#again) this.#startAt(clock.now())
    else if (incomplete) this.#startAt(clock.now() + this.#pauseMs(this.#incomplete))
    else if (this.#waiting.length > 0) this.refresh()
    else if (refreshIntervalMs > 0) this.#startAt(clock.now() + Math.min(refreshIntervalMs, maxAgeMs))
  }

  #failed(cause: unknown): void {
    if (this.#stopped) return
    this.#running = false
    this.#failures++
    const error = cause instanceof KafkaError ? cause : new ConnectionError(-195, `no metadata: ${cause}`, { cause })
    const served = this.#served.splice(0)
    if (this.#wanted.size > 0 || this.#waiting.length > 0) {
      this.#startAt(this.#options.clock.now() + this.#pauseMs(this.#failures))
    }
    this.#options.on.failed(error)
    for (const waiter of served) waiter.reject(error)
  }

  #adopt(snapshot: ClusterSnapshot): void {
    this.#snapshot = snapshot
    this.#options.pool.setBrokers(snapshot.brokers)
    this.#options.on.updated(snapshot)
  }
}

function stoppedError(): StateError {
  return new StateError('closed', 'the metadata of the cluster is not asked for any more')
}
