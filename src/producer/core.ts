// What all views of one producer share: configuration, state, bounds, events, and the session with the cluster.

import { type Clock, ProcessHold, systemClock } from '../clock.ts'
import { codecUnavailable } from '../compression/codecs.ts'
import { Deque } from '../deque.ts'
import {
  ConnectionError,
  DeliveryError,
  type FatalError,
  FlushTimeoutError,
  type QueueFullError,
  StateError,
  UnknownPartitionError,
  UnknownTopicError,
} from '../errors.ts'
import { stateMachine } from '../state-machine.ts'
import type { Batch } from './batch.ts'
import {
  deriveProfile,
  type ProducerConfig,
  type ProducerOptions,
  resolveConfig,
  type TopicProfile,
} from './config/config.ts'
import type { TopicConfig } from './config/properties.ts'
import { withLimits } from './delivery.ts'
import { Events } from './events.ts'
import { checkTopicName, type Message, type MessageRules, PreparedMessage } from './message.ts'
import type { DeliveryReport } from './report.ts'
import { Room, type Waiter } from './room.ts'
import { Session } from './session.ts'

export type ProducerStatus =
  | 'initial'
  | 'connecting'
  | 'connected'
  | 'disconnecting'
  | 'disconnected'
  | 'closing'
  | 'closed'
  | 'fatal'

const lifeCycle: Readonly<Record<ProducerStatus, readonly ProducerStatus[]>> = {
  initial: ['connecting', 'closing'],
  connecting: ['connected', 'disconnecting', 'closing', 'fatal'],
  connected: ['disconnecting', 'closing', 'fatal'],
  disconnecting: ['disconnected', 'closing', 'fatal'],
  disconnected: ['connecting', 'closing'],
  fatal: ['closing'],
  closing: ['closed'],
  closed: [],
}

/** A message held by `buffer()`. */
export interface Held {
  readonly message: PreparedMessage
  readonly terms: Terms
}

export type Middleware = (message: Message) => Message

export class ProducerCore {
  readonly config: ProducerConfig
  readonly clock: Clock
  readonly events = new Events()
  readonly room: Room
  readonly rules: MessageRules
  readonly messageMaxBytes: number
  readonly middleware: Middleware[] = []
  /** In the order of their calls. */
  readonly buffered = new Deque<Held>()
  /** What `topic()` was told. */
  readonly profiles = new Map<string, TopicProfile>()
  readonly #hold: ProcessHold | null
  readonly #state = stateMachine<ProducerStatus>('producer', lifeCycle, 'initial')
  readonly #flushes = new Set<() => void>()
  #session: Session | null = null
  #fatalError: FatalError | null = null
  #disconnected: Promise<void> | null = null
  #closed: Promise<{ lost: number }> | null = null
  /** Ends a drain that is under way. */
  #hurry: (() => void) | null = null
  // Reused from message to message; one for each depth, since user code that runs inside may produce, too.
  readonly #scratch = [new PreparedMessage()]
  #depth = 0
  #failures = 0
  readonly #report = (report: DeliveryReport): void => this.#emitReport(report)

  constructor(options: ProducerOptions) {
    this.config = resolveConfig(options, codecUnavailable)
    const { properties, options: plugged, warnings } = this.config
    this.clock = plugged.clock ?? systemClock
    this.#hold = this.clock === systemClock ? new ProcessHold() : null
    this.room = new Room(
      this.clock,
      properties['queue.buffering.max.messages'],
      properties['buffer.memory'],
      properties['max.block.ms'],
      () => this.#lineMoved(),
    )
    this.rules = {
      defaultTopic: plugged.topics?.[0] ?? null,
      keySerializer: plugged.keySerializer ?? null,
      valueSerializer: plugged.valueSerializer ?? null,
      keyMaker: plugged.keyMaker ?? null,
      isPlain: !plugged.keySerializer && !plugged.valueSerializer && !plugged.keyMaker,
    }
    this.messageMaxBytes = properties['message.max.bytes']
    // Listeners are added after construction.
    if (warnings.length > 0) {
      this.clock.defer(() => {
        for (const warning of warnings) this.events.emit('config.warning', warning)
      })
    }
  }

  get status(): ProducerStatus {
    return this.#state.state
  }

  get inFlight(): number {
    return this.#session?.sender.inFlight ?? 0
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

  /** The session to produce into, begun if need be. Throws StateError, or FatalError after one. */
  producing(): Session {
    const { state } = this.#state
    if (this.#session !== null && (state === 'connected' || state === 'connecting')) return this.#session
    if (this.#fatalError !== null && this.#state.is('fatal')) throw this.#fatalError
    if (this.#state.is('initial', 'disconnected')) return this.#begin()
    throw new StateError(this.status, `the producer is ${this.status}: it takes no messages any more`)
  }

  /**
   * Queues a message that there is room for and returns its batch, of which it is the last record.
   * Throws for a topic or partition that is known not to exist, and for a partitioner that throws or answers nonsense.
   */
  append(message: PreparedMessage, terms: Terms, calledAt: number, awaited: boolean): Batch {
    const session = this.#session ?? this.producing()
    const topic = session.accumulator.topic(message.topic)
    if (topic.missing) throw new UnknownTopicError(topic.topic)
    session.calledAt = calledAt
    const profile = terms.profile(topic.profile)
    const queue = topic.place(message, profile)
    // Again: a partitioner may have dispatched.
    if (!this.room.fits(message.userBytes)) throw this.queueFull(message.userBytes)
    if (this.room.messages === 0) this.#hold?.switch(true)
    this.room.take(message.userBytes)
    const batch = session.accumulator.append(queue, message, profile, calledAt, awaited)
    if (this.config.options.flushEvery !== undefined) this.#releaseIfEnough()
    return batch
  }

  /** Throws what `append` would throw for this topic and explicit partition. */
  checkPlace({ topic: name, partition }: PreparedMessage, index: number): void {
    const topic = this.#session?.accumulator.topics.get(name)
    if (topic === undefined) return checkTopicName(name, index)
    if (topic.missing) throw new UnknownTopicError(name)
    const { partitionCount } = topic
    if (partitionCount > 0 && partition >= partitionCount)
      throw new UnknownPartitionError(name, partition, partitionCount)
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
    const profile = deriveProfile(this.config.profile, overrides ?? {}, this.config)
    if (this.profiles.has(name)) return
    this.profiles.set(name, profile)
    const topic = this.#session?.accumulator.topics.get(name)
    if (topic !== undefined) topic.profile = profile
  }

  removeTopic(name: string): boolean {
    const topic = this.#session?.accumulator.topics.get(name)
    if (topic !== undefined) topic.profile = this.config.profile
    return this.profiles.delete(name)
  }

  /** Lines up for room. */
  join(waiter: Waiter, maxBlockMs?: number): void {
    this.#hold?.switch(true)
    this.room.wait(waiter, maxBlockMs)
  }

  /** Holds again what was held and could not be queued. */
  holdAgain(rest: readonly Held[]): void {
    if (!this.#state.is('closing', 'closed')) this.buffered.insert(0, rest)
  }

  /** Whether a message of these bytes may go in now, without overtaking a call that waits. */
  hasRoom(bytes: number): boolean {
    return !this.room.crowded && this.room.fits(bytes)
  }

  /** The queue-full error, told to listeners as well. */
  queueFull(bytes: number): QueueFullError {
    const error = this.room.fullError(bytes)
    this.events.emit('queue.full', { limit: error.limit, used: error.used })
    return error
  }

  /** Brokers and the topics of the configuration are known, or the reason why not; at the latest after 10 s. */
  async connect(): Promise<void> {
    const session = this.producing()
    const limitMs = 10_000
    const late = (): Error => {
      if (session.lastFault?.topic !== undefined) return session.lastFault
      const servers = this.config.bootstrapServers.map(({ host, port }) => `${host}:${port}`).join(', ')
      return new ConnectionError(-195, `no broker of ${servers} answered within ${limitMs} ms`, {
        cause: session.lastFault,
      })
    }
    try {
      await withLimits(session.prepared(this.config.options.topics ?? []), this.clock, undefined, limitMs, late)
    } catch (error) {
      if (this.room.messages === 0 && this.#state.is('connecting')) {
        this.#state.to('disconnecting')
        this.#end('disconnected')
      }
      throw error
    }
  }

  /** Resolves when everything that is queued or waiting now has its report. */
  flush(timeoutMs?: number, signal?: AbortSignal): Promise<void> {
    const session = this.#session
    if (session === null || (this.room.messages === 0 && !this.room.crowded)) return Promise.resolve()
    session.accumulator.flushing++
    session.accumulator.releaseAll()
    const reported = new Promise<void>(resolve => this.#awaitReports(session, resolve))
    const flushed =
      timeoutMs === undefined && signal === undefined
        ? reported
        : withLimits(
            reported,
            this.clock,
            signal,
            timeoutMs,
            () => new FlushTimeoutError(this.room.messages, timeoutMs ?? 0),
          )
    const done = (): void => {
      session.accumulator.flushing--
    }
    flushed.then(done, done)
    return flushed
  }

  /** Gives up what is queued, in flight or buffered; says how many. */
  purge(queued: boolean, inFlight: boolean, buffered: boolean): number {
    const held = buffered ? this.buffered.size : 0
    if (buffered) this.buffered.clear()
    // Who gets in now was not there when it was called, and may not end up in a batch that is to go.
    return held + this.room.shut(() => this.#session?.purge(queued, inFlight) ?? 0)
  }

  /** Sends what is queued, then lets go of the cluster; the next use connects again. */
  async disconnect(timeoutMs: number): Promise<void> {
    if (this.#state.is('initial', 'disconnected')) return
    if (this.#state.can('disconnecting')) this.#disconnected = this.#disconnect(timeoutMs)
    else if (!this.#state.is('disconnecting')) {
      throw new StateError(this.status, `the producer is ${this.status}: it cannot be disconnected`)
    }
    await this.#disconnected
  }

  /** Sends what is queued and buffered, and ends; says how many messages got no good report. */
  close(timeoutMs: number, force: boolean): Promise<{ lost: number }> {
    if (this.#closed !== null) {
      if (force) this.#hurry?.()
      return this.#closed
    }
    this.#closed = this.#close(force ? 0 : timeoutMs)
    // Only now may code of the user's run, which may call close() again.
    this.events.emit('closing', {})
    this.room.admit()
    this.#lineMoved()
    return this.#closed
  }

  async #disconnect(timeoutMs: number): Promise<void> {
    this.#state.to('disconnecting')
    await this.#drain(timeoutMs)
    if (this.#state.is('disconnecting')) this.#end('disconnected')
    else await this.#closed // which came in between, and has a deadline of its own
  }

  async #close(timeoutMs: number): Promise<{ lost: number }> {
    if (this.buffered.size > 0 && this.#state.is('initial', 'disconnected')) this.producing()
    this.#state.to('closing')
    const failuresBefore = this.#failures
    if (this.buffered.size > 0) this.join(this.#lastWaiter(), Number.POSITIVE_INFINITY)
    await this.#drain(timeoutMs)
    this.#end('closed')
    return { lost: this.#failures - failuresBefore }
  }

  // What `buffer()` holds, as the last in line. What cannot be queued is counted: all that `close()` has to say of it.
  #lastWaiter(): Waiter {
    const { buffered, room, clock } = this
    return {
      get size() {
        return buffered.size
      },
      admit: () => {
        for (let held = buffered.first(); held !== undefined; held = buffered.first()) {
          const { message, terms } = held
          const neverFits = room.neverFits(message.userBytes)
          if (!neverFits && !room.fits(message.userBytes)) return false
          buffered.shift()
          try {
            if (neverFits) throw room.fullError(message.userBytes)
            this.append(message, terms, clock.now(), false)
          } catch {
            this.#failures++
          }
        }
        return true
      },
      giveUp: () => buffered.clear(),
    }
  }

  // Flushes until the time is over or somebody is in a hurry.
  #drain(timeoutMs: number): Promise<void> {
    return new Promise<void>(resolve => {
      const timer = this.clock.setTimer(resolve, timeoutMs)
      this.#hurry = resolve
      this.flush().then(() => {
        this.clock.clearTimer(timer)
        resolve()
      })
      if (timeoutMs <= 0) resolve()
    })
  }

  #begin(): Session {
    this.#state.to('connecting')
    const session: Session = new Session({
      config: this.config,
      clock: this.clock,
      random: Math.random,
      events: this.events,
      profileOf: topic => this.profiles.get(topic) ?? this.config.profile,
      on: {
        connected: () => {
          if (this.#state.is('connecting')) this.#state.to('connected')
          this.events.emit('connected', {})
        },
        updated: () => this.#releaseIfEnough(),
        published: batch => this.#published(batch),
        reports: () => this.#reportListener(),
        fatal: error => {
          this.#fatalError = error
          if (this.#state.can('fatal')) this.#state.to('fatal')
          this.#failures += this.room.dismiss(() => error)
          this.events.emit('error.occurred', { type: 'fatal', error })
        },
      },
    })
    this.#session = session
    return session
  }

  // Gives up what is left and lets go of everything.
  #end(state: 'disconnected' | 'closed'): void {
    const error = () => new DeliveryError(-152, `the producer is ${this.status}: there was no room in time`)
    this.#failures += this.room.dismiss(error)
    this.#session?.purge(true, true)
    this.#session?.stop()
    this.#session = null
    this.#hold?.end()
    this.#state.to(state)
    this.events.emit(state, {})
  }

  // As many messages wait as `flushEvery` says.
  #releaseIfEnough(): void {
    const { flushEvery = Number.POSITIVE_INFINITY } = this.config.options
    if (this.room.messages - this.inFlight >= flushEvery) this.#session?.accumulator.releaseAll()
  }

  #published(batch: Batch): void {
    if (batch.verdict?.error !== null) this.#failures += batch.count
    this.room.free(batch.count, batch.userBytes)
    if (this.room.crowded) this.room.admit()
    this.#lineMoved()
  }

  // A report is out, or somebody left the line for room.
  #lineMoved(): void {
    for (const check of this.#flushes) check()
    if (this.room.messages === 0 && !this.room.crowded) this.#hold?.switch(false)
  }

  #awaitReports(session: Session, resolve: () => void): void {
    let batches = Array.from(session.accumulator.alive(), ({ batch }) => batch)
    let at = 0
    let ticket = this.room.lastTicket
    const check = (): void => {
      for (; at < batches.length; at++) {
        const batch = batches[at] as Batch
        if (batch.forward !== null) batches.push(...new Set(batch.forward.batches))
        else if (batch.verdict === null) return
      }
      if (!this.room.hasPassed(ticket)) return
      if (ticket > 0) {
        ticket = 0
        batches = Array.from(session.accumulator.alive(), ({ batch }) => batch)
        at = 0
        return check()
      }
      this.#flushes.delete(check)
      resolve()
    }
    this.#flushes.add(check)
    check()
  }

  #reportListener(): ((report: DeliveryReport) => void) | null {
    const { events } = this
    const wanted = events.has('message.acknowledged') || events.has('message.failed') || events.has('message.purged')
    return wanted ? this.#report : null
  }

  #emitReport(report: DeliveryReport): void {
    const { error } = report
    if (error === null) this.events.emit('message.acknowledged', { report })
    else if (error.code === -151 || error.code === -152) this.events.emit('message.purged', { report })
    else this.events.emit('message.failed', { report })
  }
}

/** The topic properties that a view puts over those of the topic itself. */
export class Terms {
  readonly #config: ProducerConfig
  readonly #overrides: TopicConfig | null
  readonly #derived = new Map<TopicProfile, TopicProfile>()

  /** Throws ConfigError for overrides that may not be. */
  constructor(config: ProducerConfig, overrides: TopicConfig | null) {
    this.#config = config
    this.#overrides = overrides
    this.profile(config.profile)
  }

  profile(base: TopicProfile): TopicProfile {
    if (this.#overrides === null) return base
    let derived = this.#derived.get(base)
    if (derived === undefined) {
      derived = deriveProfile(base, this.#overrides, this.#config)
      this.#derived.set(base, derived)
    }
    return derived
  }

  /** These and then others over them. */
  with(overrides: TopicConfig): Terms {
    return new Terms(this.#config, { ...this.#overrides, ...overrides })
  }
}
