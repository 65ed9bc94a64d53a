// The public class: a view of itself, with a beginning and an end.

import type { SaslCredentials } from '../sasl/exchange.ts'
import type { ProducerOptions } from './config/config.ts'
import type { TopicConfig } from './config/properties.ts'
import { type Middleware, ProducerCore } from './core.ts'
import type { DeliveryHandle } from './delivery.ts'
import type { EventName, Listener } from './events.ts'
import type { ProducerStatus } from './life-cycle.ts'
import { checkTopicName, type Message } from './message.ts'
import type { DeliveryReport } from './report.ts'
import { topicFault, unknownTopicCode } from './topics.ts'
import { type DispatchOptions, ProducerView, type SendOptions } from './view.ts'
import { writableOf } from './writable.ts'

/** A topic by its name. */
export interface TopicHandle {
  readonly name: string
  send(message: Omit<Message, 'topic'>, options?: SendOptions): Promise<DeliveryReport>
  dispatch(message: Omit<Message, 'topic'>, options?: DispatchOptions): DeliveryHandle
  partitionCount(): Promise<number>
}

/**
 * A Kafka producer. Construction checks everything and connects nothing: `connect()` or the first message does.
 *
 * Throws ConfigError, which names property, value and allowed range.
 * Source: librdkafka's producer, with its property names, defaults and queue semantics.
 */
export class Producer extends ProducerView {
  readonly #core: ProducerCore

  constructor(options: ProducerOptions)
  /** @internal */
  constructor(options: ProducerOptions, core: ProducerCore)
  constructor(options: ProducerOptions, core = new ProducerCore(options)) {
    super(core)
    this.#core = core
  }

  get status(): ProducerStatus {
    return this.#core.life.status
  }

  /** Messages without a report yet: `unsent` and `inFlight` together. */
  get queueSize(): number {
    return this.#core.room.messages
  }

  /** Bytes of their keys, values, header names and header values. */
  get queueBytes(): number {
    return this.#core.room.bytes
  }

  /** Messages in requests that are not answered yet. */
  get inFlight(): number {
    return this.#core.inFlight
  }

  /** Messages that wait to be sent, for the first time or again. */
  get unsent(): number {
    return this.queueSize - this.inFlight
  }

  /** Messages held by `buffer()`. */
  get buffered(): number {
    return this.#core.buffered.size
  }

  /**
   * Resolves when the cluster and the `topics` of the configuration are known. Not needed before producing.
   * Rejects with the fault as soon as every bootstrap server has given one, after 10 s at the latest: ConnectionError,
   * AuthenticationError, ProtocolError, BrokerError for a topic.
   */
  connect(): Promise<void> {
    return this.#core.life.connect()
  }

  /** Sends what is queued, under `close()`'s deadline, then lets go of every connection. The next use connects again. */
  disconnect(): Promise<void> {
    return this.#core.life.disconnect(60_000)
  }

  /**
   * Sends what is queued or held and ends for good; resolves with the number of messages that got no good report.
   * What has no verdict after `timeoutMs` (milliseconds, default 60000) is given up: -152 if it was never written,
   * -151 if it may be in the log. `force` gives up at once, also for a `close()` that is under way.
   */
  close({
    timeoutMs = 60_000,
    force = false,
  }: {
    timeoutMs?: number
    force?: boolean
  } = {}): Promise<{ lost: number }> {
    return this.#core.life.close(timeoutMs, force)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * Cuts linger short; resolves when everything that is queued or waiting now has its report, good or bad.
   * Rejects with FlushTimeoutError after `timeoutMs` (milliseconds), and with the signal's reason.
   */
  flush({ timeoutMs, signal }: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<void> {
    return this.#core.life.flush(timeoutMs, signal)
  }

  /**
   * Gives up messages: their reports say -152 (queued) or -151 (in flight, possibly persisted). Without arguments
   * both, and those held by `buffer()`. Returns how many. Source: librdkafka `rd_kafka_purge()`.
   */
  purge(which?: { queued?: boolean; inFlight?: boolean }): number {
    if (which === undefined) return this.#core.purge(true, true, true)
    return this.#core.purge(which.queued ?? false, which.inFlight ?? false, false)
  }

  /**
   * A stream to write messages to. A write waits up to `max.block.ms` for room in the queue, not for the broker; `close()`
   * cuts linger short and resolves when all that was written has its report. The first message that is refused or not
   * delivered makes the stream fail at once, with its KafkaError. `abort()` ends the waiting; what is queued is delivered
   * all the same. The producer stays open in any case.
   */
  writable(): WritableStream<Message> {
    return writableOf(this.#core, this)
  }

  /**
   * How many partitions a topic has: from what is known, or asked for once.
   * Rejects with UnknownTopicError, or with the fault that keeps it from being known.
   */
  async partitionCount(topic: string): Promise<number> {
    checkTopicName(topic)
    const { accumulator, metadata } = this.#core.life.producing()
    const known = accumulator.topic(topic).partitionCount
    if (known > 0) return known
    const snapshot = await metadata.next()
    const { partitions = [], errorCode = unknownTopicCode } = snapshot.topics.get(topic) ?? {}
    if (partitions.length === 0) throw topicFault(topic, errorCode)
    return partitions.length
  }

  /**
   * Names a topic, with properties that hold for all its messages. A second configuration of a name is ignored.
   * Throws ConfigError for properties that may not be, InvalidMessageError for a name that Kafka does not allow.
   */
  topic(name: string, topicConfig?: TopicConfig): TopicHandle {
    this.#core.defineTopic(name, topicConfig)
    return {
      name,
      send: (message, options) => {
        try {
          return this.send({ ...message, topic: name }, options)
        } catch (error) {
          return Promise.reject(error) // what a getter of the message threw
        }
      },
      dispatch: (message, options) => this.dispatch({ ...message, topic: name }, options),
      partitionCount: () => this.partitionCount(name),
    }
  }

  /** Whether `topic()` named it. */
  hasTopic(name: string): boolean {
    return this.#core.profiles.has(name)
  }

  /** Drops what `topic()` said; messages that are queued finish. Returns whether there was something to drop. */
  removeTopic(name: string): boolean {
    return this.#core.removeTopic(name)
  }

  /**
   * Other credentials for the next authentication: of a new connection, or when a session is renewed. Those that are
   * open stay as they are. Throws StateError where the mechanism takes none, ConfigError for what is no text.
   */
  setSaslCredentials(credentials: SaslCredentials): void {
    this.#core.security.setCredentials(credentials)
  }

  /** Adds a step that every message passes once, before it is checked. What it throws refuses the message. */
  use(step: Middleware): this {
    this.#core.middleware.push(step)
    return this
  }

  /** Throws InvalidMessageError for an event that does not exist, naming those that do. */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): this {
    this.#core.events.add(name, listener, false)
    return this
  }

  once<Name extends EventName>(name: Name, listener: Listener<Name>): this {
    this.#core.events.add(name, listener, true)
    return this
  }

  off<Name extends EventName>(name: Name, listener: Listener<Name>): this {
    this.#core.events.remove(name, listener)
    return this
  }
}
