import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { highestCommonVersion } from '../../src/cluster/handshake.ts'
import { ProtocolError } from '../../src/errors.ts'
import { type ApiName, apiByKey, apiByName, apis } from '../../src/protocol/apis.ts'
import { Reader } from '../../src/protocol/reader.ts'
import type { Message } from '../../src/protocol/schema.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { type Sample, sampleOf } from '../support/schema-arbitrary.ts'

interface Case {
  readonly name: string
  readonly version: number
  readonly message: Message<never, unknown>
  readonly sample: fc.Arbitrary<Sample>
}

const cases: Case[] = apis.flatMap(({ name, versions: [lowest, highest], request, response }) =>
  Object.entries({ request, response }).flatMap(([direction, message]) =>
    Array.from({ length: highest - lowest + 1 }, (_, i): Case => {
      const version = lowest + i
      return { name: `${name} v${version} ${direction}`, version, message, sample: sampleOf(message.shape, version) }
    }),
  ),
)

function encode({ message, version }: Case, value: unknown): Uint8Array {
  const writer = new Writer(16)
  message.encode(writer, value as never, version)
  return writer.toBytes()
}

function decode({ message, version }: Case, bytes: Uint8Array): unknown {
  const reader = new Reader(bytes)
  const value = message.decode(reader, version)
  reader.end()
  return value
}

/** The names of all fields, in the order in which the decoder made them. */
function keysOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(keysOf)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return null
  return Object.entries(value).map(([name, field]) => [name, keysOf(field)])
}

describe.each(cases)('$name', it => {
  test('is read as it was written, fields left out as their defaults', () => {
    fc.assert(
      fc.property(it.sample, ({ given, expected }) => {
        const decoded = decode(it, encode(it, given))
        expect(decoded).toStrictEqual(expected)
        expect(keysOf(decoded)).toEqual(keysOf(expected))
      }),
      { numRuns: 50 },
    )
  })

  test('is refused when it is cut anywhere', () => {
    fc.assert(
      fc.property(it.sample, ({ given }) => {
        const bytes = encode(it, given)
        for (let end = 0; end < bytes.length; end++) {
          expect(() => decode(it, bytes.subarray(0, end))).toThrow(ProtocolError)
        }
      }),
      { numRuns: 5 },
    )
  })

  test('is refused when bytes follow it', () => {
    fc.assert(
      fc.property(it.sample, ({ given }) => {
        expect(() => decode(it, new Uint8Array([...encode(it, given), 0]))).toThrow(/1 bytes too many/)
      }),
      { numRuns: 5 },
    )
  })

  test('is decoded or refused with ProtocolError, whatever the bytes', () => {
    const damaged = fc
      .tuple(it.sample, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }))
      .map(([{ given }, edits]) => {
        const bytes = encode(it, given)
        for (const [at, byte] of edits) bytes[at % bytes.length] = byte
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged), bytes => {
        try {
          decode(it, bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      { numRuns: 100 },
    )
  })
})

describe('the table of APIs', () => {
  test('has each key and each name once, under its own name', () => {
    expect(new Set(apis.map(api => api.key)).size).toBe(apis.length)
    expect(apis.map(api => apiByName(api.name as ApiName))).toEqual(apis)
  })

  test('is sorted by key and finds by key', () => {
    expect(apis.map(api => api.key)).toEqual([0, 3, 10, 17, 18, 19, 22, 24, 25, 26, 28, 32, 36])
    expect(apis.map(api => apiByKey(api.key))).toEqual(apis)
    expect(apiByKey(1)).toBeUndefined()
  })

  test('covers the versions that the producer relies on', () => {
    expect(Object.fromEntries(apis.map(({ name, versions, flexible }) => [name, [...versions, flexible]]))).toEqual({
      Produce: [3, 13, 9],
      Metadata: [4, 13, 9],
      FindCoordinator: [1, 6, 3],
      SaslHandshake: [0, 1, Infinity],
      ApiVersions: [0, 5, 3],
      CreateTopics: [2, 7, 5],
      InitProducerId: [0, 5, 2],
      AddPartitionsToTxn: [0, 3, 3],
      AddOffsetsToTxn: [0, 4, 3],
      EndTxn: [0, 5, 3],
      TxnOffsetCommit: [0, 5, 3],
      DescribeConfigs: [1, 4, 4],
      SaslAuthenticate: [0, 2, 2],
    })
  })
})

describe('the highest common version', () => {
  const produce = apiByName('Produce')

  test('is the lower of the two maxima', () => {
    expect(highestCommonVersion(produce, { min: 3, max: 9 })).toBe(9)
    expect(highestCommonVersion(produce, { min: 3, max: 99 })).toBe(13)
  })

  test('respects a cap', () => {
    expect(highestCommonVersion(produce, { min: 3, max: 13 }, 11)).toBe(11)
  })

  test('is never below our minimum, even where the broker announces 0', () => {
    expect(highestCommonVersion(produce, { min: 0, max: 13 })).toBe(13)
    expect(highestCommonVersion(produce, { min: 0, max: 2 })).toBeUndefined()
    expect(highestCommonVersion(produce, { min: 0, max: 13 }, 2)).toBeUndefined()
  })

  test('is undefined when the broker is too new or does not have the API', () => {
    expect(highestCommonVersion(produce, { min: 14, max: 15 })).toBeUndefined()
    expect(highestCommonVersion(produce, undefined)).toBeUndefined()
  })
})
