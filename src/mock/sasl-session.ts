// What a client has proved on a connection, and what it may ask for meanwhile.
// Source: KIP-43, KIP-152, KIP-368, Apache Kafka `SaslServerAuthenticator`.

import type { Clock } from '../clock.ts'
import { nothing, type SaslServerExchange, type SaslVerdict } from '../sasl/exchange.ts'
import { stateMachine } from '../state-machine.ts'
import type { SaslAuthority } from './sasl-authority.ts'

/** What a client is told: why it is refused, or what the mechanism has to say. */
export type SaslReply =
  | { readonly refused: string }
  /** 0 is a session without an end. */
  | { readonly bytes: Uint8Array; readonly sessionLifetimeMs: number }

// A client that renews its session more often than that is refused.
const leastSessionMs = 1000

export class SaslSession {
  readonly #authority: SaslAuthority
  readonly #clock: Clock
  readonly #state = stateMachine(
    'SASL session',
    {
      silent: ['introduced', 'exchanging', 'over'],
      introduced: ['exchanging', 'over'], // the versions are told, once
      exchanging: ['open', 'over'],
      open: ['exchanging', 'deaf', 'over'],
      deaf: [], // it renews its session by another mechanism, and is not told that this ends it
      over: [],
    },
    'silent',
  )
  #mechanism = ''
  #exchange: SaslServerExchange | null = null
  /** Messages come without a header. */
  #bare = false
  #principal: string | null = null
  #endsAt = Infinity
  #renewedAt = -Infinity

  constructor(authority: SaslAuthority, clock: Clock) {
    this.#authority = authority
    this.#clock = clock
  }

  get mechanisms(): readonly string[] {
    return this.#authority.mechanisms
  }

  /** The next frame is a message of the mechanism and nothing else. */
  get bare(): boolean {
    return this.#bare && this.#state.is('exchanging')
  }

  /** The connection ends after the answer. */
  get over(): boolean {
    return this.#state.is('over')
  }

  /** Whether a request is served now. */
  admits(api: string): boolean {
    switch (this.#state.state) {
      case 'silent':
        return api === 'ApiVersions' || api === 'SaslHandshake'
      case 'introduced':
        return api === 'SaslHandshake'
      case 'exchanging':
        return api === 'SaslAuthenticate'
      case 'open':
        return api === 'SaslHandshake' || this.#clock.now() <= this.#endsAt
      default:
        return false
    }
  }

  /** A request came that is not admitted; whether that is worth an answer, the last one. */
  interrupt(): boolean {
    const isWorthIt = this.#state.is('exchanging')
    if (isWorthIt) this.#state.to('over')
    return isWorthIt
  }

  toldVersions(): void {
    if (this.#state.is('silent')) this.#state.to('introduced')
  }

  /** The name of an error, or null: then the client's messages may follow. */
  async handshake(mechanism: string, isBare: boolean): Promise<string | null> {
    const isOpen = this.#state.is('open')
    const now = this.#clock.now()
    if (isOpen && (this.#endsAt === Infinity || now - this.#renewedAt < leastSessionMs)) return 'ILLEGAL_SASL_STATE'
    const exchange = this.#authority.begin(mechanism)
    if (exchange === undefined) {
      this.#state.to('over')
      return 'UNSUPPORTED_SASL_MECHANISM'
    }
    if (isOpen) this.#renewedAt = now
    this.#state.to(isOpen && mechanism !== this.#mechanism ? 'deaf' : 'exchanging')
    this.#mechanism = mechanism
    this.#bare = isBare
    this.#exchange = exchange
    await exchange.next(nothing)
    return null
  }

  /** Goes on with what the client says; null if nothing is left to be said. */
  async authenticate(message: Uint8Array): Promise<SaslReply | null> {
    if (this.#exchange === null || !this.#state.is('exchanging')) return null
    const step = await this.#exchange.next(message)
    if (step.done !== true) return { bytes: step.value, sessionLifetimeMs: 0 }
    return this.#judge(step.value)
  }

  #judge(verdict: SaslVerdict): SaslReply {
    const known = this.#principal
    if ('refused' in verdict) {
      const during = known === null ? 'authentication' : 're-authentication'
      const why = `due to invalid credentials with SASL mechanism ${this.#mechanism}`
      return this.#refuse(verdict.refused ?? `Authentication failed during ${during} ${why}`)
    }
    const { principal, answer, lifetimeMs = Infinity } = verdict
    if (known !== null && known !== principal) {
      return this.#refuse(`Cannot change principals during re-authentication from User.${known}: User.${principal}`)
    }
    const tokenMs = Math.max(0, Math.floor(lifetimeMs - this.#clock.wallNow()))
    const leftMs = Math.min(tokenMs, this.#authority.sessionLifetimeMs)
    this.#state.to('open')
    this.#principal = principal
    this.#endsAt = this.#clock.now() + leftMs
    return { bytes: answer, sessionLifetimeMs: leftMs === Infinity ? 0 : leftMs }
  }

  #refuse(message: string): SaslReply {
    this.#state.to('over')
    return { refused: message }
  }
}
