// Takes the producer's place in unit tests: a producer without a cluster, whose messages are recorded and get the
// verdicts that the test decides on.

import { BrokerError, ConfigError, DeliveryError, type ErrorContext, type KafkaError } from '../errors.ts'
import type { Batch } from '../producer/batch.ts'
import type { ProducerOptions } from '../producer/config/config.ts'
import { type Middleware, ProducerCore } from '../producer/core.ts'
import type { Message, Serializer } from '../producer/message.ts'
import { Producer } from '../producer/producer.ts'
import { codeOf } from './endpoint.ts'
import { type Recorder, RecordingSession } from './recording-session.ts'

/** A message as it was handed over, and where it would stand. */
export interface RecordedMessage extends Message {
  readonly topic: string
  readonly partition: number
  /** Counted from 0 in each partition; -1n for one that failed, and with acks 0. */
  readonly offset: bigint
  readonly timestamp: number
  readonly error: KafkaError | null
}

/** What becomes of a message: null for success, or an error or its Kafka name. */
export type RecordedVerdict = KafkaError | string | null

/** Those of a producer, all of them optional. */
export interface RecordingProducerOptions extends Partial<ProducerOptions> {
  /** How many partitions every topic has; 1 if not given. */
  readonly partitions?: number
}

/**
 * A producer without a cluster: give it to the code under test, then look at `sent`. It checks, serialises and
 * partitions as any producer does; every topic is there. Reports come in the next promise job, so that neither timers
 * nor sockets are needed: of success, unless `failNext()` or `decide()` say otherwise.
 *
 * Throws ConfigError, as a producer does.
 */
export class RecordingProducer extends Producer {
  /** Everything that was queued, in that order; what is held by `buffer()` is not yet. */
  readonly sent: RecordedMessage[] = []
  readonly #core: ProducerCore
  readonly #verdicts: (KafkaError | string)[] = []
  readonly #refusals: KafkaError[] = []
  readonly #offsets = new Map<string, bigint>()
  #decide: (message: Message) => RecordedVerdict = () => null

  constructor(options: RecordingProducerOptions = {}) {
    const { partitions = 1, ...given } = options
    if (!Number.isInteger(partitions) || partitions < 1) {
      const allowed = 'an integer from 1 on'
      throw new ConfigError('partitions', partitions, allowed, `partitions = ${partitions}: it must be ${allowed}`)
    }
    const servers = given['bootstrap.servers'] ?? given['metadata.broker.list'] ?? 'nowhere'
    const complete = { ...given, ...seeingGiven(given), 'bootstrap.servers': servers }
    const core = new ProducerCore(complete)
    super(complete, core)
    this.#core = core
    const record: Recorder = (message, batch) => this.#record(message, batch)
    core.life.open = options => new RecordingSession(options, partitions, record)
    core.middleware.push(message => this.#carry(message))
  }

  /** What was queued for one topic. */
  sentTo(topic: string): RecordedMessage[] {
    return this.sent.filter(message => message.topic === topic)
  }

  /** Forgets what was recorded, held and decided. One that is closed stays so. */
  reset(): void {
    this.sent.length = 0
    this.#verdicts.length = 0
    this.#refusals.length = 0
    this.#offsets.clear()
    this.#decide = () => null
    this.purge()
  }

  /** Lets the next messages fail with these errors, one each: Kafka's names or errors of one's own. */
  failNext(...errors: (KafkaError | string)[]): void {
    for (const error of errors) errorOf(error, {}) // names are checked here
    this.#verdicts.push(...errors)
  }

  /** Lets the next calls that hand over messages, or `connect()`, be refused at once, such as with a QueueFullError. */
  refuseNext(...errors: KafkaError[]): void {
    this.#refusals.push(...errors)
  }

  /** Decides on every message that `failNext()` leaves over. */
  decide(fn: (message: Message) => RecordedVerdict): void {
    this.#decide = fn
  }

  override async connect(): Promise<void> {
    this.#refuse()
    await super.connect()
  }

  override use(step: Middleware): this {
    // The last one is ours: it sees what the others made of the message.
    this.#core.middleware.splice(-1, 0, step)
    return this
  }

  #refuse(): void {
    const refusal = this.#refusals.shift()
    if (refusal !== undefined) throw refusal
  }

  #carry(message: Message): Message {
    this.#refuse()
    if (typeof message !== 'object' || message === null) return message
    const given = copyOf(message)
    // The time of day itself: a producer reckons from its own clock, which a test that sets the date does not move.
    return { ...given, timestamp: given.timestamp ?? this.#core.clock.wallNow(), opaque: given }
  }

  #record(given: Message, batch: Batch): RecordedMessage {
    const { topic, partition, profile } = batch
    const decided = this.#verdicts.shift() ?? this.#decide({ ...given, topic })
    const error = decided === null ? null : errorOf(decided, { topic, partition })
    const offset = error === null && profile['request.required.acks'] !== 0 ? this.#nextOffset(batch) : -1n
    const recorded = { ...given, topic, partition, offset, timestamp: batch.timestampAt(0), error }
    this.sent.push(recorded)
    return recorded
  }

  #nextOffset({ topic, partition }: Batch): bigint {
    const place = `${topic}-${partition}`
    const offset = this.#offsets.get(place) ?? 0n
    this.#offsets.set(place, offset + 1n)
    return offset
  }
}

const givenOf = (carrier: Message): Message => carrier.opaque as Message

// The functions of a configuration see what was given, not what carries it.
function seeingGiven({ keyMaker, keySerializer, valueSerializer }: Partial<ProducerOptions>): Partial<ProducerOptions> {
  const serializer = (fn: Serializer | undefined): Serializer | undefined =>
    typeof fn === 'function' ? (value, message) => fn(value, givenOf(message)) : fn
  return {
    keyMaker: typeof keyMaker === 'function' ? message => keyMaker(givenOf(message)) : keyMaker,
    keySerializer: serializer(keySerializer),
    valueSerializer: serializer(valueSerializer),
  }
}

// Fields may be getters of a class, and an iterator gives its pairs once.
function copyOf(message: Message): Message {
  const { topic, value, key, headers, partition, partitionKey, timestamp, opaque } = message
  const pairs = typeof headers === 'object' && headers !== null && Symbol.iterator in headers ? [...headers] : headers
  const bytes = { value: owned(value), key: owned(key), headers: owned(pairs), partitionKey: owned(partitionKey) }
  const copy = { ...message, topic, ...bytes, partition, timestamp, opaque }
  return Object.fromEntries(Object.entries(copy).filter(([, field]) => field !== undefined)) as unknown as Message
}

// The code under test may use its memory again.
function owned(given: unknown): unknown {
  if (given instanceof Uint8Array) return Uint8Array.prototype.slice.call(given)
  return Array.isArray(given) ? given.map(owned) : given
}

function errorOf(given: KafkaError | string, place: ErrorContext): KafkaError {
  if (typeof given !== 'string') return given
  const localCode = localCodes.get(given)
  const why = `told to fail with ${given}`
  return localCode === undefined ? new BrokerError(codeOf(given), why, place) : new DeliveryError(localCode, why, place)
}

const localCodes = new Map<string, -192 | -152 | -151>([
  ['_MSG_TIMED_OUT', -192],
  ['_PURGE_QUEUE', -152],
  ['_PURGE_INFLIGHT', -151],
])
