// What all views of one producer share on the way of a message into the queue.

import { type Clock, ProcessHold, systemClock } from '../clock.ts'
import { codecUnavailable } from '../compression/codecs.ts'
import { type QueueFullError, UnknownPartitionError, UnknownTopicError } from '../errors.ts'
import type { Batch } from './batch.ts'
import { Buffered } from './buffered.ts'
import {
  deriveProfile,
  type ProducerConfig,
  type ProducerOptions,
  resolveConfig,
  type TopicProfile,
} from './config/config.ts'
import type { ConfigWarning } from './config/findings.ts'
import type { TopicConfig } from './config/properties.ts'
import { Events } from './events.ts'
import { LifeCycle } from './life-cycle.ts'
import { checkTopicName, type Message, type MessageRules, PreparedMessage } from './message.ts'
import { Room } from './room.ts'
import { Security } from './security.ts'
import type { Held, Terms } from './terms.ts'

export type Middleware = (message: Message) => Message

export class ProducerCore {
  readonly config: ProducerConfig
  readonly security: Security
  readonly clock: Clock
  readonly events = new Events()
  readonly room: Room
  readonly life: LifeCycle
  readonly buffered: Buffered
  readonly rules: MessageRules
  readonly messageMaxBytes: number
  readonly middleware: Middleware[] = []
  readonly warn = (warning: ConfigWarning): void => this.events.emit('config.warning', warning)
  /** What `topic()` was told. */
  readonly profiles = new Map<string, TopicProfile>()
  // Reused from message to message; one for each depth, since user code that runs inside may produce, too.
  readonly #scratch = [new PreparedMessage()]
  #depth = 0
  readonly #flushEvery: number

  constructor(options: ProducerOptions) {
    this.config = resolveConfig(options, codecUnavailable)
    const { properties, profile, options: plugged, warnings } = this.config
    this.clock = plugged.clock ?? systemClock
    this.security = new Security(this.config, this.clock)
    this.room = new Room(
      this.clock,
      properties['queue.buffering.max.messages'],
      properties['buffer.memory'],
      properties['max.block.ms'],
      this.clock === systemClock ? new ProcessHold() : null,
      () => this.life.flushes.check(),
      () => this.queueFull(),
    )
    this.buffered = new Buffered(this.room, ({ message, terms }) => {
      this.append(message, terms, this.clock.now(), false)
    })
    this.life = new LifeCycle({
      config: this.config,
      security: this.security,
      clock: this.clock,
      events: this.events,
      room: this.room,
      buffered: this.buffered,
      profileOf: topic => this.profiles.get(topic) ?? profile,
      updated: () => this.#releaseIfEnough(),
    })
    this.rules = {
      defaultTopic: plugged.topics?.[0] ?? null,
      keySerializer: plugged.keySerializer ?? null,
      valueSerializer: plugged.valueSerializer ?? null,
      keyMaker: plugged.keyMaker ?? null,
      isPlain: !plugged.keySerializer && !plugged.valueSerializer && !plugged.keyMaker,
    }
    this.messageMaxBytes = properties['message.max.bytes']
    this.#flushEvery = plugged.flushEvery ?? Number.POSITIVE_INFINITY
    // Listeners are added after construction.
    if (warnings.length > 0) {
      this.clock.defer(() => {
        for (const warning of warnings) this.warn(warning)
      })
    }
  }

  /** Messages in requests without an answer. */
  get inFlight(): number {
    return this.life.session?.sender.inFlight ?? 0
  }

  /** Something for one message to be prepared in; `leave` gives it back. */
  enter(): PreparedMessage {
    const depth = this.#depth++
    let message = this.#scratch[depth]
    if (message === undefined) {
      message = new PreparedMessage()
      this.#scratch[depth] = message
    }
    return message
  }

  leave(): void {
    this.#depth--
  }

  /**
   * Queues a message that there is room for and returns its batch, of which it is the last record.
   * Throws for a topic or partition that is known not to exist, and for a partitioner that throws or answers nonsense.
   */
  append(message: PreparedMessage, terms: Terms, calledAt: number, awaited: boolean): Batch {
    const session = this.life.taking()
    const topic = session.accumulator.topic(message.topic)
    if (topic.missing) throw new UnknownTopicError(topic.topic)
    session.calledAt = calledAt
    const profile = terms.profile(topic.profile)
    const queue = topic.place(message, profile)
    // Again: a partitioner may have dispatched.
    if (!this.room.fits(message.userBytes)) throw this.queueFull(message.userBytes)
    this.room.take(message.userBytes)
    const batch = session.accumulator.append(queue, message, profile, calledAt, awaited)
    if (this.room.messages >= this.#flushEvery) this.#releaseIfEnough()
    return batch
  }

  /** Throws what `append` would throw for this topic and explicit partition. */
  checkPlace({ topic: name, partition }: PreparedMessage, index: number): void {
    const topic = this.life.session?.accumulator.topics.get(name)
    if (topic === undefined) return checkTopicName(name, index)
    if (topic.missing) throw new UnknownTopicError(name)
    const count = topic.partitionCount
    if (count > 0 && partition >= count) throw new UnknownPartitionError(name, partition, count)
  }

  /** The message as middleware makes it. */
  transform(message: Message): Message {
    let transformed = message
    for (const step of this.middleware) transformed = step(transformed)
    return transformed
  }

  /** Gives a topic properties of its own; the first ones stay. */
  defineTopic(name: string, overrides: TopicConfig | undefined): void {
    checkTopicName(name)
    const profile = deriveProfile(this.config.profile, overrides ?? {}, this.config, this.warn)
    if (this.profiles.has(name)) return
    this.profiles.set(name, profile)
    const topic = this.life.session?.accumulator.topics.get(name)
    if (topic !== undefined) topic.profile = profile
  }

  removeTopic(name: string): boolean {
    const topic = this.life.session?.accumulator.topics.get(name)
    if (topic !== undefined) topic.profile = this.config.profile
    return this.profiles.delete(name)
  }

  /** Holds again what was held and could not be queued. */
  holdAgain(rest: readonly Held[]): void {
    if (!this.life.ending) this.buffered.putBack(rest)
  }

  /** Whether a message of these bytes may go in now, without overtaking a call that waits. */
  hasRoom(bytes: number): boolean {
    return !this.room.crowded && this.room.fits(bytes)
  }

  /** The queue-full error, told to listeners as well. */
  queueFull(bytes?: number): QueueFullError {
    const error = this.room.fullError(bytes)
    this.events.emit('queue.full', { limit: error.limit, used: error.used })
    return error
  }

  /** Gives up what is queued, in flight or buffered; says how many. */
  purge(queued: boolean, inFlight: boolean, buffered: boolean): number {
    const held = buffered ? this.buffered.takeAll().length : 0
    // Nobody who waits gets in meanwhile, only to be given up.
    return held + this.room.shut(() => this.life.purge(queued, inFlight))
  }

  // As many messages wait as `flushEvery` says.
  #releaseIfEnough(): void {
    if (this.room.messages - this.inFlight >= this.#flushEvery) this.life.session?.accumulator.releaseAll()
  }
}
