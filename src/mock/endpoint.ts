// What serving one API means: how a broker answers it, and how an answer looks that says nothing but an error.

import type { Clock } from '../clock.ts'
import { errorCodeOf } from '../error-codes.ts'
import type { Api } from '../protocol/schema.ts'
import type { TransactionCoordinator } from './coordinator.ts'
import type { SaslSession } from './sasl-session.ts'
import type { Topology } from './topology.ts'

export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** Where a request came in. */
export interface Served {
  readonly broker: number
  readonly version: number
  readonly topology: Topology
  readonly transactions: TransactionCoordinator
  readonly clock: Clock
  /** The level of Kafka's `transaction.version`. */
  readonly transactionVersion: number
  /** Null where no SASL is wanted. */
  readonly session: SaslSession | null
  /** What this broker says of the APIs that it speaks. */
  advertised(): readonly { apiKey: number; minVersion: number; maxVersion: number }[]
}

/** `Request` is what was received, `Response` what is given. Declared as methods, so that a table may mix them. */
export interface Endpoint<Request = unknown, Response = unknown> {
  readonly api: Api<never, unknown, Request, Response>
  /** The first version whose answer goes out before the pause that it announces, not after. Source: KIP-219. */
  readonly pausesAfterwardsFrom: number
  handle(request: Request, served: Served): Response | Promise<Response>
  refuse(request: Request, errorCode: number, served: Served): Response
  /** Whether the client gets this response; `close` is how a broker speaks to one that waits for none. */
  delivery?(request: Request, response: Response): 'send' | 'keep' | 'close'
}

/** The number of an error's name. A name that Kafka does not have is a mistake of the caller. */
export function codeOf(errorName: string): number {
  const code = errorCodeOf(errorName)
  if (code === undefined || code < -1) throw new TypeError(`'${errorName}' is not the name of a Kafka error`)
  return code
}
