// A user's message: its public shape, its validation, and its bytes, ready to become a record.

import { Buffer } from 'node:buffer'
import { InvalidMessageError } from '../errors.ts'
import type { PartitionerFunction } from '../partitioners/partitioner.ts'
import { type RecordInput, varintBytes, writeString, writeVarint } from '../protocol/record-batch.ts'

export type HeaderValue = string | Uint8Array | null
export type MessageHeaders =
  | Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>
  | Iterable<readonly [string, HeaderValue]>

/** What is handed to `send()` and its siblings. The bytes are copied before the call returns. */
export interface Message {
  /** Absent: the default topic, which is the first of `topics`. */
  readonly topic?: string | null
  /** A string is sent as UTF-8, an array of chunks as one value, null as a tombstone. */
  readonly value: string | Uint8Array | readonly Uint8Array[] | null
  readonly key?: string | Uint8Array | null
  /** An object (an array repeats a name) or pairs; order and repetition are kept. */
  readonly headers?: MessageHeaders | null
  /** -1 or absent: the partitioner decides. */
  readonly partition?: number | null
  /** Hashed instead of `key`; wins over `partition`. */
  readonly partitionKey?: string | Uint8Array | null
  /** Default: the time of the call. Integer milliseconds since the epoch. */
  readonly timestamp?: Date | number | null
  /** Anything; handed back in the report. */
  readonly opaque?: unknown
}

export type Serializer = (value: never, message: Message) => string | Uint8Array | null

/** What the configuration says about reading a message. */
export interface MessageRules {
  readonly defaultTopic: string | null
  readonly keySerializer: Serializer | null
  readonly valueSerializer: Serializer | null
  readonly keyMaker: ((message: Message) => unknown) | null
  /** None of the three functions is there. */
  readonly isPlain: boolean
}

const noBytes = Buffer.alloc(0)
const noHeaders = Buffer.from([0])

/** The bytes of one message, held in memory that the next message reuses. */
export class PreparedMessage implements RecordInput {
  topic = ''
  partition = -1
  timestamp = -1
  opaque: unknown = undefined
  /** Of this call only. */
  partitioner: string | PartitionerFunction | null = null
  key: Buffer = noBytes
  keyLength = -1
  /** The key that is hashed, where it is not `key`; length -2 says that it is. */
  partitionKey: Buffer = noBytes
  partitionKeyLength = -2
  value: RecordInput['value'] = null
  valueLength = -1
  headers: Buffer = noHeaders
  headersLength = 1
  /** What counts against `queue.buffering.max.kbytes`: key, value, header names and values. */
  userBytes = 0
  headerMemory: Buffer = noBytes

  /** What counts against `message.max.bytes`. */
  get messageBytes(): number {
    return (
      36 +
      Math.max(this.keyLength, 0) +
      Math.max(this.valueLength, 0) +
      (this.headersLength === 1 ? 0 : this.headersLength)
    )
  }

  /** A copy that owns its bytes, for a message that has to wait. */
  clone(): PreparedMessage {
    const copy = new PreparedMessage()
    copy.topic = this.topic
    copy.partition = this.partition
    copy.timestamp = this.timestamp
    copy.opaque = this.opaque
    copy.partitioner = this.partitioner
    copy.key = ownBytes(this.key, this.keyLength)
    copy.keyLength = this.keyLength
    copy.partitionKey = ownBytes(this.partitionKey, this.partitionKeyLength)
    copy.partitionKeyLength = this.partitionKeyLength
    copy.value = ownValue(this.value)
    copy.valueLength = this.valueLength
    copy.headers = this.headersLength === 1 ? noHeaders : ownBytes(this.headers, this.headersLength)
    copy.headersLength = this.headersLength
    copy.userBytes = this.userBytes
    return copy
  }
}

/**
 * Reads `message` into `into`. Every field is read once, and all code of the user's runs before the first byte is
 * written. Throws InvalidMessageError, which names the field and, where `index` is given, the message's place.
 */
export function prepareMessage(message: Message, rules: MessageRules, into: PreparedMessage, index?: number): void {
  if (typeof message !== 'object' || message === null) refuse('message', message, 'an object', index)
  const { value, headers, partition, partitionKey, timestamp, opaque } = message
  let { topic, key } = message
  if (rules.keyMaker !== null) key = rules.keyMaker(message) as Message['key']
  const valueBytes =
    rules.valueSerializer === null || value == null ? value : rules.valueSerializer(value as never, message)
  const keyBytes = rules.keySerializer === null || key == null ? key : rules.keySerializer(key as never, message)

  topic ??= rules.defaultTopic
  if (typeof topic !== 'string') refuse('topic', topic, 'a topic name (there is no default topic)', index)
  into.topic = topic
  into.partition = partition == null ? -1 : checkPartition(partition, index)
  into.timestamp = timestamp == null ? -1 : checkTimestamp(timestamp, index)
  into.opaque = opaque
  const pairs = headers == null ? null : listHeaders(headers, index)

  setValue(into, valueBytes, index)
  if (keyBytes == null) into.keyLength = -1
  else {
    into.key = fill(into.key, keyBytes, 'key', index)
    into.keyLength = filled
  }
  if (partitionKey == null) into.partitionKeyLength = -2
  else {
    into.partitionKey = fill(into.partitionKey, partitionKey, 'partitionKey', index)
    into.partitionKeyLength = filled
    into.partition = -1
  }
  let headerBytes = 0
  if (pairs === null || pairs.length === 0) {
    into.headers = noHeaders
    into.headersLength = 1
  } else headerBytes = encodeHeaders(into, pairs)
  into.userBytes = Math.max(into.keyLength, 0) + Math.max(into.valueLength, 0) + headerBytes
}

/** All that can be read of a message only once, read: getters, and headers that are an iterator. */
export function snapshotOf(message: Message, index: number): Message {
  if (typeof message !== 'object' || message === null) refuse('message', message, 'an object', index)
  const { topic, value, key, headers, partition, partitionKey, timestamp, opaque } = message
  const pairs = headers == null ? null : listHeaders(headers, index)
  return { topic, value, key, headers: pairs, partition, partitionKey, timestamp, opaque } as Message
}

function setValue(into: PreparedMessage, value: unknown, index: number | undefined): void {
  if (typeof value === 'string') into.valueLength = Buffer.byteLength(value)
  else if (value === null) into.valueLength = -1
  else if (isBytes(value)) into.valueLength = value.length
  else if (Array.isArray(value)) {
    let length = 0
    for (const part of value) {
      if (!isBytes(part)) refuse('value', part, 'an array of Uint8Array only', index)
      length += part.length
    }
    into.valueLength = length
  } else refuse('value', value, 'a string, a Uint8Array, an array of Uint8Array, or null for a tombstone', index)
  into.value = value as RecordInput['value']
}

let filled = 0

// Writes text or bytes to the front of `buffer`, or of a larger one; leaves the length in `filled`.
function fill(buffer: Buffer, from: unknown, field: string, index: number | undefined): Buffer {
  if (typeof from === 'string') {
    filled = Buffer.byteLength(from)
    const into = filled <= buffer.length ? buffer : Buffer.allocUnsafeSlow(Math.max(64, filled * 2))
    writeString(into, 0, from, filled)
    return into
  }
  if (!isBytes(from)) refuse(field, from, 'a string, a Uint8Array or null', index)
  filled = from.length
  const into = filled <= buffer.length ? buffer : Buffer.allocUnsafeSlow(Math.max(64, filled * 2))
  into.set(from, 0)
  return into
}

type HeaderPair = readonly [name: string, value: HeaderValue]

function listHeaders(headers: MessageHeaders, index: number | undefined): HeaderPair[] {
  if (typeof headers !== 'object') refuse('headers', headers, 'an object or pairs [name, value]', index)
  const pairs: HeaderPair[] = []
  if (Symbol.iterator in headers) {
    for (const pair of headers as Iterable<unknown>) {
      if (!Array.isArray(pair) || pair.length !== 2) refuse('headers', pair, 'pairs [name, value]', index)
      pairs.push(checkHeader(pair as [unknown, unknown], index))
    }
    return pairs
  }
  for (const name of Object.keys(headers)) {
    const value = (headers as Readonly<Record<string, unknown>>)[name]
    if (Array.isArray(value)) for (const one of value) pairs.push(checkHeader([name, one], index))
    else pairs.push(checkHeader([name, value], index))
  }
  return pairs
}

function checkHeader([name, value]: readonly [unknown, unknown], index: number | undefined): HeaderPair {
  if (typeof name !== 'string') refuse('headers', name, 'a string as header name', index)
  if (value !== null && typeof value !== 'string' && !isBytes(value)) {
    refuse(`headers.${name}`, value, 'a string, a Uint8Array, null or an array of these', index)
  }
  return [name, value]
}

function encodeHeaders(into: PreparedMessage, pairs: readonly HeaderPair[]): number {
  let userBytes = 0
  let bytes = varintBytes(pairs.length)
  for (const [name, value] of pairs) {
    const nameLength = Buffer.byteLength(name)
    const valueLength = value === null ? -1 : typeof value === 'string' ? Buffer.byteLength(value) : value.length
    const both = nameLength + Math.max(valueLength, 0)
    bytes += varintBytes(nameLength) + varintBytes(valueLength) + both
    userBytes += both
  }
  if (into.headerMemory.length < bytes) into.headerMemory = Buffer.allocUnsafeSlow(Math.max(256, bytes))
  const headers = into.headerMemory
  into.headers = headers
  let at = writeVarint(headers, 0, pairs.length)
  for (const [name, value] of pairs) {
    at = writeText(headers, at, name)
    if (value === null) at = writeVarint(headers, at, -1)
    else if (typeof value === 'string') at = writeText(headers, at, value)
    else {
      at = writeVarint(headers, at, value.length)
      headers.set(value, at)
      at += value.length
    }
  }
  into.headersLength = at
  return userBytes
}

function writeText(into: Buffer, at: number, text: string): number {
  const length = Buffer.byteLength(text)
  return writeString(into, writeVarint(into, at, length), text, length)
}

function checkPartition(partition: unknown, index: number | undefined): number {
  if (!Number.isInteger(partition) || (partition as number) < -1 || (partition as number) > 0x7fffffff) {
    refuse('partition', partition, 'an integer from -1 to 2147483647', index)
  }
  return partition as number
}

function checkTimestamp(timestamp: unknown, index: number | undefined): number {
  const ms = isDate(timestamp) ? timestamp.getTime() : timestamp
  if (!Number.isSafeInteger(ms) || (ms as number) < 0) {
    refuse('timestamp', timestamp, 'a valid Date or integer milliseconds from 0 to 9007199254740991', index)
  }
  return ms as number
}

/** Kafka's rules for a topic's name. Source: Apache Kafka `Topic.validate`. */
export function isTopicName(topic: string): boolean {
  return topic.length <= 249 && topic !== '.' && topic !== '..' && /^[a-zA-Z0-9._-]+$/.test(topic)
}

/** Throws InvalidMessageError for what is no topic's name. */
export function checkTopicName(topic: string, index?: number): void {
  if (typeof topic === 'string' && isTopicName(topic)) return
  refuse('topic', topic, "1 to 249 of the characters a-z A-Z 0-9 . _ - and neither '.' nor '..'", index)
}

function isBytes(value: unknown): value is Uint8Array {
  return (
    value instanceof Uint8Array ||
    (ArrayBuffer.isView(value) && Reflect.get(value, Symbol.toStringTag) === 'Uint8Array')
  )
}

// Also one of another realm.
function isDate(value: unknown): value is Date {
  return value instanceof Date || Object.prototype.toString.call(value) === '[object Date]'
}

function ownBytes(from: Uint8Array, length: number): Buffer {
  if (length <= 0) return noBytes
  const own = Buffer.allocUnsafe(length)
  own.set(length === from.length ? from : from.subarray(0, length))
  return own
}

function ownValue(value: RecordInput['value']): RecordInput['value'] {
  if (value === null || typeof value === 'string') return value
  return isGathered(value) ? Buffer.concat(value) : ownBytes(value, value.length)
}

function isGathered(value: RecordInput['value']): value is readonly Uint8Array[] {
  return Array.isArray(value)
}

function refuse(field: string, value: unknown, allowed: string, index: number | undefined): never {
  const shown = value === undefined ? 'missing' : describe(value)
  throw new InvalidMessageError(
    field,
    `${field} is ${shown}: it must be ${allowed}`,
    index === undefined ? {} : { index },
  )
}

// Never the content of a long value: it may be secret, and it may be huge.
function describe(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 60 ? `a string of ${value.length} characters` : JSON.stringify(value)
  if (isDate(value)) return 'an invalid Date'
  if (typeof value === 'object' && value !== null) return `a ${value.constructor?.name ?? 'object'}`
  return `${typeof value} ${String(value)}`
}
