// Who may come in, and by which mechanisms: what all connections of a cluster with SASL share.

import type { Clock } from '../clock.ts'
import type { SaslServerExchange } from '../sasl/exchange.ts'
import { oauthBearerServer, type TokenVerifier, unsecuredTokenOwner } from '../sasl/oauthbearer.ts'
import { plainServer } from '../sasl/plain.ts'
import { type ScramCredential, type ScramHash, scramCredential, scramServer } from '../sasl/scram.ts'

export type MockSaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'

export interface MockSaslOptions {
  /** Those that are enabled; those with passwords if not given. */
  readonly mechanisms?: readonly MockSaslMechanism[]
  /** Passwords by name, for PLAIN and SCRAM. `setUser` changes them later. */
  readonly users?: Readonly<Record<string, string>>
  /**
   * Says whose a token of OAUTHBEARER is and when it ends, null for one that is refused. If not given, unsigned JWTs are
   * taken for what they say, as Kafka does for development.
   */
  readonly verifyToken?: TokenVerifier
  /**
   * After this time (milliseconds) a client has to authenticate again; never if not given. Source: Kafka
   * `connections.max.reauth.ms`.
   */
  readonly sessionLifetimeMs?: number
}

const exchanges: Readonly<Record<MockSaslMechanism, (authority: SaslAuthority) => SaslServerExchange>> = {
  PLAIN: authority => plainServer((name, password) => authority.password(name) === password),
  'SCRAM-SHA-256': authority => scramServer('sha256', name => authority.credential('sha256', name)),
  'SCRAM-SHA-512': authority => scramServer('sha512', name => authority.credential('sha512', name)),
  OAUTHBEARER: authority => oauthBearerServer(authority.verifyToken),
}

export class SaslAuthority {
  readonly mechanisms: readonly MockSaslMechanism[]
  readonly sessionLifetimeMs: number
  readonly verifyToken: TokenVerifier
  readonly #passwords = new Map<string, string>()
  /** What SCRAM needs of a password takes a while to make. */
  readonly #credentials = new Map<string, Promise<ScramCredential>>()

  /** Throws a TypeError on a mechanism or a time that there is not. */
  constructor(options: MockSaslOptions, clock: Clock) {
    const {
      mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
      users = {},
      sessionLifetimeMs = Infinity,
    } = options
    const unknown = mechanisms.find(name => !Object.hasOwn(exchanges, name))
    if (unknown !== undefined) {
      throw new TypeError(`'${unknown}' is not a mechanism of the mock, there are ${Object.keys(exchanges).join(', ')}`)
    }
    if (sessionLifetimeMs !== Infinity && !(Number.isSafeInteger(sessionLifetimeMs) && sessionLifetimeMs > 0)) {
      throw new TypeError(`sessionLifetimeMs is a positive integer, not ${sessionLifetimeMs}`)
    }
    this.mechanisms = [...mechanisms]
    this.sessionLifetimeMs = sessionLifetimeMs
    this.verifyToken = options.verifyToken ?? (value => unsecuredTokenOwner(value, clock.wallNow()))
    for (const [name, password] of Object.entries(users)) this.setUser(name, password)
  }

  /** Null takes the user away. */
  setUser(name: string, password: string | null): void {
    if (password === null) this.#passwords.delete(name)
    else this.#passwords.set(name, password)
    this.#credentials.clear()
  }

  password(name: string): string | undefined {
    return this.#passwords.get(name)
  }

  credential(hash: ScramHash, name: string): Promise<ScramCredential> | undefined {
    const password = this.#passwords.get(name)
    if (password === undefined) return undefined
    const key = `${hash} ${name}`
    const credential = this.#credentials.get(key) ?? scramCredential(hash, password)
    this.#credentials.set(key, credential)
    return credential
  }

  /** Undefined for a mechanism that is not enabled. */
  begin(mechanism: string): SaslServerExchange | undefined {
    const enabled = this.mechanisms.find(name => name === mechanism)
    return enabled && exchanges[enabled](this)
  }
}
