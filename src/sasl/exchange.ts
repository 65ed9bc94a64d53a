// What a SASL exchange is to whoever carries its messages, and what all mechanisms share.

import { Buffer } from 'node:buffer'

/** Loaded by whoever authenticates first. */
export const nodeCrypto = () => process.getBuiltinModule('node:crypto')

/**
 * One authentication, as a generator: it yields what is sent and is given what the broker answers. It returns when the
 * client is satisfied and throws when it is not. Synchronous or not, both will do.
 */
export type SaslExchange = Iterator<Uint8Array, void, Uint8Array> | AsyncIterator<Uint8Array, void, Uint8Array>

/** The broker that is to be convinced. */
export interface SaslBroker {
  readonly host: string
  readonly port: number
}

/**
 * A mechanism: begins one exchange, with one broker, each time a connection is made or its session renewed. What it
 * throws refuses the connection with an AuthenticationError; the message should hold no secret.
 */
export type SaslMechanism = (broker: SaslBroker) => SaslExchange

export interface SaslCredentials {
  readonly username: string
  readonly password: string
}

/**
 * The broker's side, as a generator: it yields what is answered, first of all nothing, for the client begins, and is given
 * what the client says. It returns whom it has found.
 */
export type SaslServerExchange =
  | Iterator<Uint8Array, SaslVerdict, Uint8Array>
  | AsyncIterator<Uint8Array, SaslVerdict, Uint8Array>

/** Who is there, or why nobody is let in: null where a reason would help those who guess. */
export type SaslVerdict =
  | {
      readonly principal: string
      /** Goes out with the good news. */
      readonly answer: Uint8Array
      /** When what was shown ends (milliseconds since the epoch), if it does. */
      readonly lifetimeMs?: number | undefined
    }
  | { readonly refused: string | null }

export const nothing = new Uint8Array()

// Source for the words: Apache Kafka `PlainSaslServer`, `ScramSaslServer`.
export const wantsToBeAnother: SaslVerdict = {
  refused: 'Authentication failed: Client requested an authorization id that is different from username',
}

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')

export const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8')
