// What becomes of messages and batches, as data: the report, and the verdict it is made of.

import type { KafkaError } from '../errors.ts'

/** Whether the message is in the log: librdkafka's message status. */
export type DeliveryStatus = 'persisted' | 'possibly-persisted' | 'not-persisted'

/** The verdict on one message. */
export interface DeliveryReport {
  readonly topic: string
  /** -1 if the message never got a partition. */
  readonly partition: number
  /** Where it stands in the partition's log; -1n if that is not known. */
  readonly offset: bigint
  /** The broker's where it set one, otherwise the message's (milliseconds since the epoch). */
  readonly timestamp: number
  readonly status: DeliveryStatus
  /** Null for success. */
  readonly error: KafkaError | null
  /** As the message had it. */
  readonly opaque: unknown
  /** Requests it went out in. */
  readonly attempts: number
  /** From the call to the verdict (milliseconds, right to a tenth of one). */
  readonly latencyMs: number
}

/** How a whole batch ended. */
export interface Verdict {
  readonly error: KafkaError | null
  readonly status: DeliveryStatus
  readonly baseOffset: bigint
  /** -1 unless the broker set the time. */
  readonly logAppendTimeMs: number
  /** Errors of single records, by index. Source: KIP-467. */
  readonly recordErrors: ReadonlyMap<number, KafkaError> | null
}

/** Told once when a message has its verdict; a `send()` leaves the bare `resolve` of its promise. */
export type Caller = ((report: DeliveryReport | Promise<never>) => void) | { settled(): void }
