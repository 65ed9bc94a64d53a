// What `odradek produce` can be told, and what it makes of it.

import { Buffer } from 'node:buffer'
import type { ProducerOptions } from '../index.ts'
import type { LineRules } from './message.ts'
import { describeOptions, type Option, readArguments, UsageError } from './options.ts'

export interface ProduceSettings extends LineRules {
  readonly properties: ProducerOptions
  readonly hasBroker: boolean
  readonly files: readonly string[]
  /** The byte that ends a line. */
  readonly lineEnd: number
  readonly summary: boolean
}

const options: readonly Option[] = [
  { name: 'topic', short: 't', value: 'TOPIC', help: 'where to; needed' },
  {
    name: 'bootstrap-server',
    short: 'b',
    value: 'HOST:PORT',
    aliases: ['bootstrap-servers', 'brokers'],
    help: 'brokers to begin with, commas between; without it an embedded mock cluster is used',
  },
  { name: 'key-delimiter', short: 'K', value: 'DELIM', help: 'what parts key and value; a line without it has no key' },
  { name: 'header', short: 'H', value: 'NAME=VALUE', help: 'a header for every message; NAME alone has a null value' },
  { name: 'partition', short: 'p', value: 'N', help: 'the partition; -1, the default, leaves it to the partitioner' },
  { name: 'compression', short: 'z', value: 'CODEC', help: 'gzip, snappy, lz4, zstd or none' },
  { name: 'property', short: 'X', value: 'NAME=VALUE', help: 'any property of the producer, by its librdkafka name' },
  { name: 'null', help: 'messages end with a NUL byte instead of a line end' },
  { name: 'ndjson', help: 'every line is a JSON object: value, key, headers, partition, timestamp, topic' },
  { name: 'summary', help: 'print a table per partition, the rate and the latencies at the end' },
  { name: 'help', short: 'h', help: 'print this' },
]

export const helpText = `usage: odradek produce -t TOPIC [OPTION...] [FILE...]

Sends every line of the files, or of stdin (also as -), as one message, and ends when the brokers have them all.
The last line needs no line end; empty lines are left out; a carriage return stays part of its line.

${describeOptions(options)}

DELIM may hold \\t, \\n, \\0, \\\\ and \\xHH. Exit code: 0 all was delivered, 1 not all (the first few are named),
2 the arguments make no sense, 130 stopped by Ctrl-C.
`

/** Null when help was asked for. Throws a UsageError. */
export function readSettings(args: readonly string[]): ProduceSettings | null {
  const { values, operands } = readArguments(args, options)
  if (values.has('help')) return null
  const last = (name: string): string | undefined => values.get(name)?.at(-1)
  const topic = last('topic')
  if (topic === undefined || topic === '') throw new UsageError('-t TOPIC is needed (odradek produce --help)')

  const properties = Object.fromEntries((values.get('property') ?? []).map(written => nameAndValue('-X', written)))
  const broker = last('bootstrap-server')
  if (broker !== undefined) properties['bootstrap.servers'] = broker
  const codec = last('compression')
  if (codec !== undefined) properties['compression.codec'] = codec
  const delimiter = last('key-delimiter')
  if (delimiter === '') throw new UsageError('-K needs at least one character')

  return {
    topic,
    properties: properties as ProducerOptions, // text throughout; the producer checks and converts
    hasBroker: ['bootstrap.servers', 'metadata.broker.list'].some(name => Object.hasOwn(properties, name)),
    files: operands,
    lineEnd: values.has('null') ? 0 : 10,
    keyDelimiter: delimiter === undefined ? null : unescaped(delimiter),
    headers: (values.get('header') ?? []).map(header),
    partition: partition(last('partition')),
    json: values.has('ndjson'),
    summary: values.has('summary'),
  }
}

function nameAndValue(option: string, written: string): [string, string] {
  const at = written.indexOf('=')
  if (at < 1) throw new UsageError(`${option} needs NAME=VALUE, not '${written}'`)
  return [written.slice(0, at), written.slice(at + 1)]
}

function header(written: string): [string, string | null] {
  return written.includes('=') ? nameAndValue('-H', written) : [written, null]
}

function partition(written = '-1'): number {
  if (!/^(-1|\d{1,9})$/.test(written))
    throw new UsageError(`-p needs the number of a partition, or -1, not '${written}'`)
  return Number(written)
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', 0: '\0', '\\': '\\' }

function unescaped(written: string): Uint8Array {
  const parts = written.match(/\\x[0-9a-f]{2}|\\.|[^\\]+|\\/gis) ?? []
  return Buffer.concat(
    parts.map(part => {
      if (/^\\x[0-9a-f]{2}$/i.test(part)) return Buffer.from(part.slice(2), 'hex')
      return Buffer.from(part.startsWith('\\') ? (escapes[part.slice(1)] ?? part) : part)
    }),
  )
}
