// Where a producer stands between its construction and its end, and its way from one to the next.

import type { Clock } from '../clock.ts'
import { ConnectionError, DeliveryError, type FatalError, FlushTimeoutError, StateError } from '../errors.ts'
import { stateMachine } from '../state-machine.ts'
import type { Batch } from './batch.ts'
import type { ProducerConfig, TopicProfile } from './config/config.ts'
import { timeoutFault, withLimits } from './delivery.ts'
import type { Events } from './events.ts'
import { Flushes } from './flushes.ts'
import type { DeliveryReport } from './report.ts'
import type { Room, Waiter } from './room.ts'
import type { Security } from './security.ts'
import { type OpenSession, Session, type SessionOptions } from './session.ts'

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

export interface LifeCycleParts {
  readonly config: ProducerConfig
  readonly security: Security
  readonly clock: Clock
  readonly events: Events
  readonly room: Room
  /** What `buffer()` holds: it goes in last of all at `close()`, counting what cannot. */
  readonly buffered: Waiter & { readonly refused: number }
  readonly profileOf: (topic: string) => TopicProfile
  /** The metadata has changed, so messages may have found their partition. */
  readonly updated: () => void
}

export class LifeCycle {
  readonly flushes = new Flushes()
  /** Opens the next session. */
  open: (options: SessionOptions) => OpenSession = options => new Session(options)
  readonly #parts: LifeCycleParts
  readonly #state = stateMachine<ProducerStatus>('producer', lifeCycle, 'initial')
  #session: OpenSession | null = null
  #fatalError: FatalError | null = null
  #disconnected: Promise<void> | null = null
  #closed: Promise<{ lost: number }> | null = null
  /** Ends a drain that is under way. */
  #hurry: (() => void) | null = null
  #failures = 0
  readonly #report = (report: DeliveryReport): void => this.#emitReport(report)

  constructor(parts: LifeCycleParts) {
    this.#parts = parts
  }

  get status(): ProducerStatus {
    return this.#state.state
  }

  /** The session, if one has begun and not ended. */
  get session(): OpenSession | null {
    return this.#session
  }

  /** Whether `close()` was called. */
  get ending(): boolean {
    return this.#state.is('closing', 'closed')
  }

  /** The session to produce into, begun if need be. Throws StateError, or FatalError after one. */
  producing(): OpenSession {
    const { state } = this.#state
    if (this.#session !== null && (state === 'connected' || state === 'connecting')) return this.#session
    if (this.#fatalError !== null && this.#state.is('fatal')) throw this.#fatalError
    if (this.#state.is('initial', 'disconnected')) return this.#begin()
    throw new StateError(this.status, `the producer is ${this.status}: it takes no messages any more`)
  }

  /** As `producing`, also for what was accepted before `close()` or `disconnect()` and goes in only now. */
  taking(): OpenSession {
    return this.#session !== null && this.#fatalError === null ? this.#session : this.producing()
  }

  /** Brokers and the topics of the configuration are known, or the reason why not; at the latest after 10 s. */
  async connect(): Promise<void> {
    const session = this.producing()
    const limitMs = 10_000
    const late = (): Error => {
      if (session.lastFault?.topic !== undefined) return session.lastFault
      const servers = this.#parts.config.bootstrapServers.map(({ host, port }) => `${host}:${port}`).join(', ')
      return new ConnectionError(-195, `no broker of ${servers} answered within ${limitMs} ms`, {
        cause: session.lastFault,
      })
    }
    try {
      await withLimits(
        session.prepared(this.#parts.config.options.topics ?? []),
        this.#parts.clock,
        undefined,
        limitMs,
        late,
      )
    } catch (error) {
      if (this.#parts.room.messages === 0 && this.#state.is('connecting')) {
        this.#state.to('disconnecting')
        this.#end('disconnected')
      }
      throw error
    }
  }

  /** Resolves when everything that is queued or waiting now has its report. */
  flush(timeoutMs?: number, signal?: AbortSignal): Promise<void> {
    const fault = timeoutFault(timeoutMs)
    if (fault !== null) return Promise.reject(fault)
    const session = this.#session
    if (session === null || (this.#parts.room.messages === 0 && !this.#parts.room.crowded)) return Promise.resolve()
    session.accumulator.flushing++
    session.accumulator.releaseAll()
    const reported = this.flushes.wait(session.accumulator, this.#parts.room)
    const flushed =
      timeoutMs === undefined && signal === undefined
        ? reported
        : withLimits(
            reported,
            this.#parts.clock,
            signal,
            timeoutMs,
            () => new FlushTimeoutError(this.#parts.room.messages, timeoutMs ?? 0),
          )
    const done = (): void => {
      session.accumulator.flushing--
    }
    flushed.then(done, done)
    return flushed
  }

  /** Gives up what is queued or in flight; says how many. */
  purge(queued: boolean, inFlight: boolean): number {
    return this.#session?.purge(queued, inFlight) ?? 0
  }

  /** Sends what is queued, then lets go of the cluster; the next use connects again. Rejects with a fatal error. */
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
    const fault = timeoutFault(timeoutMs)
    if (fault !== null) return Promise.reject(fault)
    if (this.#closed !== null) {
      if (force) this.#hurry?.()
      return this.#closed
    }
    this.#closed = this.#close(force ? 0 : timeoutMs)
    // Only now may code of the user's run, which may call close() again.
    this.#parts.events.emit('closing', {})
    this.#parts.room.admit()
    this.flushes.check()
    return this.#closed
  }

  async #disconnect(timeoutMs: number): Promise<void> {
    this.#state.to('disconnecting')
    await this.#drain(timeoutMs)
    if (this.#fatalError !== null) throw this.#fatalError
    if (this.#state.is('disconnecting')) this.#end('disconnected')
    else await this.#closed // which came in between, and has a deadline of its own
  }

  async #close(timeoutMs: number): Promise<{ lost: number }> {
    if (this.#parts.buffered.size > 0 && this.#state.is('initial', 'disconnected')) this.producing()
    this.#state.to('closing')
    const failuresBefore = this.#failures
    if (this.#parts.buffered.size > 0) this.#parts.room.wait(this.#parts.buffered, Number.POSITIVE_INFINITY)
    await this.#drain(timeoutMs)
    this.#end('closed')
    return { lost: this.#failures + this.#parts.buffered.refused - failuresBefore }
  }

  // Flushes until the time is over or somebody is in a hurry.
  #drain(timeoutMs: number): Promise<void> {
    return new Promise<void>(resolve => {
      const timer = Number.isFinite(timeoutMs) ? this.#parts.clock.setTimer(resolve, timeoutMs) : undefined
      this.#hurry = resolve
      this.flush().then(() => {
        this.#parts.clock.clearTimer(timer)
        resolve()
      })
      if (timeoutMs <= 0) resolve()
    })
  }

  #begin(): OpenSession {
    this.#state.to('connecting')
    const session = this.open({
      config: this.#parts.config,
      security: this.#parts.security,
      clock: this.#parts.clock,
      random: Math.random,
      events: this.#parts.events,
      profileOf: this.#parts.profileOf,
      on: {
        connected: () => {
          if (this.#state.is('connecting')) this.#state.to('connected')
          this.#parts.events.emit('connected', {})
        },
        updated: () => this.#parts.updated(),
        published: batch => this.#published(batch),
        reports: failed => this.#reportListener(failed),
        fatal: error => {
          this.#fatalError = error
          if (this.#state.can('fatal')) this.#state.to('fatal')
          this.#failures += this.#parts.room.dismiss(() => error)
          this.#parts.events.emit('error.occurred', { type: 'fatal', error })
        },
      },
    })
    this.#session = session
    return session
  }

  // Gives up what is left and lets go of everything.
  #end(state: 'disconnected' | 'closed'): void {
    const error = () => new DeliveryError(-152, `the producer is ${this.status}: there was no room in time`)
    this.#failures += this.#parts.room.dismiss(error)
    this.#session?.purge(true, true)
    this.#session?.stop()
    this.#session = null
    this.#parts.room.close()
    this.#state.to(state)
    this.#parts.events.emit(state, {})
  }

  #published(batch: Batch): void {
    if (batch.verdict?.error !== null) this.#failures += batch.count
    this.#parts.room.free(batch.count, batch.userBytes)
    this.flushes.check()
  }

  #reportListener(failed: boolean): ((report: DeliveryReport) => void) | null {
    const { events } = this.#parts
    const wanted = failed && (events.has('message.failed') || events.has('message.purged'))
    return wanted || this.#tellsOfSuccess() ? this.#report : null
  }

  #tellsOfSuccess(): boolean {
    const { config, events } = this.#parts
    return events.has('message.acknowledged') && !config.properties['delivery.report.only.error']
  }

  #emitReport(report: DeliveryReport): void {
    const { error } = report
    if (error === null) {
      if (this.#tellsOfSuccess()) this.#parts.events.emit('message.acknowledged', { report })
    } else if (error.code === -151 || error.code === -152) this.#parts.events.emit('message.purged', { report })
    else this.#parts.events.emit('message.failed', { report })
  }
}
