// What Apache's own tools say about a topic: its records by ConsoleConsumer, its batches by DumpLogSegments, and
// whether that is what was sent.

import { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { runTool } from '../../scripts/kafka/kafka.mjs'
import type { RealKafka } from './real-kafka.ts'

/** A record as it was meant to be. */
export interface SentRecord {
  readonly key: Uint8Array | string | null
  readonly value: Uint8Array | string | null
  readonly headers?: readonly (readonly [string, Uint8Array | string | null])[]
}

/** A record as Apache's consumer gives it. */
export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly timestampType: string
  readonly timestamp: number
  readonly headers: readonly (readonly [string, Buffer | null])[]
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** A batch as DumpLogSegments gives it. */
export interface DumpedBatch {
  readonly partition: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly count: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly codec: string
  readonly magic: number
  readonly size: number
  readonly valid: boolean
  /** Records found by reading (and decompressing) the batch. */
  readonly records: number
}

const separator = '\u0001'
const bytesDeserializer = 'org.apache.kafka.common.serialization.BytesDeserializer'

/**
 * Reads a whole topic. Bytes survive: Apache's BytesDeserializer writes everything outside printable ASCII, and the
 * backslash, as \xHH; null is a word that nobody sent. Only a header name may not hold a colon or a control character.
 */
export async function readTopic(kafka: Pick<RealKafka, 'runTool'>, topic: string): Promise<ReadRecord[]> {
  const offsets = await kafka.runTool('org.apache.kafka.tools.GetOffsetShell', ['--topic', topic])
  const count = [...offsets.matchAll(/^.*:\d+:(\d+)$/gm)].reduce((sum, [, end]) => sum + Number(end), 0)
  if (count === 0) return []
  const nullWord = randomUUID()
  const format = [
    ...['timestamp', 'partition', 'offset', 'headers', 'key', 'value'].map(field => `print.${field}=true`),
    ...['key', 'value', 'headers'].map(field => `${field}.deserializer=${bytesDeserializer}`),
    `null.literal=${nullWord}`,
    `headers.separator=${separator}`,
  ].flatMap(property => ['--formatter-property', property])
  // The end of the log is known, so the time is only for a broker that does not hand it out.
  const range = ['--from-beginning', '--max-messages', `${count}`, '--timeout-ms', '20000']
  const consume = ['--topic', topic, ...range, ...format]
  const text = await kafka.runTool('org.apache.kafka.tools.consumer.ConsoleConsumer', consume)
  return text
    .split('\n')
    .slice(0, -1)
    .map(line => parseConsumed(line, nullWord))
}

function parseConsumed(line: string, nullWord: string): ReadRecord {
  const [time = '', partition = '', offset = '', headers = '', key = '', value = ''] = line.split('\t')
  const bytes = (text: string) => (text === nullWord ? null : unescaped(text))
  const [timestampType = '', timestamp = ''] = time.split(':')
  return {
    partition: Number(partition.slice('Partition:'.length)),
    offset: Number(offset.slice('Offset:'.length)),
    timestampType,
    timestamp: Number(timestamp),
    headers:
      headers === 'NO_HEADERS'
        ? []
        : headers.split(separator).map(header => {
            const colon = header.indexOf(':')
            return [header.slice(0, colon), bytes(header.slice(colon + 1))] as const
          }),
    key: bytes(key),
    value: bytes(value),
  }
}

function unescaped(text: string): Buffer {
  const latin1 = text.replace(/\\x([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(latin1, 'latin1')
}

/** Reads every batch of a topic's log, records included. Throws on anything that the tool complains about. */
export async function dumpTopic(kafka: RealKafka, topic: string): Promise<DumpedBatch[]> {
  const files = await kafka.segments(topic)
  const dump = await runTool('org.apache.kafka.tools.DumpLogSegments', ['--files', files.join(), '--deep-iteration'])
  return parseDump(dump)
}

export function parseDump(dump: string): DumpedBatch[] {
  const batches: (DumpedBatch & { records: number })[] = []
  let partition = -1
  for (const line of dump.split('\n')) {
    const fields = new Map([...line.matchAll(/(\w+): (\S+)/g)].map(([, name = '', value = '']) => [name, value]))
    const number = (name: string) => Number(fields.get(name))
    const last = batches.at(-1)
    if (line.startsWith('Dumping ')) {
      partition = Number(/-(\d+)\/[^/]*$/.exec(line)?.[1])
    } else if (line.startsWith('baseOffset: ')) {
      batches.push({
        partition,
        baseOffset: number('baseOffset'),
        lastOffset: number('lastOffset'),
        count: number('count'),
        baseSequence: number('baseSequence'),
        lastSequence: number('lastSequence'),
        producerId: number('producerId'),
        producerEpoch: number('producerEpoch'),
        codec: fields.get('compresscodec') ?? '',
        magic: number('magic'),
        size: number('size'),
        valid: fields.get('isvalid') === 'true',
        records: 0,
      })
    } else if (line.startsWith('| offset: ') && last !== undefined) {
      last.records++
    } else if (line !== '' && !line.startsWith('Log starting offset: ')) {
      throw new Error(`DumpLogSegments: ${line}`)
    }
  }
  return batches
}

export interface Comparison {
  readonly lost: SentRecord[]
  readonly duplicated: ReadRecord[]
  /** Read, but never sent in this form. */
  readonly foreign: ReadRecord[]
  /** Read behind a record of the same partition that was sent later. */
  readonly reordered: ReadRecord[]
}

export const flawless: Comparison = { lost: [], duplicated: [], foreign: [], reordered: [] }

/** Compares key, value and headers byte for byte; `sent` in the order of the calls, `read` in the consumer's. */
export function compare(sent: readonly SentRecord[], read: readonly ReadRecord[]): Comparison {
  const indexes = new Map<string, number[]>()
  sent.forEach((record, index) => {
    const identity = identityOf(record)
    const same = indexes.get(identity)
    if (same === undefined) indexes.set(identity, [index])
    else same.push(index)
  })
  const found = new Map<string, number>()
  const latest = new Map<number, number>()
  const verdict: Comparison = { lost: [], duplicated: [], foreign: [], reordered: [] }
  for (const record of read) {
    const identity = identityOf(record)
    const nth = found.get(identity) ?? 0
    const same = indexes.get(identity)
    const index = same?.[nth]
    found.set(identity, nth + 1)
    if (same === undefined) verdict.foreign.push(record)
    else if (index === undefined) verdict.duplicated.push(record)
    else if (index < (latest.get(record.partition) ?? -1)) verdict.reordered.push(record)
    else latest.set(record.partition, index)
  }
  for (const [identity, same] of indexes) {
    for (const index of same.slice(found.get(identity) ?? 0)) {
      const record = sent[index]
      if (record !== undefined) verdict.lost.push(record)
    }
  }
  return verdict
}

function identityOf({ key, value, headers = [] }: SentRecord): string {
  return [key, value, ...headers.flat()].map(hex).join()
}

function hex(bytes: Uint8Array | string | null): string {
  if (bytes === null) return 'null'
  return (
    typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  ).toString('hex')
}
