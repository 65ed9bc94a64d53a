// Tokens for OAUTHBEARER: asked for when one is needed, one call at a time, and kept until most of its life is over.

import type { Clock } from '../clock.ts'
import { AuthenticationError } from '../errors.ts'
import type { OAuthBearerToken } from '../sasl/oauthbearer.ts'

/** What a provider of tokens is told. */
export interface TokenContext {
  /** The property `sasl.oauthbearer.config`. */
  readonly config: string | null
  /** Aborted when nobody waits for the token any more. */
  readonly signal: AbortSignal
}

export type OAuthBearerTokenProvider = (context: TokenContext) => OAuthBearerToken | Promise<OAuthBearerToken>

/** One call of the provider, for all who wait for it. */
interface Asking {
  readonly token: Promise<OAuthBearerToken>
  readonly abort: AbortController
  waiting: number
}

// A session is renewed after 90 % of a life that is at most the token's: by then there has to be a new one.
const freshFor = 0.8

export class TokenSource {
  readonly #name: string
  readonly #provider: OAuthBearerTokenProvider
  readonly #config: string | null
  readonly #clock: Clock
  readonly #limitMs: number
  #token: OAuthBearerToken | null = null
  #staleAt = -Infinity
  #asking: Asking | null = null

  /** `name` is what errors call the provider. */
  constructor(name: string, provider: OAuthBearerTokenProvider, config: string | null, clock: Clock, limitMs: number) {
    this.#name = name
    this.#provider = provider
    this.#config = config
    this.#clock = clock
    this.#limitMs = limitMs
  }

  /**
   * Rejects with a retriable AuthenticationError: the provider may do better next time. Who does not wait any more says
   * so by `signal`; when nobody does, the provider is told to stop.
   */
  token(signal: AbortSignal): Promise<OAuthBearerToken> {
    if (this.#token !== null && this.#clock.wallNow() < this.#staleAt) return Promise.resolve(this.#token)
    const asking = this.#asking ?? this.#begin()
    asking.waiting++
    const leave = () => {
      if (--asking.waiting > 0) return
      this.#end(asking)
      asking.abort.abort(this.#fault('is not waited for any more'))
    }
    signal.addEventListener('abort', leave)
    return asking.token.finally(() => signal.removeEventListener('abort', leave))
  }

  /** Forgets the token, which somebody has refused. */
  drop(): void {
    this.#token = null
  }

  #begin(): Asking {
    const abort = new AbortController()
    const asking = { abort, waiting: 0, token: this.#ask(abort).finally(() => this.#end(asking)) }
    this.#asking = asking
    return asking
  }

  #end(asking: Asking): void {
    if (this.#asking === asking) this.#asking = null
  }

  async #ask(abort: AbortController): Promise<OAuthBearerToken> {
    const token = await this.#provided(abort)
    const now = this.#clock.wallNow()
    if (typeof token?.value !== 'string' || !Number.isFinite(token.lifetimeMs)) {
      throw this.#fault('gave no token: expected { value, lifetimeMs }, lifetimeMs in milliseconds since the epoch')
    }
    if (token.lifetimeMs <= now) {
      throw this.#fault(
        `gave a token that ended ${Math.round(now - token.lifetimeMs)} ms ago, check lifetimeMs and the clocks`,
      )
    }
    this.#token = token
    this.#staleAt = now + (token.lifetimeMs - now) * freshFor
    return token
  }

  async #provided(abort: AbortController): Promise<OAuthBearerToken | undefined> {
    const { signal } = abort
    const timer = this.#clock.setTimer(
      () => abort.abort(this.#fault(`gave no token within ${this.#limitMs} ms`)),
      this.#limitMs,
    )
    const ended = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    try {
      const asked = Promise.resolve().then(() => this.#provider({ config: this.#config, signal }))
      return await Promise.race([asked, ended])
    } catch (error) {
      if (error instanceof AuthenticationError) throw error
      throw this.#fault(`failed (${error instanceof Error ? error.message : String(error)})`, error)
    } finally {
      this.#clock.clearTimer(timer)
    }
  }

  #fault(what: string, cause?: unknown): AuthenticationError {
    return new AuthenticationError(`${this.#name} ${what}`, { retriable: true, cause })
  }
}
