// Random values of any schema: what a caller may give, and what the other side must read from it.

import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import type { FieldShape, Shape } from '../../src/protocol/schema.ts'

export interface Sample {
  readonly given: unknown
  readonly expected: unknown
}

export function sampleOf(shape: Shape, version: number): fc.Arbitrary<Sample> {
  switch (shape.kind) {
    case 'int8':
      return same(fc.integer({ min: -128, max: 127 }))
    case 'int16':
      return same(fc.integer({ min: -32768, max: 32767 }))
    case 'int32':
      return same(fc.integer())
    case 'int64':
      return same(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
    case 'boolean':
      return same(fc.boolean())
    case 'uuid':
      return same(fc.uint8Array({ minLength: 16, maxLength: 16 }).map(b => Buffer.from(b).toString('base64url')))
    case 'string':
      return same(orNull(shape.nullable, fc.string({ unit: 'grapheme', maxLength: 200 })))
    case 'bytes':
      return same(orNull(shape.nullable, fc.uint8Array({ maxLength: 200 })))
    case 'records':
      return fc
        .option(fc.array(fc.uint8Array(), { maxLength: 4 }))
        .map(given => ({ given, expected: given && new Uint8Array(Buffer.concat(given)) }))
    case 'array': {
      const elements = fc.array(sampleOf(shape.element, version), { maxLength: 4 })
      const arrays = elements.map(samples => ({
        given: samples.map(sample => sample.given),
        expected: samples.map(sample => sample.expected),
      }))
      return shape.nullable ? fc.oneof(arrays, fc.constant({ given: null, expected: null })) : arrays
    }
    case 'struct': {
      const fields = shape.fields.map(field => fieldOf(field, version).map(sample => [field.name, sample] as const))
      return fc.tuple(...fields).map(samples => ({
        given: Object.fromEntries(samples.map(([name, sample]) => [name, sample.given])),
        expected: Object.fromEntries(samples.map(([name, sample]) => [name, sample.expected])),
      }))
    }
  }
}

function fieldOf(field: FieldShape, version: number): fc.Arbitrary<Sample> {
  const sample = sampleOf(field.shape, version)
  if (field.fallback === undefined) return sample
  // A caller may set a field that the version lacks: it does not travel.
  const present = version >= field.since && version <= field.until
  const value = present ? sample : sample.map(({ given }) => ({ given, expected: field.fallback }))
  return fc.oneof(value, fc.constant({ given: undefined, expected: field.fallback }))
}

function same(values: fc.Arbitrary<unknown>): fc.Arbitrary<Sample> {
  return values.map(value => ({ given: value, expected: value }))
}

function orNull<T>(nullable: boolean, values: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return nullable ? fc.option(values) : values
}
