// The camelCase options: everything that is not text, a number or a boolean, and a few conveniences.

import type { Clock } from '../../clock.ts'
import type { SaslMechanism } from '../../sasl/exchange.ts'
import type { Transport } from '../../transport.ts'
import { isTopicName, type Message, type Serializer } from '../message.ts'
import type { OAuthBearerTokenProvider } from '../token-source.ts'

/** Where log lines go. `console` is one. */
export interface Logger {
  error(line: string): void
  warn(line: string): void
  info(line: string): void
  debug(line: string): void
}

/** A codec in the place of the built-in one of that name. Both give bytes, or a promise of them. */
export interface PluggedCodec {
  compress(bytes: Uint8Array, level: number): Uint8Array | Promise<Uint8Array>
  /** Fails rather than give more than `maxBytes`. */
  decompress(bytes: Uint8Array, maxBytes: number): Uint8Array | Promise<Uint8Array>
}

/** What librdkafka takes as callbacks, and what it does not have. */
export interface PlugIns {
  /** Turns a message's key into text or bytes. Synchronous. */
  readonly keySerializer?: Serializer | undefined
  /** Turns a message's value into text or bytes. Synchronous. */
  readonly valueSerializer?: Serializer | undefined
  /** Makes the key out of the message, before its value is serialised. */
  readonly keyMaker?: ((message: Message) => unknown) | undefined
  /** What the partitioner `md5` does with a message that has no key. */
  readonly nullKey?: 'random' | 'refuse' | undefined
  /** Prepared at `connect()`; the first is the default topic. */
  readonly topics?: readonly string[] | undefined
  /** Everything goes out when so many messages wait, of all topics together. */
  readonly flushEvery?: number | undefined
  readonly logger?: Logger | undefined
  readonly transport?: Transport | undefined
  readonly clock?: Clock | undefined
  readonly codecs?: Readonly<Partial<Record<'gzip' | 'snappy' | 'lz4' | 'zstd', PluggedCodec>>> | undefined
  /** Options of Node's `tls.connect`, such as `minVersion`. They win over the properties. */
  readonly tls?: object | undefined
  /** Gives tokens for OAUTHBEARER. Called again when most of a token's life is over. */
  readonly oauthBearerTokenProvider?: OAuthBearerTokenProvider | undefined
  /** SASL mechanisms by name, besides the built-in ones or in their place. */
  readonly saslMechanisms?: Readonly<Record<string, SaslMechanism>> | undefined
}

export interface PlugInRow {
  /** The allowed values, in words. */
  readonly allowed: string
  readonly doc: string
  readonly use?: 'honoured' | 'unbuilt'
  /** What is written in its place may be a secret, and is not shown. */
  readonly secret?: boolean
  accepts(value: unknown): boolean
}

const isFunction = (value: unknown) => typeof value === 'function'
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const has = (...names: readonly string[]) => {
  return (value: unknown) => isObject(value) && names.every(name => isFunction(value[name]))
}
const isCodec = has('compress', 'decompress')

export const plugIns: Readonly<Record<keyof PlugIns, PlugInRow>> = {
  topics: {
    allowed: 'a list of topic names',
    doc: 'Topics to prepare at connect(). The first is the default topic.',
    accepts: value => Array.isArray(value) && value.every(name => typeof name === 'string' && isTopicName(name)),
  },
  keySerializer: {
    allowed: 'a function (key, message) => string, bytes or null',
    doc: 'Turns keys into bytes. Synchronous.',
    accepts: isFunction,
  },
  valueSerializer: {
    allowed: 'a function (value, message) => string, bytes or null',
    doc: 'Turns values into bytes. Synchronous.',
    accepts: isFunction,
  },
  keyMaker: {
    allowed: 'a function (message) => key',
    doc: 'Makes the key out of the message, whose value is not serialised yet.',
    accepts: isFunction,
  },
  nullKey: {
    allowed: 'random or refuse',
    doc: 'What the partitioner md5 does with a message that has no key; refuse by default.',
    accepts: value => value === 'random' || value === 'refuse',
  },
  flushEvery: {
    allowed: 'an integer, at least 1',
    doc: 'Everything goes out when so many messages wait, of all topics together.',
    accepts: value => Number.isSafeInteger(value) && Number(value) >= 1,
  },
  logger: {
    allowed: 'an object with the functions error, warn, info and debug',
    doc: 'Where log lines go.',
    use: 'unbuilt',
    accepts: has('error', 'warn', 'info', 'debug'),
  },
  transport: {
    allowed: 'a Transport, which has the function connect',
    doc: 'Opens connections, in the place of the network.',
    accepts: has('connect'),
  },
  clock: {
    allowed: 'a Clock, which has the functions now, wallNow, setTimer, clearTimer and defer',
    doc: 'Where time comes from.',
    accepts: has('now', 'wallNow', 'setTimer', 'clearTimer', 'defer'),
  },
  codecs: {
    allowed: 'an object with gzip, snappy, lz4 or zstd, each having the functions compress and decompress',
    doc: 'Codecs in the place of the built-in ones.',
    accepts: value =>
      isObject(value) &&
      Object.entries(value).every(([name, codec]) => /^(gzip|snappy|lz4|zstd)$/.test(name) && isCodec(codec)),
  },
  tls: {
    allowed: "options of Node's tls.connect",
    doc: 'TLS settings that have no property of their own, such as minVersion. They win over the properties.',
    secret: true,
    accepts: isObject,
  },
  oauthBearerTokenProvider: {
    allowed: 'a function ({ config, signal }) => promise of a token',
    doc: 'Gives tokens for OAUTHBEARER, as { value, lifetimeMs }, the latter in milliseconds since the epoch.',
    secret: true,
    accepts: isFunction,
  },
  saslMechanisms: {
    allowed: 'an object of functions ({ host, port }) => exchange, by mechanism',
    doc: 'SASL mechanisms besides the built-in ones. An exchange is a generator: docs/security.md shows one.',
    secret: true,
    accepts: value => isObject(value) && Object.values(value).every(isFunction),
  },
}
