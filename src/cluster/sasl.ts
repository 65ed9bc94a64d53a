// Carries a SASL exchange over a connection: names the mechanism, passes messages, and puts a refusal into words that
// say what to check. Source: KIP-43, KIP-152, KIP-368.

import { AuthenticationError, type ErrorContext, KafkaError } from '../errors.ts'
import { saslAuthenticate } from '../protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../protocol/apis/sasl-handshake.ts'
import { quoted } from '../quoted.ts'
import type { SaslBroker, SaslExchange } from '../sasl/exchange.ts'
import type { Authenticate, AuthenticationChannel } from './authentication.ts'

export interface SaslOptions {
  readonly mechanism: string
  /** What to look at when the broker refuses, such as `check sasl.username and sasl.password`. */
  readonly check: string
  readonly timeoutMs: number
  /** What no error shows, even where a broker repeats it. */
  secret?(): string
  /** `signal` is aborted when nobody waits for the exchange any more. */
  begin(broker: SaslBroker, signal: AbortSignal): SaslExchange | Promise<SaslExchange>
}

// No mechanism needs more; a broker that goes on asking would never come to an end.
const mostSteps = 20

// As much as Kafka's brokers take of their clients. Source: Kafka broker property `sasl.server.max.receive.size`.
const mostBytes = 524_288

// A timer of Node that is set for longer than 2^31 ms fires at once; renewing early does no harm.
const longestSessionMs = 2_000_000_000

// Source: Apache Kafka `Errors.java`.
const unsupportedMechanism = 33
const illegalState = 34

export function saslAuthentication(options: SaslOptions): Authenticate {
  return async channel => {
    const { mechanism, begin } = options
    const { host, port, signal } = channel
    await handshake(channel, options)
    try {
      return await converse(channel, await begin({ host, port }, signal), options)
    } catch (error) {
      const known = error instanceof KafkaError ? error : null
      if (known?.broker !== undefined) throw error
      const what = `${mechanism}: ${error instanceof Error ? error.message : 'the exchange failed'}`
      throw refusal(channel, what, { cause: error, retriable: known?.retriable ?? false })
    }
  }
}

async function handshake(channel: AuthenticationChannel, options: SaslOptions): Promise<void> {
  const { mechanism, timeoutMs } = options
  if (channel.version(saslHandshake) !== 1 || channel.version(saslAuthenticate) === undefined) {
    throw refusal(
      channel,
      'the broker does not know SaslAuthenticate (Kafka 1.0), check security.protocol and its version',
    )
  }
  const { errorCode, mechanisms } = await channel.request(saslHandshake, { mechanism }, { timeoutMs })
  if (errorCode === 0) return
  if (errorCode === unsupportedMechanism) {
    const offered = quoted(mechanisms.slice(0, 20).join(', '), options.secret?.())
    throw refusal(
      channel,
      `the mechanism ${mechanism} is not among those of this listener (${offered}), check sasl.mechanisms`,
    )
  }
  if (errorCode === illegalState) {
    throw refusal(channel, 'this listener takes no SASL authentication, check security.protocol and the port')
  }
  throw refusal(channel, `the mechanism ${mechanism} is refused (error code ${errorCode})`)
}

async function converse(
  channel: AuthenticationChannel,
  exchange: SaslExchange,
  options: SaslOptions,
): Promise<{ sessionLifetimeMs: number }> {
  const { mechanism, check, timeoutMs } = options
  let sessionLifetimeMs = 0
  let step = await exchange.next(new Uint8Array())
  for (let steps = 1; !step.done; steps++) {
    if (steps > mostSteps) throw new Error(`there is no end to it after ${mostSteps} messages`)
    const response = await channel.request(saslAuthenticate, { authBytes: step.value }, { timeoutMs })
    if (response.errorCode !== 0) {
      const reason = quoted(response.errorMessage ?? '', options.secret?.()) || `error code ${response.errorCode}`
      throw refusal(channel, `${mechanism} authentication is refused (${reason}), ${check}`)
    }
    const { length } = response.authBytes
    if (length > mostBytes) {
      throw refusal(channel, `${mechanism}: a message of ${length} bytes is no broker's, check bootstrap.servers`)
    }
    sessionLifetimeMs = Math.min(Number(response.sessionLifetimeMs), longestSessionMs)
    step = await exchange.next(response.authBytes)
  }
  return { sessionLifetimeMs }
}

function refusal({ label }: AuthenticationChannel, what: string, context: ErrorContext = {}): AuthenticationError {
  return new AuthenticationError(`${label}: ${what}`, { ...context, broker: label })
}
