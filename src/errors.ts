// The error classes. Depth one below KafkaError; recognised across copies of this package by a Symbol.for brand.

import { describeErrorCode, errorCodeOf } from './error-codes.ts'
import { quoted } from './quoted.ts'

const brand = Symbol.for('odradek.error')

/** What every error may carry besides its message. */
export interface ErrorContext {
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  /** `host:port`, with the node id where it is known. */
  readonly broker?: string | undefined
  readonly retriable?: boolean
  readonly cause?: unknown
}

/**
 * The base of everything this package throws. `code` is Kafka's protocol code (positive) or librdkafka's local code
 * (negative), `codeName` their name. `retriable`: the same call may succeed later. `fatal`: this producer cannot go on.
 * `abortable`: the transaction has to be aborted. Source: Apache Kafka `Errors.java`, librdkafka `rd_kafka_resp_err_t`.
 */
export abstract class KafkaError extends Error {
  readonly code: number
  readonly codeName: string
  /** POSIX name, where librdkafka's `produce()` would have set one. */
  declare readonly errno?: string
  readonly retriable: boolean
  readonly fatal: boolean = false
  readonly abortable: boolean = false
  declare readonly topic?: string
  declare readonly partition?: number
  declare readonly broker?: string

  constructor(name: string, code: number, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause })
    const known = describeErrorCode(code)
    this.code = code
    this.codeName = known.name
    this.retriable = context.retriable ?? known.retriable
    const errno = errnoNames[known.name]
    if (errno !== undefined) this.errno = errno
    if (context.topic !== undefined) this.topic = context.topic
    if (context.partition !== undefined) this.partition = context.partition
    if (context.broker !== undefined) this.broker = context.broker
    Object.defineProperty(this, 'name', { value: name, configurable: true, writable: true })
    Object.defineProperty(this, brand, { value: name })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false
    const name = brandNames.get(this)
    if (name === undefined) return Object.prototype.isPrototypeOf.call(this.prototype, value) // a user's own subclass
    const found: unknown = Reflect.get(value, brand)
    return name === 'KafkaError' ? typeof found === 'string' : found === name
  }
}

/** A configuration property has a value that it may not have; thrown at construction, before anything connects. */
export class ConfigError extends KafkaError {
  readonly property: string
  readonly value: unknown
  /** The allowed values or range, in words. */
  readonly allowed: string
  constructor(property: string, value: unknown, allowed: string, message: string) {
    super('ConfigError', -186, message)
    this.property = property
    this.value = value
    this.allowed = allowed
  }
}

/** A message has a field that cannot be sent. `index` is its place in the list given to a call for many. */
export class InvalidMessageError extends KafkaError {
  readonly field: string
  declare readonly index?: number
  constructor(field: string, message: string, context: ErrorContext & { index?: number } = {}) {
    super(
      'InvalidMessageError',
      -186,
      context.index === undefined ? message : `message ${context.index}: ${message}`,
      context,
    )
    this.field = field
    if (context.index !== undefined) this.index = context.index
  }
}

/** The producer is in a state in which the call has no meaning, such as `send()` after `close()`. */
export class StateError extends KafkaError {
  readonly state: string
  constructor(state: string, message: string) {
    super('StateError', -172, message)
    this.state = state
  }
}

/** The queue is full: `queue.buffering.max.messages` or `queue.buffering.max.kbytes`. Nothing was queued. */
export class QueueFullError extends KafkaError {
  /** Which of the two limits, and where it stands. */
  readonly limit: string
  readonly used: number
  constructor(limit: string, used: number, message: string) {
    super('QueueFullError', -184, message)
    this.limit = limit
    this.used = used
  }
}

/** One message is larger than `message.max.bytes`. */
export class MessageTooLargeError extends KafkaError {
  constructor(message: string, context: ErrorContext = {}) {
    super('MessageTooLargeError', 10, message, context)
  }
}

/** The cluster says that there is no such topic. */
export class UnknownTopicError extends KafkaError {
  constructor(topic: string, message = `topic '${topic}' does not exist`, context: ErrorContext = {}) {
    super('UnknownTopicError', -188, message, { ...context, topic })
  }
}

/** The topic has fewer partitions than that. */
export class UnknownPartitionError extends KafkaError {
  constructor(topic: string, partition: number, partitionCount: number) {
    super(
      'UnknownPartitionError',
      -190,
      `partition ${partition} of topic '${topic}' does not exist: it has ${partitionCount} (0 to ${partitionCount - 1})`,
      { topic, partition },
    )
  }
}

/** `handle.wait({timeoutMs})` was over before the verdict; the message is still on its way. */
export class WaitTimeoutError extends KafkaError {
  constructor(message: string, context: ErrorContext = {}) {
    super('WaitTimeoutError', -185, message, context)
  }
}

/** `flush({timeoutMs})` was over with messages still queued. */
export class FlushTimeoutError extends KafkaError {
  readonly remaining: number
  constructor(remaining: number, timeoutMs: number) {
    super('FlushTimeoutError', -185, `flush: ${remaining} messages still without a verdict after ${timeoutMs} ms`)
    this.remaining = remaining
  }
}

/** No connection, or no more: refused, reset, unresolved (-193), timed out (-195), TLS (-181). */
export class ConnectionError extends KafkaError {
  constructor(code: -195 | -193 | -181, message: string, context: ErrorContext = {}) {
    super('ConnectionError', code, message, { retriable: true, ...context })
  }
}

/** The broker refused our credentials or mechanism. */
export class AuthenticationError extends KafkaError {
  constructor(message: string, context: ErrorContext = {}) {
    super('AuthenticationError', -169, message, context)
  }
}

/** Bytes that are not Kafka's protocol, or a broker with no version in common. */
export class ProtocolError extends KafkaError {
  constructor(message: string, context: ErrorContext = {}) {
    super('ProtocolError', -199, message, context)
  }
}

/** A broker answered with an error code. */
export class BrokerError extends KafkaError {
  constructor(code: number, message: string, context: ErrorContext = {}) {
    super('BrokerError', code, message, context)
  }
}

/** A message was given up: `message.timeout.ms` (-192), or purged from the queue (-152) or in flight (-151). */
export class DeliveryError extends KafkaError {
  constructor(code: -192 | -152 | -151, message: string, context: ErrorContext = {}) {
    super('DeliveryError', code, message, context)
  }
}

/** This producer cannot go on, `cause` says why. */
export class FatalError extends KafkaError {
  override readonly fatal: boolean = true
  constructor(message: string, context: ErrorContext = {}) {
    super('FatalError', -150, message, context)
  }
}

/** At least one message of a call for many failed: `reports` has them all, `dispatched` what was queued. */
export class ProduceManyError<Report = unknown, Handle = unknown> extends KafkaError {
  readonly reports: readonly Report[]
  readonly dispatched: readonly Handle[]
  constructor(
    message: string,
    parts: { reports?: readonly Report[]; dispatched?: readonly Handle[]; cause?: unknown },
  ) {
    super('ProduceManyError', -196, message, parts.cause === undefined ? {} : { cause: parts.cause })
    this.reports = parts.reports ?? []
    this.dispatched = parts.dispatched ?? []
  }
}

const brandNames = new Map<unknown, string>([
  [KafkaError, 'KafkaError'],
  [ConfigError, 'ConfigError'],
  [InvalidMessageError, 'InvalidMessageError'],
  [StateError, 'StateError'],
  [QueueFullError, 'QueueFullError'],
  [MessageTooLargeError, 'MessageTooLargeError'],
  [UnknownTopicError, 'UnknownTopicError'],
  [UnknownPartitionError, 'UnknownPartitionError'],
  [WaitTimeoutError, 'WaitTimeoutError'],
  [FlushTimeoutError, 'FlushTimeoutError'],
  [ConnectionError, 'ConnectionError'],
  [AuthenticationError, 'AuthenticationError'],
  [ProtocolError, 'ProtocolError'],
  [BrokerError, 'BrokerError'],
  [DeliveryError, 'DeliveryError'],
  [FatalError, 'FatalError'],
  [ProduceManyError, 'ProduceManyError'],
])

// Source: librdkafka `rd_kafka_errno2err()` read backwards.
const errnoNames: Readonly<Record<string, string>> = {
  _INVALID_ARG: 'EINVAL',
  _QUEUE_FULL: 'ENOBUFS',
  MESSAGE_TOO_LARGE: 'EMSGSIZE',
  _UNKNOWN_PARTITION: 'ESRCH',
  _UNKNOWN_TOPIC: 'ENOENT',
  UNKNOWN_TOPIC_OR_PARTITION: 'ENOENT',
  _TIMED_OUT: 'ETIMEDOUT',
  _MSG_TIMED_OUT: 'ETIMEDOUT',
  _STATE: 'ENOEXEC',
  _FATAL: 'ECANCELED',
  _PURGE_QUEUE: 'ECANCELED',
  _PURGE_INFLIGHT: 'ECANCELED',
}

const linuxErrno: Readonly<Record<string, number>> = {
  ENOENT: 2,
  ESRCH: 3,
  ENOEXEC: 8,
  EINVAL: 22,
  EMSGSIZE: 90,
  ENOBUFS: 105,
  ETIMEDOUT: 110,
  ECANCELED: 125,
}

/** Linux number of an error's `errno` name, 0 where it has none. */
export function errnoOf(error: KafkaError): number {
  return error.errno === undefined ? 0 : (linuxErrno[error.errno] ?? 0)
}

/** The broker's verdict as an error; `name` may be given instead of the number. */
export function brokerError(
  code: number | string,
  context: ErrorContext & { detail?: string | null } = {},
): BrokerError {
  const number = typeof code === 'number' ? code : (errorCodeOf(code) ?? -1)
  const { name } = describeErrorCode(number)
  const where =
    context.topic === undefined
      ? ''
      : `${context.topic}${context.partition === undefined ? '' : `[${context.partition}]`}: `
  const by = context.broker === undefined ? '' : `, broker ${context.broker}`
  const detail = context.detail ? `: ${quoted(context.detail)}` : ''
  return new BrokerError(number, `${where}${name} (${number})${by}${detail}`, context)
}
