// The produce calls. A producer is a view of itself; `with()` makes further ones with other topic properties.

import { InvalidMessageError, MessageTooLargeError } from '../errors.ts'
import type { PartitionerFunction } from '../partitioners/partitioner.ts'
import { type PartitionerName, partitioners } from '../partitioners/partitioners.ts'
import { onAbort } from './aborts.ts'
import type { TopicConfig } from './config/properties.ts'
import type { ProducerCore } from './core.ts'
import { DeliveryHandle, withLimits } from './delivery.ts'
import { dispatchAll } from './dispatch-many.ts'
import { type Message, type PreparedMessage, prepareMessage, snapshotOf } from './message.ts'
import type { DeliveryReport } from './report.ts'
import { type Outgoing, type QueuedListener, SendMany } from './send-many.ts'
import { type Held, Terms } from './terms.ts'
import { type Promised, WaitingMessage } from './waiting-message.ts'

export interface DispatchOptions {
  /** Places this message, or these. */
  readonly partitioner?: PartitionerName | PartitionerFunction
}

export interface SendOptions extends DispatchOptions {
  /** Ends the waiting: before there is room nothing is queued, afterwards the message is still delivered. */
  readonly signal?: AbortSignal
}

export interface ViewOptions {
  readonly topicConfig?: TopicConfig
  readonly partitioner?: PartitionerName | PartitionerFunction
}

// One function for all promises: what it is given goes out through this variable.
let resolveLast: (outcome: unknown) => void
const capture = (resolve: (outcome: never) => void): void => {
  resolveLast = resolve as typeof resolveLast
}

const aReport: Promised = {
  awaited: true,
  queued: (batch, resolve) => batch.callers.call(batch.count - 1, resolve),
}
const aHandle: Promised = {
  awaited: false,
  queued: (batch, resolve) => resolve(new DeliveryHandle(batch, batch.count - 1)),
}

export class ProducerView {
  readonly #core: ProducerCore
  readonly #terms: Terms

  /** @internal */
  constructor(core: ProducerCore, terms: Terms = new Terms(core.config, null)) {
    this.#core = core
    this.#terms = terms
  }

  /**
   * Queues a message, waiting up to `max.block.ms` for room, and resolves with its report once `acks` is met.
   *
   * Rejects with InvalidMessageError, MessageTooLargeError (10), UnknownTopicError (-188), UnknownPartitionError (-190),
   * QueueFullError (-184) after `max.block.ms`, StateError (-172) after `close()`, the signal's reason, and with the
   * delivery's KafkaError: BrokerError, or DeliveryError (-192) after `message.timeout.ms`.
   * Source: librdkafka `rd_kafka_producev()`, KIP-91.
   */
  send(message: Message, options?: SendOptions): Promise<DeliveryReport> {
    const core = this.#core
    const prepared = core.enter()
    try {
      this.#prepare(message, prepared, options)
      const signal = options?.signal
      const report = this.#queue<DeliveryReport>(prepared, aReport, signal)
      return signal === undefined ? report : withLimits(report, core.clock, signal, undefined, () => signal.reason)
    } catch (error) {
      return Promise.reject(error)
    } finally {
      core.leave()
    }
  }

  /**
   * Queues all messages in their order, waiting for room as `send()`, and resolves with their reports in the same order.
   * All are checked before the first is queued: InvalidMessageError names the first bad one's index.
   * Rejects with ProduceManyError, whose `reports` has every verdict, when at least one delivery failed.
   */
  sendMany(messages: Iterable<Message>, options?: SendOptions): Promise<DeliveryReport[]> {
    return this.#withScratch(scratch => this.#sendAll(this.#checkAll(messages, scratch, options), options?.signal))
  }

  /**
   * Queues a message and returns at once; the handle leads to its report. Waits for nothing.
   * Throws as `send()` rejects, and QueueFullError (-184) as soon as there is no room or other calls wait for it.
   */
  dispatch(message: Message, options?: DispatchOptions): DeliveryHandle {
    const core = this.#core
    const prepared = core.enter()
    try {
      this.#prepare(message, prepared, options)
      if (!core.hasRoom(prepared.userBytes)) throw core.queueFull(prepared.userBytes)
      const batch = core.append(prepared, this.#terms, core.clock.now(), false)
      return new DeliveryHandle(batch, batch.count - 1)
    } finally {
      core.leave()
    }
  }

  /**
   * Queues all messages in their order and returns their handles. All are checked before the first is queued.
   * Throws ProduceManyError when one cannot be queued: `dispatched` holds the handles of those before it, `cause` why.
   */
  dispatchMany(messages: Iterable<Message>, options?: DispatchOptions): DeliveryHandle[] {
    const scratch = this.#core.enter()
    try {
      return dispatchAll(this.#core, this.#checkAll(messages, scratch, options))
    } finally {
      this.#core.leave()
    }
  }

  /** As `dispatch()`, but waits up to `max.block.ms` for room. Resolves with the handle once the message is queued. */
  dispatchWait(message: Message, options?: SendOptions): Promise<DeliveryHandle> {
    return this.#withScratch(prepared => {
      this.#prepare(message, prepared, options)
      return this.#queue(prepared, aHandle, options?.signal)
    })
  }

  /** Sends a record without a value, which removes `key` from a compacted topic. As `send()` otherwise. */
  async tombstone(message: { topic?: string; key: string | Uint8Array; partition?: number }): Promise<DeliveryReport> {
    const tombstone: Message = { ...message, value: null }
    if (tombstone.key != null) return this.send(tombstone)
    throw new InvalidMessageError('key', 'key is missing: a tombstone is a message about a key')
  }

  /** Holds a message until `flushBuffer()` or `dispatchBuffer()`; checked now, sent then. Returns the number held. */
  buffer(message: Message): number {
    return this.bufferMany([message])
  }

  /** Holds all messages, or none if one is refused. Returns the number held. */
  bufferMany(messages: Iterable<Message>): number {
    const core = this.#core
    const scratch = core.enter()
    const timestamp = core.clock.wallNow()
    try {
      const outgoing = this.#checkAll(messages, scratch)
      for (let i = 0; i < outgoing.size; i++) {
        const message = outgoing.at(i).message.clone()
        if (message.timestamp < 0) message.timestamp = timestamp
        core.buffered.push({ message, terms: this.#terms })
      }
    } finally {
      core.leave()
    }
    return core.buffered.size
  }

  /** Sends what is held, as `sendMany()`; resolves with `[]` when nothing is. What could not be queued is held again. */
  flushBuffer(): Promise<DeliveryReport[]> {
    return this.#withScratch(() => {
      this.#core.life.producing()
      return this.#sendAll(this.#takeBuffered(), undefined, this.#flushed)
    })
  }

  /**
   * Dispatches what is held, as `dispatchMany()`; `[]` when nothing is. What there was no room for and what follows a
   * message that is refused for another reason is held again.
   */
  dispatchBuffer(): DeliveryHandle[] {
    this.#core.life.producing()
    return dispatchAll(this.#core, this.#takeBuffered(), this.#flushed)
  }

  /**
   * The same producer with other topic properties or another partitioner: same queue, same events.
   * Throws ConfigError for properties that may not be.
   */
  with({ topicConfig = {}, partitioner }: ViewOptions): ProducerView {
    const overrides = partitioner === undefined ? topicConfig : { ...topicConfig, partitioner }
    return new ProducerView(this.#core, this.#terms.with(overrides as TopicConfig, this.#core.warn))
  }

  // Reads and checks one message. State comes first, so that nothing of the user's runs in vain.
  #prepare(message: Message, into: PreparedMessage, options?: DispatchOptions): void {
    const core = this.#core
    core.life.producing()
    prepareMessage(core.middleware.length === 0 ? message : core.transform(message), core.rules, into)
    this.#complete(into, options)
  }

  #complete(into: PreparedMessage, options: DispatchOptions | undefined, index?: number): void {
    into.partitioner = options?.partitioner === undefined ? null : checkPartitioner(options.partitioner)
    const max = this.#core.messageMaxBytes
    if (into.messageBytes <= max) return
    const { topic } = into
    const which = index === undefined ? 'a message' : `message ${index}`
    throw new MessageTooLargeError(
      `${which} to '${topic}' has ${into.messageBytes} bytes, message.max.bytes is ${max}`,
      { topic },
    )
  }

  // Throws before anything is queued. All code of the user's runs here, and once: what is prepared again is a snapshot,
  // and what serializers and key maker have made is kept as it is.
  #checkAll(messages: Iterable<Message>, scratch: PreparedMessage, options?: DispatchOptions): Outgoing {
    const core = this.#core
    core.life.producing()
    const { rules } = core
    const snapshots: Message[] = []
    const copies: Held[] = []
    let index = 0
    for (const given of checkList(messages)) {
      const transformed = core.middleware.length === 0 ? given : core.transform(given)
      const message = rules.isPlain ? snapshotOf(transformed, index) : transformed
      prepareMessage(message, rules, scratch, index)
      this.#complete(scratch, options, index)
      core.checkPlace(scratch, index)
      if (rules.isPlain) snapshots.push(message)
      else copies.push({ message: scratch.clone(), terms: this.#terms })
      index++
    }
    if (!rules.isPlain) return { size: index, at: i => copies[i] as Held }
    const held: Held = { message: scratch, terms: this.#terms }
    return {
      size: index,
      at: i => {
        prepareMessage(snapshots[i] as Message, rules, scratch, i)
        this.#complete(scratch, options, i)
        return held
      },
    }
  }

  #takeBuffered(): Outgoing {
    const held = this.#core.buffered.takeAll()
    return { size: held.length, at: index => held[index] as Held }
  }

  readonly #flushed: QueuedListener = (count, rest) => {
    this.#core.holdAgain(rest)
    if (count > 0) this.#core.events.emit('buffer.flushed', { count })
  }

  // As soon as there is room, which may be at once. Throws the signal's reason, and what `append` throws.
  #queue<T>(prepared: PreparedMessage, promised: Promised, signal: AbortSignal | undefined): Promise<T> {
    const core = this.#core
    if (signal?.aborted) throw signal.reason
    const calledAt = core.clock.now()
    const { userBytes } = prepared
    if (core.hasRoom(userBytes)) {
      const batch = core.append(prepared, this.#terms, calledAt, promised.awaited)
      const promise = new Promise<T>(capture)
      promised.queued(batch, resolveLast)
      return promise
    }
    if (core.room.neverFits(userBytes)) throw core.queueFull(userBytes)
    const promise = new Promise<T>(capture)
    new WaitingMessage(core, prepared, this.#terms, calledAt, promised, resolveLast, signal)
    return promise
  }

  #sendAll(outgoing: Outgoing, signal: AbortSignal | undefined, onQueued?: QueuedListener): Promise<DeliveryReport[]> {
    const core = this.#core
    if (signal?.aborted) return Promise.reject(signal.reason)
    let done = (): void => {}
    const reports = new Promise<DeliveryReport[]>((resolve, reject) => {
      const all = new SendMany(core, outgoing, resolve, reject, onQueued)
      if (signal !== undefined) done = onAbort(signal, () => all.leave(signal.reason))
    })
    if (signal === undefined) return reports
    reports.then(done, done)
    return withLimits(reports, core.clock, signal, undefined, () => signal.reason)
  }

  #withScratch<T>(fn: (scratch: PreparedMessage) => Promise<T>): Promise<T> {
    const scratch = this.#core.enter()
    try {
      return fn(scratch)
    } catch (error) {
      return Promise.reject(error)
    } finally {
      this.#core.leave()
    }
  }
}

function checkList(messages: Iterable<Message>): Iterable<Message> {
  if (typeof messages?.[Symbol.iterator] === 'function') return messages
  throw new InvalidMessageError('messages', `messages is ${typeof messages}: it must be an array or another iterable`)
}

function checkPartitioner(partitioner: unknown): PartitionerName | PartitionerFunction {
  if (typeof partitioner === 'function' || Object.hasOwn(partitioners, String(partitioner))) {
    return partitioner as PartitionerName | PartitionerFunction
  }
  const allowed = `a function or one of ${Object.keys(partitioners).join(', ')}`
  throw new InvalidMessageError('partitioner', `partitioner is ${String(partitioner)}: it must be ${allowed}`)
}
