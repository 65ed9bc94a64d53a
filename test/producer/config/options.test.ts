import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { type ProducerOptions, resolveConfig } from '../../../src/producer/config/config.ts'
import { plugIns } from '../../../src/producer/config/options.ts'

const resolve = (options: object) => resolveConfig({ 'bootstrap.servers': 'a', ...options } as ProducerOptions)
const nothing = () => {}
const secured = {
  'security.protocol': 'sasl_ssl',
  'sasl.mechanisms': 'PLAIN',
  'sasl.username': 'u',
  'sasl.password': 'p',
}
const codec = { compress: nothing, decompress: nothing }

describe('an option', () => {
  test.each<[string, unknown]>([
    ['keySerializer', nothing],
    ['valueSerializer', nothing],
    ['keyMaker', nothing],
    ['nullKey', 'random'],
    ['transport', { connect: nothing }],
    ['clock', systemClock],
    ['codecs', { gzip: codec, zstd: codec }],
    ['topics', ['orders', 'payments']],
    ['topics', []],
    ['flushEvery', 1],
    ['saslMechanisms', { 'X-OURS': nothing }],
    ['oauthBearerTokenProvider', nothing],
    ['tls', { minVersion: 'TLSv1.3' }],
  ])('%s is handed on', (name, value) => {
    const { options, warnings } = resolve({ ...(/^(sasl|oauth|tls)/.test(name) ? secured : {}), [name]: value })
    expect(options).toEqual({ [name]: value })
    expect(warnings).toEqual([])
  })

  test.each<[string, unknown]>([
    ['keySerializer', 'json'],
    ['valueSerializer', {}],
    ['keyMaker', null],
    ['nullKey', 'sometimes'],
    ['transport', nothing],
    ['clock', { now: nothing }],
    ['codecs', { gzip: { compress: nothing } }],
    ['codecs', { brotli: codec }],
    ['codecs', [codec]],
    ['topics', 'orders'],
    ['topics', ['']],
    ['topics', [5]],
    ['flushEvery', 0],
    ['saslMechanisms', { 'X-OURS': 'function' }],
    ['oauthBearerTokenProvider', 'token'],
    ['tls', 'please'],
    ['flushEvery', 1.5],
    ['flushEvery', '5'],
    ['flushEvery', Number.POSITIVE_INFINITY],
  ])('%s is not of the type of %j', (name, value) => {
    const shown = plugIns[name as keyof typeof plugIns].secret ? '******' : value
    const fault = { property: name, value: shown, code: -186 }
    expect(() => resolve({ [name]: value })).toThrow(expect.objectContaining(fault))
  })

  test('that is not built yet is refused', () => {
    expect(() => resolve({ logger: console })).toThrow('logger = an object: is not built yet')
  })

  test('a misspelt one is answered with a suggestion', () => {
    expect(() => resolve({ keySerialiser: nothing })).toThrow(/did you mean keySerializer\?/)
    expect(() => resolve({ flushevery: 5 })).toThrow(/did you mean flushEvery\?/)
  })
})

test('a topic to prepare has a name that Kafka allows', () => {
  for (const topics of [['bad name'], ['a'.repeat(250)], ['..'], ['']]) {
    expect(() => resolveConfig({ 'bootstrap.servers': 'a', topics })).toThrow(/topics/)
  }
  expect(resolveConfig({ 'bootstrap.servers': 'a', topics: ['a.b_c-1'] }).options.topics).toEqual(['a.b_c-1'])
})
