// One client's connection as the broker has it: requests are served one after the other, answers leave in that order.

import type { Clock } from '../clock.ts'
import { Deque } from '../deque.ts'
import { ProtocolError } from '../errors.ts'
import { FrameSplitter } from '../protocol/frame.ts'
import { stateMachine } from '../state-machine.ts'

/** The way back to the client; TCP and memory each have one. */
export interface Wire {
  write(chunks: Uint8Array[]): void
  /** Closes after everything that was written. */
  close(): void
  /** Closes at once. */
  destroy(): void
  /** Takes no bytes from the client until `resume`. */
  pause(): void
  resume(): void
}

/** What becomes of a request. */
export type Outcome =
  | 'close'
  | 'hang'
  | {
      /** Null where the client waits for none. */
      readonly answer: Uint8Array[] | null
      /** How long the answer is held back. */
      readonly holdMs: number
      /** How long nothing more is served on this connection. */
      readonly pauseMs: number
      /** The connection ends after it. */
      readonly isLast: boolean
    }

export interface ConnectionOptions {
  readonly clock: Clock
  readonly maxRequestBytes: number
  /** Milliseconds between a request and its answer, for what is not the broker's own time. */
  roundTripMs(): number
  /** Never rejects. */
  serve(frame: Uint8Array): Promise<Outcome>
  closed(): void
}

// How many requests are read ahead of the one being served; then the client's writes come to a stop.
const readAhead = 64

export class ServerConnection {
  readonly #wire: Wire
  readonly #options: ConnectionOptions
  readonly #splitter: FrameSplitter
  readonly #requests = new Deque<Uint8Array>()
  readonly #answers = new Deque<{ readonly dueAt: number; readonly chunks: Uint8Array[] | 'close' }>()
  readonly #timers = new Set<unknown>()
  readonly #state = stateMachine(
    'mock connection',
    {
      ready: ['serving', 'closed'],
      serving: ['ready', 'paused', 'ended', 'closed'],
      paused: ['ready', 'closed'],
      ended: ['closed'], // nothing more is served; answers may still be on their way
      closed: [],
    },
    'ready',
  )

  constructor(wire: Wire, options: ConnectionOptions) {
    this.#wire = wire
    this.#options = options
    this.#splitter = new FrameSplitter(options.maxRequestBytes, frame => this.#requests.push(frame))
  }

  /** Bytes from the client. What is no frame closes the connection, as with a real broker. */
  data(bytes: Uint8Array): void {
    if (this.#state.is('closed', 'ended')) return
    try {
      this.#splitter.push(bytes)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.destroy()
      return
    }
    if (this.#requests.size > readAhead) this.#wire.pause()
    this.#serveNext()
  }

  /** The client is gone. */
  gone(): void {
    if (this.#state.is('closed')) return
    this.#state.to('closed')
    for (const timer of this.#timers) this.#options.clock.clearTimer(timer)
    this.#timers.clear()
    this.#requests.clear()
    this.#answers.clear()
    this.#options.closed()
  }

  destroy(): void {
    this.#wire.destroy()
    this.gone()
  }

  #serveNext(): void {
    if (!this.#state.is('ready')) return
    const frame = this.#requests.shift()
    if (frame === undefined) return
    if (this.#requests.size === readAhead) this.#wire.resume()
    this.#state.to('serving')
    void this.#options.serve(frame).then(outcome => this.#served(outcome))
  }

  #served(outcome: Outcome): void {
    if (this.#state.is('closed')) return
    if (outcome === 'hang' || outcome === 'close') {
      this.#state.to('ended')
      if (outcome === 'close') this.#send('close', 0)
      return
    }
    if (outcome.answer !== null) this.#send(outcome.answer, outcome.holdMs)
    if (outcome.isLast) {
      this.#state.to('ended')
      this.#send('close', 0)
    } else if (outcome.pauseMs > 0) {
      this.#state.to('paused')
      this.#after(outcome.pauseMs, () => this.#proceed())
    } else {
      this.#proceed()
    }
  }

  #proceed(): void {
    this.#state.to('ready')
    this.#serveNext()
  }

  // What is sent later never overtakes what was sent before.
  #send(chunks: Uint8Array[] | 'close', holdMs: number): void {
    const { clock, roundTripMs } = this.#options
    const dueAt = Math.max(clock.now() + roundTripMs() + holdMs, this.#answers.last()?.dueAt ?? 0)
    this.#answers.push({ dueAt, chunks })
    if (this.#answers.size === 1) this.#flush()
  }

  #flush(): void {
    for (let next = this.#answers.first(); next !== undefined; next = this.#answers.first()) {
      const waitMs = next.dueAt - this.#options.clock.now()
      if (waitMs > 0) {
        this.#after(waitMs, () => this.#flush())
        return
      }
      this.#answers.shift()
      if (next.chunks === 'close') {
        this.#wire.close()
        this.gone()
      } else {
        this.#wire.write(next.chunks)
      }
    }
  }

  #after(ms: number, fn: () => void): void {
    const timer = this.#options.clock.setTimer(() => {
      this.#timers.delete(timer)
      fn()
    }, ms)
    this.#timers.add(timer)
  }
}
