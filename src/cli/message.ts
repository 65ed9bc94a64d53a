// From a line of input to the message that is sent.

import { Buffer } from 'node:buffer'
import type { Message } from '../index.ts'

export interface LineRules {
  readonly topic: string
  /** Bytes between key and value; null when lines have no key. */
  readonly keyDelimiter: Uint8Array | null
  readonly headers: readonly (readonly [string, string | null])[]
  readonly partition: number
  /** Every line is a JSON object with the fields of a message. */
  readonly json: boolean
}

/** The line makes no message; the text says why. */
export class LineError extends Error {}

/** A line without the delimiter has no key. Throws a LineError when a JSON line holds something else than a message. */
export function messageOf(line: Uint8Array, rules: LineRules, opaque: unknown): Message {
  const { topic, headers, partition } = rules
  if (rules.json) return { topic, partition, headers, ...fieldsOf(line), opaque }
  const at =
    rules.keyDelimiter === null
      ? -1
      : Buffer.from(line.buffer, line.byteOffset, line.length).indexOf(rules.keyDelimiter)
  if (at === -1 || rules.keyDelimiter === null) return { topic, partition, headers, value: line, opaque }
  return {
    topic,
    partition,
    headers,
    key: line.subarray(0, at),
    value: line.subarray(at + rules.keyDelimiter.length),
    opaque,
  }
}

const fieldNames = ['topic', 'value', 'key', 'headers', 'partition', 'partitionKey', 'timestamp']

function fieldsOf(line: Uint8Array): Omit<Message, 'opaque'> {
  const fields = parse(line)
  if (typeof fields !== 'object' || fields === null || !('value' in fields)) {
    throw new LineError('not an object with a "value"')
  }
  const unknown = Object.keys(fields).find(name => !fieldNames.includes(name))
  if (unknown !== undefined) throw new LineError(`unknown field "${unknown}" (there are ${fieldNames.join(', ')})`)
  const { value } = fields
  // The producer checks every field; a value that is neither text nor null is sent as the JSON it was.
  return { ...fields, value: typeof value === 'string' || value === null ? value : JSON.stringify(value) }
}

function parse(line: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.length).toString())
  } catch (error) {
    throw new LineError(`not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}
