// One open socket: requests go out in order, answers are matched by correlation id, deadlines and pauses are kept.
// How the socket came to be, and what follows when it breaks, is its owner's business.

import type { Clock } from '../clock.ts'
import { ConnectionError, KafkaError, ProtocolError } from '../errors.ts'
import { FrameSplitter } from '../protocol/frame.ts'
import { correlationIdOf, decodeResponse, encodeRequest } from '../protocol/header.ts'
import type { Api } from '../protocol/schema.ts'
import type { TransportListener, TransportSocket } from '../transport.ts'
import { describeStranger } from './stranger.ts'
import { throttleMs } from './throttling.ts'

export interface PipelineOptions {
  /** Names the broker in errors. */
  readonly label: () => string
  readonly clientId: string
  readonly clock: Clock
  readonly maxResponseBytes: number
  /** How many requests in a row may miss their deadline before the socket is given up; 0 is any number. */
  readonly maxTimeouts: number
  readonly on: {
    /** Nothing can follow; the owner answers with `fail()`. */
    broken(error: KafkaError): void
    /** Requests are welcome again. */
    drained(): void
    throttled(ms: number): void
    /** Nothing is in flight any more. */
    idle(): void
  }
}

export interface SendOptions<Response> {
  /** Counted from the write: waiting for the end of a pause is no fault of the broker's answer. */
  timeoutMs: number
  /** False for what the broker does not answer, Produce with acks 0: it is settled when it is written. */
  expectAnswer?: boolean
  /** Called exactly once, when the bytes handed in are no longer referenced. */
  written?: () => void
  /** Called exactly once. `written` says whether the transport took the bytes: if so, they may have arrived. */
  settled: (error: KafkaError | null, response: Response | null, written: boolean) => void
}

interface Entry {
  readonly api: Pick<Api, 'name'>
  readonly version: number
  readonly correlationId: number
  readonly timeoutMs: number
  readonly expectAnswer: boolean
  readonly ahead: boolean
  chunks: Uint8Array[]
  deadline: number
  isWritten: boolean
  /** Settled by its deadline; its answer, should it come, is dropped. */
  givenUp: boolean
  decode(frame: Uint8Array): object
  written(): void
  settled(error: KafkaError | null, response: object | null, written: boolean): void
}

export class Pipeline implements TransportListener {
  /** For statistics. */
  readonly traffic = { requests: 0, responses: 0, bytesOut: 0, bytesIn: 0, timeouts: 0, lateAnswers: 0 }
  readonly #options: PipelineOptions
  readonly #frames: Uint8Array[] = []
  readonly #splitter: FrameSplitter
  readonly #head: number[] = []
  #socket: TransportSocket | null = null
  #failure: KafkaError | null = null
  /** Not answered yet, by correlation id, oldest first; those given up included. */
  readonly #entries = new Map<number, Entry>()
  #inFlight = 0
  #correlationId = 0
  #waiting: Entry[] = []
  #full = false
  #exclusive = false
  #throttledUntil = -Infinity
  #throttleTimer: unknown
  #deadlineTimer: unknown
  #deadlineAt = Infinity
  #missedInARow = 0

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#splitter = new FrameSplitter(options.maxResponseBytes, frame => this.#frames.push(frame))
  }

  /** Why it is over, null while it is not. */
  get failure(): KafkaError | null {
    return this.#failure
  }

  /** Requests taken and not settled. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** What is sent now would wait, here or in the socket; `drained` follows. */
  get congested(): boolean {
    return this.#full || this.#paused
  }

  get #paused(): boolean {
    return this.#exclusive || this.#throttleTimer !== undefined
  }

  /** The socket whose listener this is. */
  attach(socket: TransportSocket): void {
    if (this.#failure !== null) socket.destroy()
    else this.#socket = socket
  }

  /** While on, only requests sent `ahead` are written (KIP-368: nothing may come in between a re-authentication). */
  exclusive(on: boolean): void {
    this.#exclusive = on
    this.#resume()
  }

  send<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    body: Request,
    options: SendOptions<Response>,
    ahead = false,
  ): void {
    const { timeoutMs, expectAnswer = true, written = () => {}, settled } = options
    const failure = this.#failure
    if (failure !== null) {
      // It may have been closed between two steps of whoever sends.
      queueMicrotask(() => {
        written()
        settled(failure, null, false)
      })
      return
    }
    const correlationId = this.#correlationId++ & 0x7fff_ffff
    const entry: Entry = {
      api,
      version,
      correlationId,
      timeoutMs,
      expectAnswer,
      ahead,
      chunks: encodeRequest(api, version, correlationId, this.#options.clientId, body),
      deadline: Infinity,
      isWritten: false,
      givenUp: false,
      decode: frame => decodeResponse(api, version, frame).body as object,
      written,
      settled: settled as Entry['settled'],
    }
    this.#entries.set(correlationId, entry)
    if (this.#inFlight++ === 0) this.#socket?.hold?.(true)
    if (this.#paused && !ahead) this.#waiting.push(entry)
    else this.#write(entry)
  }

  /** Closes the socket and settles everything with `error`; only the first call does anything. */
  fail(error: KafkaError): void {
    if (this.#failure !== null) return
    this.#failure = error
    this.#options.clock.clearTimer(this.#deadlineTimer)
    this.#options.clock.clearTimer(this.#throttleTimer)
    this.#socket?.destroy()
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    this.#inFlight = 0
    for (const entry of entries) {
      if (!entry.isWritten) entry.written()
      if (!entry.givenUp) entry.settled(error, null, entry.isWritten)
    }
  }

  data(bytes: Uint8Array): void {
    if (this.#failure !== null) return
    this.traffic.bytesIn += bytes.length
    let error: unknown
    try {
      if (this.#head.length < 4) this.#recognise(bytes)
      this.#splitter.push(bytes)
    } catch (thrown) {
      error = thrown
    }
    for (const frame of this.#frames.splice(0)) this.#receive(frame)
    if (error !== undefined) this.#malformed(error)
  }

  drained(): void {
    this.#full = false
    if (!this.congested) this.#options.on.drained()
  }

  closed(error?: Error): void {
    const label = this.#options.label()
    if (error instanceof KafkaError) this.#broken(error)
    else this.#broken(new ConnectionError(-195, `${label}: the connection was closed`, { broker: label, cause: error }))
  }

  #write(entry: Entry): void {
    const { clock } = this.#options
    const { chunks } = entry
    entry.chunks = []
    entry.isWritten = true
    entry.deadline = clock.now() + entry.timeoutMs
    this.#armDeadline(entry.deadline)
    this.traffic.requests++
    for (const chunk of chunks) this.traffic.bytesOut += chunk.length
    const taken = this.#socket?.write(chunks, error => {
      entry.written()
      // A failed write is followed by the end of the socket, which settles it.
      if (error === undefined && !entry.expectAnswer && this.#entries.delete(entry.correlationId)) {
        this.#settle(entry, null, null)
      }
    })
    if (taken === false) this.#full = true
  }

  #recognise(bytes: Uint8Array): void {
    this.#head.push(...bytes.subarray(0, 4 - this.#head.length))
    const stranger = this.#head.length < 4 ? null : describeStranger(this.#head)
    if (stranger !== null) throw new ProtocolError(`not a Kafka broker: ${stranger}`)
  }

  #receive(frame: Uint8Array): void {
    if (this.#failure !== null) return
    let entry: Entry | undefined
    let response: object
    try {
      const correlationId = correlationIdOf(frame)
      entry = this.#entries.get(correlationId)
      if (entry === undefined || !entry.isWritten || !entry.expectAnswer) {
        throw new ProtocolError(`an answer to a request that was never sent (correlation id ${correlationId})`)
      }
      response = entry.decode(frame)
    } catch (error) {
      this.#malformed(error)
      return
    }
    this.#entries.delete(entry.correlationId)
    this.#missedInARow = 0
    this.traffic.responses++
    this.#throttle(throttleMs(entry.api, entry.version, response))
    if (entry.givenUp) this.traffic.lateAnswers++
    else this.#settle(entry, null, response)
  }

  #settle(entry: Entry, error: KafkaError | null, response: object | null): void {
    this.#inFlight--
    entry.settled(error, response, entry.isWritten)
    if (this.#inFlight > 0 || this.#failure !== null) return
    this.#socket?.hold?.(false)
    this.#options.on.idle()
  }

  #throttle(ms: number): void {
    if (ms <= 0) return
    const { clock, on } = this.#options
    this.#throttledUntil = Math.max(this.#throttledUntil, clock.now() + ms)
    // The broker does not read what is already on its way before the pause is over.
    for (const entry of this.#entries.values()) {
      if (entry.isWritten) entry.deadline = Math.max(entry.deadline, this.#throttledUntil + entry.timeoutMs)
    }
    clock.clearTimer(this.#throttleTimer)
    const resume = () => {
      this.#throttleTimer = undefined
      this.#resume()
    }
    this.#throttleTimer = clock.setTimer(resume, this.#throttledUntil - clock.now())
    on.throttled(ms)
  }

  #resume(): void {
    if (this.#paused || this.#failure !== null) return
    for (const entry of this.#waiting.splice(0)) this.#write(entry)
    if (!this.congested) this.#options.on.drained()
  }

  // One timer for the earliest deadline. It is not taken back when an answer comes: it looks again when it fires.
  #armDeadline(deadline: number): void {
    if (deadline >= this.#deadlineAt) return
    const { clock } = this.#options
    clock.clearTimer(this.#deadlineTimer)
    this.#deadlineAt = deadline
    this.#deadlineTimer = clock.setTimer(() => this.#checkDeadlines(), deadline - clock.now())
  }

  #checkDeadlines(): void {
    const { clock, maxTimeouts } = this.#options
    const label = this.#options.label()
    const now = clock.now()
    this.#deadlineAt = Infinity
    for (const entry of this.#entries.values()) {
      if (entry.givenUp || entry.deadline > now) continue
      const what = `no answer to ${entry.api.name} v${entry.version} within ${entry.timeoutMs} ms`
      const error = new ConnectionError(-195, `${label}: ${what}`, { broker: label })
      this.traffic.timeouts++
      if (++this.#missedInARow === maxTimeouts) {
        this.#broken(error)
        return
      }
      entry.givenUp = true
      this.#settle(entry, error, null)
    }
    for (const { deadline, givenUp } of this.#entries.values()) if (!givenUp) this.#armDeadline(deadline)
  }

  #malformed(cause: unknown): void {
    const label = this.#options.label()
    const reason = cause instanceof Error ? cause.message : String(cause)
    // Another connection may lead to a broker: through a proxy, say, which had an answer of its own.
    this.#broken(new ProtocolError(`${label}: ${reason}`, { broker: label, cause, retriable: true }))
  }

  #broken(error: KafkaError): void {
    if (this.#failure === null) this.#options.on.broken(error)
  }
}
