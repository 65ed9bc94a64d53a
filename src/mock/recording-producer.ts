// Takes the producer's place in unit tests: the same calls, nothing sent, everything recorded, verdicts as told.

import {
  BrokerError,
  DeliveryError,
  InvalidMessageError,
  type KafkaError,
  ProduceManyError,
  StateError,
} from '../errors.ts'
import type { DeliveryHandle, DeliveryReport, Message, Producer, TopicHandle } from '../index.ts'
import { codeOf } from './endpoint.ts'

/** A message as it was handed over, and where it would stand. */
export interface RecordedMessage extends Message {
  readonly topic: string
  /** As given; 0 where the partitioner would have decided. */
  readonly partition: number
  /** Counted from 0 in each partition; -1n for one that failed. */
  readonly offset: bigint
  readonly timestamp: number
  readonly error: KafkaError | null
}

/** What becomes of a message: null for success, or an error or its Kafka name. */
export type RecordedVerdict = KafkaError | string | null

export interface RecordingProducerOptions {
  /** As with a producer: the first is the default topic. */
  readonly topics?: readonly string[]
  /** What `partitionCount()` says; 1 if not given. */
  readonly partitions?: number
}

type Calls =
  | 'send'
  | 'sendMany'
  | 'dispatch'
  | 'dispatchMany'
  | 'dispatchWait'
  | 'tombstone'
  | 'buffer'
  | 'bufferMany'
  | 'flushBuffer'
  | 'dispatchBuffer'
  | 'partitionCount'
  | 'connect'
  | 'disconnect'
  | 'flush'
  | 'close'
  | 'purge'
  | 'queueSize'
  | 'buffered'

/**
 * A producer without a cluster. Give it to code that takes a `Pick<Producer, 'send' | ...>`, then look at `sent`.
 * Every message has its verdict at once: success, unless `failNext()` or `decide()` say otherwise.
 */
export class RecordingProducer implements Pick<Producer, Calls> {
  /** Everything that was handed over, in that order; what is held by `buffer()` is not yet. */
  readonly sent: RecordedMessage[] = []
  /** Whether `close()` was called. */
  closed = false
  readonly #options: RecordingProducerOptions
  readonly #verdicts: KafkaError[] = []
  readonly #refusals: KafkaError[] = []
  readonly #offsets = new Map<string, bigint>()
  #held: Message[] = []
  #decide: (message: Message) => RecordedVerdict = () => null

  constructor(options: RecordingProducerOptions = {}) {
    this.#options = options
  }

  get queueSize(): number {
    return 0
  }

  get buffered(): number {
    return this.#held.length
  }

  /** What was handed over for one topic. */
  sentTo(topic: string): RecordedMessage[] {
    return this.sent.filter(message => message.topic === topic)
  }

  /** Forgets what was recorded, held and told. */
  reset(): void {
    this.sent.length = 0
    this.#held = []
    this.#verdicts.length = 0
    this.#refusals.length = 0
    this.#offsets.clear()
    this.#decide = () => null
    this.closed = false
  }

  /** Lets the next messages fail with these errors, one each: Kafka's names or errors of one's own. */
  failNext(...errors: (KafkaError | string)[]): void {
    this.#verdicts.push(...errors.map(errorOf))
  }

  /** Lets the next calls be refused before anything is recorded, such as with a QueueFullError. */
  refuseNext(...errors: KafkaError[]): void {
    this.#refusals.push(...errors)
  }

  /** Decides on every message that `failNext()` leaves over. */
  decide(fn: (message: Message) => RecordedVerdict): void {
    this.#decide = fn
  }

  async send(message: Message): Promise<DeliveryReport> {
    this.#enter()
    return verdictOf(this.#record(this.#check(message)))
  }

  async sendMany(messages: Iterable<Message>): Promise<DeliveryReport[]> {
    this.#enter()
    return this.#recordAll(this.#checkAll(messages))
  }

  dispatch(message: Message): DeliveryHandle {
    this.#enter()
    return handleOf(this.#record(this.#check(message)))
  }

  dispatchMany(messages: Iterable<Message>): DeliveryHandle[] {
    this.#enter()
    return this.#checkAll(messages).map(message => handleOf(this.#record(message)))
  }

  async dispatchWait(message: Message): Promise<DeliveryHandle> {
    return this.dispatch(message)
  }

  async tombstone(message: { topic?: string; key: string | Uint8Array; partition?: number }): Promise<DeliveryReport> {
    return this.send({ ...message, value: null })
  }

  buffer(message: Message): number {
    return this.bufferMany([message])
  }

  bufferMany(messages: Iterable<Message>): number {
    this.#enter()
    this.#held.push(...this.#checkAll(messages))
    return this.buffered
  }

  async flushBuffer(): Promise<DeliveryReport[]> {
    this.#enter()
    return this.#recordAll(this.#takeHeld())
  }

  dispatchBuffer(): DeliveryHandle[] {
    this.#enter()
    return this.#takeHeld().map(message => handleOf(this.#record(message)))
  }

  async partitionCount(): Promise<number> {
    return this.#options.partitions ?? 1
  }

  /** As `Producer.topic()`. */
  topic(name: string): Omit<TopicHandle, 'partitionCount'> {
    return {
      name,
      send: message => this.send({ ...message, topic: name }),
      dispatch: message => this.dispatch({ ...message, topic: name }),
    }
  }

  async connect(): Promise<void> {
    this.#enter()
  }

  async disconnect(): Promise<void> {}

  async flush(): Promise<void> {}

  /** Sends what is held, as a producer does. */
  async close(): Promise<{ lost: number }> {
    if (this.closed) return { lost: 0 }
    const failed = this.#takeHeld().filter(message => this.#record(message).error !== null)
    this.closed = true
    return { lost: failed.length }
  }

  purge(): number {
    return this.#takeHeld().length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #enter(): void {
    if (this.closed) throw new StateError('closed', 'the producer is closed')
    const refusal = this.#refusals.shift()
    if (refusal !== undefined) throw refusal
  }

  #checkAll(messages: Iterable<Message>): Message[] {
    return Array.from(messages, (message, index) => this.#check(message, index))
  }

  #check(message: Message, index?: number): Message & { topic: string } {
    const topic = message.topic ?? this.#options.topics?.[0]
    const at = index === undefined ? {} : { index }
    if (typeof topic !== 'string') throw new InvalidMessageError('topic', 'topic is missing: there is no default', at)
    if (message.value === undefined)
      throw new InvalidMessageError('value', 'value is undefined: null is a tombstone', at)
    return { ...message, topic }
  }

  #takeHeld(): Message[] {
    const held = this.#held
    this.#held = []
    return held
  }

  #recordAll(messages: readonly Message[]): DeliveryReport[] {
    const reports = messages.map(message => reportOf(this.#record(message)))
    const failed = reports.filter(({ error }) => error !== null)
    if (failed.length === 0) return reports
    const why = `${failed.length} of ${reports.length} messages were not delivered`
    throw new ProduceManyError<DeliveryReport, DeliveryHandle>(why, { reports, cause: failed[0]?.error })
  }

  #record(message: Message): RecordedMessage {
    const topic = message.topic ?? ''
    const partition = message.partition == null || message.partition < 0 ? 0 : message.partition
    const decided = this.#verdicts.shift() ?? this.#decide(message)
    const error = decided === null ? null : errorOf(decided)
    const place = `${topic}-${partition}`
    const offset = error === null ? (this.#offsets.get(place) ?? 0n) : -1n
    if (error === null) this.#offsets.set(place, offset + 1n)
    const { timestamp } = message
    const time = timestamp instanceof Date ? timestamp.getTime() : (timestamp ?? Date.now())
    const recorded = { ...message, topic, partition, offset, timestamp: time, error }
    this.sent.push(recorded)
    return recorded
  }
}

function errorOf(given: KafkaError | string): KafkaError {
  if (typeof given !== 'string') return given
  const { [given]: local } = localErrors
  return local === undefined ? new BrokerError(codeOf(given), `told to fail with ${given}`) : local()
}

const localErrors: Readonly<Record<string, () => KafkaError>> = {
  _MSG_TIMED_OUT: () => new DeliveryError(-192, 'told to run out of time'),
  _PURGE_QUEUE: () => new DeliveryError(-152, 'told to be purged from the queue'),
  _PURGE_INFLIGHT: () => new DeliveryError(-151, 'told to be purged in flight'),
}

function reportOf({ topic, partition, offset, timestamp, opaque, error }: RecordedMessage): DeliveryReport {
  const status = error === null ? 'persisted' : error.code === -151 ? 'possibly-persisted' : 'not-persisted'
  return { topic, partition, offset, timestamp, status, error, opaque, attempts: 1, latencyMs: 0 }
}

function verdictOf(message: RecordedMessage): DeliveryReport {
  if (message.error !== null) throw message.error
  return reportOf(message)
}

function handleOf(message: RecordedMessage): DeliveryHandle {
  const report = reportOf(message)
  const handle: Omit<DeliveryHandle, 'tell'> = {
    topic: message.topic,
    opaque: message.opaque,
    settled: true,
    report,
    async wait({ throwOnError = true } = {}) {
      if (report.error !== null && throwOnError) throw report.error
      return report
    },
  }
  return handle as DeliveryHandle // which is a class, and that is all it has
}
