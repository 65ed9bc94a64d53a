// Producer id, epoch and sequences: what lets a broker recognise a batch that it already has.
// Source: KIP-98, KIP-360.

import type { Clock } from '../clock.ts'
import { backoff } from '../cluster/backoff.ts'
import type { BrokerPool } from '../cluster/broker-pool.ts'
import { BrokerError, brokerError, KafkaError, ProtocolError } from '../errors.ts'
import { initProducerId } from '../protocol/apis/init-producer-id.ts'
import { stateMachine } from '../state-machine.ts'
import type { Batch } from './batch.ts'
import type { PartitionQueue } from './partition-queue.ts'

const sequenceMask = 0x7fffffff
const lastEpoch = 32767

export interface IdempotenceOptions {
  readonly pool: Pick<BrokerPool, 'any'>
  readonly clock: Clock
  readonly random: () => number
  readonly requestTimeoutMs: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly on: {
    /** There is a producer id, so batches can be stamped. */
    ready(): void
    /** This attempt to get one failed; another follows. */
    failed(error: KafkaError): void
    /** No broker will ever give one. */
    fatal(error: KafkaError): void
  }
}

export class Idempotence {
  readonly #options: IdempotenceOptions
  readonly #state = stateMachine(
    'idempotence',
    {
      none: ['requesting', 'stopped'],
      requesting: ['none', 'assigned', 'stopped'],
      assigned: ['none', 'stopped'],
      stopped: [],
    },
    'none',
  )
  #producerId = -1n
  #producerEpoch = -1
  #failures = 0
  #timer: unknown

  constructor(options: IdempotenceOptions) {
    this.#options = options
  }

  get producerId(): bigint {
    return this.#producerId
  }

  get producerEpoch(): number {
    return this.#producerEpoch
  }

  /** Whether batches can be stamped; if not, a producer id is being asked for, and `on.ready` follows. */
  ready(): boolean {
    if (this.#state.state === 'none' && this.#timer === undefined) void this.#request()
    return this.#state.state === 'assigned'
  }

  /**
   * Gives the batch its place in the partition's sequence. False: it has to wait until nothing of the partition is in
   * flight, because the epoch has changed. A batch with an uncertain attempt keeps its first stamp: only under that
   * can a broker tell whether it has it.
   */
  stamp(queue: PartitionQueue, batch: Batch): boolean {
    const { stamp } = batch
    if (stamp !== null && (batch.uncertain || this.#isCurrent(stamp.producerId, stamp.producerEpoch))) return true
    if (!this.#isCurrent(queue.producerId, queue.producerEpoch)) {
      if (queue.inFlight > 0) return false
      queue.producerId = this.#producerId
      queue.producerEpoch = this.#producerEpoch
      queue.nextSequence = 0
      // This batch is not in the log, so nothing behind it got there under the old epoch, whatever became of it.
      for (const behind of queue.batches) behind.uncertain = false
      // A broker that does not know this id takes any first sequence: nothing may overtake the one that begins.
      queue.proven = false
    }
    const { producerId, producerEpoch, nextSequence } = queue
    batch.stamp = { producerId, producerEpoch, baseSequence: nextSequence }
    queue.nextSequence = (nextSequence + batch.count) & sequenceMask
    return true
  }

  /** A sequence was broken under this epoch: the next one starts all partitions anew, each when it is idle. */
  bump(producerId: bigint, producerEpoch: number): void {
    if (!this.#isCurrent(producerId, producerEpoch)) return // this break led to a new epoch already
    if (this.#producerEpoch < lastEpoch) this.#producerEpoch++
    else this.renew(producerId)
  }

  /** The id itself is of no use any more. */
  renew(producerId: bigint): void {
    if (producerId !== this.#producerId || !this.#state.can('none')) return
    this.#state.to('none')
    this.#producerId = -1n
  }

  stop(): void {
    this.#options.clock.clearTimer(this.#timer)
    if (this.#state.can('stopped')) this.#state.to('stopped')
  }

  #isCurrent(producerId: bigint, producerEpoch: number): boolean {
    return producerEpoch === this.#producerEpoch && producerId === this.#producerId
  }

  async #request(): Promise<void> {
    const { pool, requestTimeoutMs } = this.#options
    this.#state.to('requesting')
    let error: KafkaError
    try {
      const connection = await pool.any()
      if (connection.version(initProducerId) === undefined) {
        const what = `${connection.label}: InitProducerId, which idempotence needs, is not offered`
        return this.#refused(new ProtocolError(what, { broker: connection.label }))
      }
      const body = { transactionalId: null, transactionTimeoutMs: requestTimeoutMs, producerId: -1n, producerEpoch: -1 }
      const answer = await connection.request(initProducerId, body, { timeoutMs: requestTimeoutMs })
      if (this.#state.state === 'stopped') return
      const { errorCode, producerId, producerEpoch } = answer
      if (errorCode === 0 && (producerId < 0n || producerEpoch < 0)) {
        const what = `${connection.label}: ${producerId}, epoch ${producerEpoch}, is no producer id`
        throw new ProtocolError(what, { broker: connection.label, retriable: true })
      }
      if (errorCode === 0) {
        this.#failures = 0
        this.#producerId = producerId
        this.#producerEpoch = producerEpoch
        this.#state.to('assigned')
        this.#options.on.ready()
        return
      }
      error = brokerError(errorCode, { broker: connection.label, detail: 'no producer id' })
    } catch (thrown) {
      if (!(thrown instanceof KafkaError)) {
        return this.#refused(new ProtocolError(`no producer id: ${thrown}`, { cause: thrown }))
      }
      error = thrown
    }
    if (this.#state.state === 'stopped') return
    // Only a broker's own word is final: a connection that breaks, in whatever way, says nothing about the next one.
    if (error instanceof BrokerError && !error.retriable) return this.#refused(error)
    this.#state.to('none')
    this.#retryLater()
    this.#options.on.failed(error)
  }

  #refused(error: KafkaError): void {
    if (this.#state.state === 'stopped') return
    this.#state.to('none')
    this.#options.on.fatal(error)
  }

  #retryLater(): void {
    const { clock, random, retryBackoffMs, retryBackoffMaxMs } = this.#options
    const delayMs = backoff(++this.#failures, retryBackoffMs, retryBackoffMaxMs, random)
    this.#timer = clock.setTimer(() => {
      this.#timer = undefined
      void this.#request()
    }, delayMs)
  }
}
