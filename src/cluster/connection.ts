// One connection to one broker, from the first dial to its end: connecting, negotiating, authenticating, ready, closed.
// It reports what happens; whether to try again is decided elsewhere.

import type { Clock } from '../clock.ts'
import { AuthenticationError, ConnectionError, KafkaError } from '../errors.ts'
import type { Api } from '../protocol/schema.ts'
import { stateMachine } from '../state-machine.ts'
import type { Transport } from '../transport.ts'
import { brokerLabel } from './addresses.ts'
import { type Authenticate, renewAfter } from './authentication.ts'
import { highestCommonVersion, type Negotiated, noCommonVersion, shakeHands, unserved } from './handshake.ts'
import { Pipeline, type SendOptions } from './pipeline.ts'

export interface ConnectionOptions {
  readonly host: string
  readonly port: number
  /** -1 while it is not known which broker answers there. */
  readonly nodeId: number
  readonly clientId: string
  readonly transport: Transport
  readonly clock: Clock
  /** Gives the options of `tls.connect` each time it is dialled; absent means plaintext. */
  readonly tls?: (() => object) | undefined
  /** For everything until the connection is ready: name, TCP, TLS, ApiVersions, SASL. */
  readonly setupTimeoutMs: number
  readonly apiVersionTimeoutMs: number
  readonly maxResponseBytes: number
  /** Requests in a row that may miss their deadline before the connection is given up (default 1; 0 is any number). */
  readonly maxTimeouts?: number
  readonly softwareName: string
  readonly softwareVersion: string
  readonly authenticate?: Authenticate | undefined
  readonly on: {
    ready(connection: Connection): void
    /** Exactly once, after everything in flight has failed. Without an error when it was closed on purpose. */
    closed(connection: Connection, error?: KafkaError): void
    /** `congested` is false again. */
    drained(connection: Connection): void
    throttled(connection: Connection, ms: number): void
  }
}

export interface RequestOptions<Response> extends SendOptions<Response> {
  /** The highest common version if absent. */
  version?: number
}

const lifeCycle = {
  connecting: ['negotiating', 'closed'],
  negotiating: ['connecting', 'authenticating', 'ready', 'closed'], // back to ask in an older version
  authenticating: ['ready', 'closed'],
  ready: ['reauthenticating', 'draining', 'closed'],
  reauthenticating: ['ready', 'closed'],
  draining: ['closed'],
  closed: [],
} as const

export class Connection {
  readonly host: string
  readonly port: number
  readonly #options: ConnectionOptions
  readonly #state = stateMachine<keyof typeof lifeCycle>('connection', lifeCycle, 'connecting')
  readonly #ended = new AbortController()
  #nodeId: number
  #pipeline: Pipeline
  #negotiated: Negotiated = { versions: new Map() }
  #timer: unknown
  #usedAt: number
  #answersToSetUp = 0

  /** Dials at once; `on.ready` or `on.closed` follows. */
  constructor(options: ConnectionOptions) {
    this.#options = options
    this.host = options.host
    this.port = options.port
    this.#nodeId = options.nodeId
    this.#usedAt = options.clock.now()
    this.#pipeline = this.#newPipeline()
    this.#armSetupDeadline()
    this.#open().then(
      () => this.#opened(),
      (error: unknown) => this.close(this.#asKafkaError(error)),
    )
  }

  get nodeId(): number {
    return this.#nodeId
  }

  /** `host:port/nodeId`. */
  get label(): string {
    return brokerLabel(this.host, this.port, this.#nodeId)
  }

  get state(): keyof typeof lifeCycle {
    return this.#state.state
  }

  get closed(): boolean {
    return this.#state.is('closed')
  }

  /** Takes requests: ready, or renewing its session meanwhile. */
  get usable(): boolean {
    return this.#state.is('ready', 'reauthenticating')
  }

  /** Requests written or waiting, and not answered. */
  get inFlight(): number {
    return this.#pipeline.inFlight
  }

  /** What is sent now would wait; `on.drained` follows. */
  get congested(): boolean {
    return this.#pipeline.congested
  }

  /** When (`clock.now()`, milliseconds) something was last sent or answered. */
  get usedAt(): number {
    return this.#usedAt
  }

  /** Whether it has answered anything after it became ready. */
  get proven(): boolean {
    return this.#pipeline.traffic.responses > this.#answersToSetUp
  }

  get traffic(): Pipeline['traffic'] {
    return this.#pipeline.traffic
  }

  /** The highest version of `api` that this broker and we speak; undefined if there is none. */
  version(api: Api): number | undefined {
    return highestCommonVersion(api, this.#negotiated.versions.get(api.key))
  }

  /** Which broker this is, once metadata has said so. */
  identify(nodeId: number): void {
    this.#nodeId = nodeId
  }

  /** Sends behind everything sent before. It never throws: `settled` hears of every fault, and not before this returns. */
  send<Request, Response>(api: Api<Request, Response>, body: Request, options: RequestOptions<Response>): void {
    if (this.usable) this.#send(api, body, options, false)
    else this.#refuse(options, this.#fault(`the connection is ${this.state}, ${api.name} was not sent`))
  }

  /** As `send`, with a promise of the answer. */
  request<Request, Response>(
    api: Api<Request, Response>,
    body: Request,
    options: { timeoutMs: number; version?: number },
  ): Promise<Response> {
    return settlement(settled => this.send(api, body, { ...options, settled }))
  }

  /** Closes as soon as nothing is in flight any more; takes no requests from now on. */
  finish(): void {
    if (!this.#state.is('ready') || this.inFlight === 0) this.close()
    else this.#state.to('draining')
  }

  /** Closes at once; everything in flight fails with `error`. */
  close(error?: KafkaError): void {
    if (this.closed) return
    this.#state.to('closed')
    this.#options.clock.clearTimer(this.#timer)
    this.#ended.abort()
    this.#pipeline.fail(error ?? this.#fault('closed on this side'))
    this.#options.on.closed(this, error)
  }

  async #open(): Promise<void> {
    const { softwareName, softwareVersion, apiVersionTimeoutMs, tls, authenticate, clock } = this.#options
    this.#negotiated = await shakeHands(() => this.#dial(), {
      label: this.label,
      encrypted: tls !== undefined,
      softwareName,
      softwareVersion,
      timeoutMs: apiVersionTimeoutMs,
    })
    if (this.#pipeline.failure !== null) throw this.#pipeline.failure
    if (authenticate === undefined) clock.clearTimer(this.#timer)
    else {
      this.#state.to('authenticating')
      await this.#authenticate(authenticate)
    }
  }

  #opened(): void {
    if (this.closed) return
    this.#answersToSetUp = this.#pipeline.traffic.responses
    this.#state.to('ready')
    this.#options.on.ready(this)
  }

  async #dial(): Promise<Pipeline> {
    const { host, port, tls, transport } = this.#options
    if (this.#state.is('negotiating')) {
      this.#state.to('connecting')
      this.#pipeline = this.#newPipeline()
    }
    const pipeline = this.#pipeline
    if (pipeline.failure !== null) throw pipeline.failure
    const target = { host, port, signal: this.#ended.signal, ...(tls === undefined ? {} : { tls: tls() }) }
    pipeline.attach(await transport.connect(target, pipeline))
    if (pipeline.failure !== null) throw pipeline.failure
    this.#state.to('negotiating')
    return pipeline
  }

  async #authenticate(authenticate: Authenticate): Promise<void> {
    const { clock } = this.#options
    const { host, port, label } = this
    const { sessionLifetimeMs } = await authenticate({
      host,
      port,
      label,
      signal: this.#ended.signal,
      version: api => this.version(api),
      request: (api, body, options) => settlement(settled => this.#send(api, body, { ...options, settled }, true)),
    })
    if (this.closed) return
    clock.clearTimer(this.#timer)
    if (sessionLifetimeMs <= 0) return
    this.#timer = clock.setTimer(() => this.#renewSession(authenticate), sessionLifetimeMs * renewAfter)
  }

  #renewSession(authenticate: Authenticate): void {
    if (!this.#state.is('ready')) return
    this.#state.to('reauthenticating')
    this.#armSetupDeadline()
    this.#pipeline.exclusive(true)
    const renewed = () => {
      if (this.closed) return
      this.#state.to('ready')
      this.#pipeline.exclusive(false)
    }
    this.#authenticate(authenticate).then(renewed, (error: unknown) => this.close(this.#asKafkaError(error)))
  }

  #send<Request, Response>(
    api: Api<Request, Response>,
    body: Request,
    options: RequestOptions<Response>,
    ahead: boolean,
  ): void {
    const version = options.version ?? this.version(api)
    this.#usedAt = this.#options.clock.now()
    if (version === undefined) {
      this.#refuse(options, noCommonVersion(api, this.#negotiated.versions.get(api.key), this.label))
      return
    }
    try {
      this.#pipeline.send(api, version, body, options, ahead)
    } catch (error) {
      this.#refuse(options, this.#asKafkaError(error))
    }
  }

  #refuse(options: RequestOptions<never>, error: KafkaError): void {
    queueMicrotask(() => {
      options.written?.()
      options.settled(error, null, false)
    })
  }

  #newPipeline(): Pipeline {
    const { clientId, clock, maxResponseBytes, maxTimeouts = 1, on } = this.#options
    const pipeline = new Pipeline({
      label: () => this.label,
      clientId,
      clock,
      maxResponseBytes,
      maxTimeouts,
      on: {
        // While negotiating, the end of the socket is an answer, too: #open decides what it means.
        broken: error => (this.#state.is('negotiating') ? pipeline.fail(error) : this.close(this.#explained(error))),
        drained: () => this.usable && on.drained(this),
        throttled: ms => on.throttled(this, ms),
        idle: () => {
          this.#usedAt = clock.now()
          if (this.#state.is('draining')) this.close()
        },
      },
    })
    return pipeline
  }

  #armSetupDeadline(): void {
    const { clock, setupTimeoutMs } = this.#options
    clock.clearTimer(this.#timer)
    this.#timer = clock.setTimer(() => {
      this.close(this.#fault(`not ready after ${setupTimeoutMs} ms (still ${this.state})`))
    }, setupTimeoutMs)
  }

  #asKafkaError(cause: unknown): KafkaError {
    if (cause instanceof KafkaError) return cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    if (!this.#state.is('authenticating', 'reauthenticating')) return this.#fault(reason, cause)
    return new AuthenticationError(`${this.label}: ${reason}`, { broker: this.label, cause })
  }

  #explained(error: KafkaError): KafkaError {
    const { timeouts } = this.traffic
    const isHangUp = error instanceof ConnectionError && error.code === -195 && timeouts === 0
    const isFirst = this.#state.is('ready') && this.inFlight > 0 && !this.proven
    return isHangUp && isFirst && this.#options.authenticate === undefined ? unserved(this.label, error) : error
  }

  #fault(what: string, cause?: unknown): ConnectionError {
    return new ConnectionError(-195, `${this.label}: ${what}`, { broker: this.label, cause })
  }
}

function settlement<Response>(run: (settled: SendOptions<Response>['settled']) => void): Promise<Response> {
  return new Promise((resolve, reject) => {
    run((error, response) => (response === null ? reject(error) : resolve(response)))
  })
}
