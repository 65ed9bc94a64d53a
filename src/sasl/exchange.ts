// What a SASL exchange is to whoever carries its messages, and what all mechanisms share.

import { Buffer } from 'node:buffer'

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

export const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8')

/** What a broker says, as an error message may show it: one line, of bounded length. */
export function quoted(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length > 300 ? `${line.slice(0, 300)}…` : line
}
