// Tokens for OAUTHBEARER: asked for when one is needed, one call at a time, and kept until most of its life is over.

import type { Clock } from '../clock.ts'
import { AuthenticationError, KafkaError } from '../errors.ts'
import type { OAuthBearerToken } from '../sasl/oauthbearer.ts'

/** What a provider of tokens is told. */
export interface TokenContext {
  /** The property `sasl.oauthbearer.config`. */
  readonly config: string | null
  /** Aborted when nobody waits for the token any more. */
  readonly signal: AbortSignal
}

export type OAuthBearerTokenProvider = (context: TokenContext) => OAuthBearerToken | Promise<OAuthBearerToken>

// A session is renewed after 90 % of a life that is at most the token's: by then there has to be a new one.
const freshFor = 0.8

export class TokenSource {
  readonly #provider: OAuthBearerTokenProvider
  readonly #config: string | null
  readonly #clock: Clock
  readonly #limitMs: number
  #token: OAuthBearerToken | null = null
  #staleAt = -Infinity
  #asking: Promise<OAuthBearerToken> | null = null

  constructor(provider: OAuthBearerTokenProvider, config: string | null, clock: Clock, limitMs: number) {
    this.#provider = provider
    this.#config = config
    this.#clock = clock
    this.#limitMs = limitMs
  }

  /** Rejects with a retriable AuthenticationError: the provider may do better next time. */
  token(): Promise<OAuthBearerToken> {
    if (this.#token !== null && this.#clock.wallNow() < this.#staleAt) return Promise.resolve(this.#token)
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  /** Forgets the token, which somebody has refused. */
  drop(): void {
    this.#token = null
  }

  async #ask(): Promise<OAuthBearerToken> {
    const token = await this.#provided()
    const now = this.#clock.wallNow()
    if (typeof token?.value !== 'string' || !Number.isFinite(token.lifetimeMs)) {
      throw fault('gave no token: expected { value, lifetimeMs }, lifetimeMs in milliseconds since the epoch')
    }
    if (token.lifetimeMs <= now) {
      throw fault(
        `gave a token that ended ${Math.round(now - token.lifetimeMs)} ms ago, check lifetimeMs and the clocks`,
      )
    }
    this.#token = token
    this.#staleAt = now + (token.lifetimeMs - now) * freshFor
    return token
  }

  async #provided(): Promise<OAuthBearerToken | undefined> {
    const abort = new AbortController()
    let timer: unknown
    const late = new Promise<never>((_, reject) => {
      timer = this.#clock.setTimer(() => {
        reject(fault(`gave no token within ${this.#limitMs} ms`))
        abort.abort()
      }, this.#limitMs)
    })
    try {
      const asked = Promise.resolve().then(() => this.#provider({ config: this.#config, signal: abort.signal }))
      return await Promise.race([asked, late])
    } catch (error) {
      if (error instanceof KafkaError) throw error
      throw fault(`failed (${error instanceof Error ? error.message : String(error)})`, error)
    } finally {
      this.#clock.clearTimer(timer)
    }
  }
}

function fault(what: string, cause?: unknown): AuthenticationError {
  return new AuthenticationError(`OAUTHBEARER: the token provider ${what}`, { retriable: true, cause })
}
