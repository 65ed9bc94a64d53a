// The seam between a connection and a SASL exchange, which decides what is said and whether the broker is convinced.

import type { Api } from '../protocol/schema.ts'

/**
 * Asks until the broker is convinced; rejects if it is not. Resolves with the lifetime of the session (milliseconds),
 * 0 if it has no end: before it is over the exchange is made again on the same connection. Source: KIP-43, KIP-368.
 */
export type Authenticate = (channel: AuthenticationChannel) => Promise<{ sessionLifetimeMs: number }>

/** What an exchange may use of a connection. Its requests pass while all others wait. */
export interface AuthenticationChannel {
  readonly host: string
  readonly port: number
  /** Names the broker in errors. */
  readonly label: string
  /** Aborted when the connection is closed. */
  readonly signal: AbortSignal
  /** The highest version of `api` in common; undefined if there is none. */
  version(api: Api): number | undefined
  request<Request, Response>(
    api: Api<Request, Response>,
    body: Request,
    options: { timeoutMs: number; version?: number },
  ): Promise<Response>
}

// The broker cuts a session that outlives its lifetime.
export const renewAfter = 0.9
