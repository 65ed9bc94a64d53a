import { describe, expect, test } from 'vitest'
import { deriveProfile, type ProducerOptions, resolveConfig } from '../../../src/producer/config/config.ts'
import type { TopicConfig } from '../../../src/producer/config/properties.ts'

const resolve = (options: ProducerOptions = {}) => resolveConfig({ 'bootstrap.servers': 'a', ...options })

function derive(overrides: TopicConfig, options: ProducerOptions = {}) {
  const config = resolve(options)
  return deriveProfile(config.profile, overrides, config)
}

test('topic properties given to the producer hold for every topic', () => {
  expect(resolve({ acks: 1, 'request.timeout.ms': 7, 'compression.level': 3 }).profile).toEqual({
    'request.required.acks': 1,
    'request.timeout.ms': 7,
    'message.timeout.ms': 300_000,
    'compression.codec': 'none',
    'compression.level': 3,
    partitioner: 'consistent_random',
  })
})

test('what a topic does not say stays as it was', () => {
  expect(derive({ 'message.timeout.ms': '9000' }, { 'compression.level': 3 })).toEqual({
    ...resolve().profile,
    'compression.level': 3,
    'message.timeout.ms': 9000,
  })
})

describe('identity', () => {
  const config = resolve()

  test('nothing different is the same profile', () => {
    expect(deriveProfile(config.profile, {}, config)).toBe(config.profile)
    expect(deriveProfile(config.profile, { 'compression.codec': 'none' }, config)).toBe(config.profile)
    expect(deriveProfile(config.profile, { partitioner: undefined }, config)).toBe(config.profile)
  })

  test('equal differences are the same profile', () => {
    const gzip = deriveProfile(config.profile, { 'compression.codec': 'gzip' }, config)
    expect(deriveProfile(config.profile, { 'compression.type': 'gzip' }, config)).toBe(gzip)
    expect(deriveProfile(gzip, { 'compression.codec': 'inherit' }, config)).toBe(config.profile)
    expect(Object.isFrozen(gzip)).toBe(true)
  })

  test('two functions are two profiles', () => {
    const one = deriveProfile(config.profile, { partitioner: () => 0 }, config)
    expect(deriveProfile(config.profile, { partitioner: () => 0 }, config)).not.toBe(one)
    expect(deriveProfile(config.profile, { partitioner: one.partitioner as () => number }, config)).toBe(one)
  })

  test('a program that never stops making profiles still gets right ones', () => {
    for (let level = 1; level <= 300; level++) {
      const profile = deriveProfile(config.profile, { 'request.timeout.ms': level }, config)
      expect(profile['request.timeout.ms']).toBe(level)
    }
  })
})

describe('compression', () => {
  test('inherit is what the producer does', () => {
    expect(derive({ 'compression.codec': 'inherit' }, { 'compression.codec': 'lz4' })['compression.codec']).toBe('lz4')
  })

  test('inherit is nothing for the producer itself', () => {
    expect(() => resolve({ 'compression.codec': 'inherit' as 'none' })).toThrow(/none, gzip, snappy, lz4, zstd/)
  })

  test('a codec that the runtime lacks is refused here too', () => {
    const config = resolveConfig({ 'bootstrap.servers': 'a' }, codec => (codec === 'zstd' ? 'no zstd here' : null))
    expect(() => deriveProfile(config.profile, { 'compression.type': 'zstd' }, config)).toThrow(/no zstd here/)
  })
})

describe('errors', () => {
  const fault = (property: string) => expect.objectContaining({ property, code: -186 })

  test('acks of a topic are refused by an idempotent producer, even the same ones', () => {
    expect(() => derive({ acks: 1 })).toThrow(fault('acks'))
    expect(() => derive({ 'request.required.acks': -1 })).toThrow(fault('request.required.acks'))
    expect(derive({ acks: 1 }, { 'enable.idempotence': false })['request.required.acks']).toBe(1)
  })

  test('a property of the producer is not one of a topic', () => {
    expect(() => derive({ 'linger.ms': 5 } as TopicConfig)).toThrow(/is a property of the producer, not of a topic/)
  })

  test('an unknown name is answered with one of a topic', () => {
    expect(() => derive({ akcs: 1 } as TopicConfig)).toThrow(/did you mean acks\?/)
    expect(() => derive(JSON.parse('{"__proto__": {"acks": 0}}'))).toThrow(fault('__proto__'))
  })

  test('a message lives longer than it lingers', () => {
    expect(() => derive({ 'message.timeout.ms': 5 })).toThrow(fault('message.timeout.ms'))
    expect(derive({ 'message.timeout.ms': 6 })['message.timeout.ms']).toBe(6)
    expect(derive({ 'message.timeout.ms': 0 })['message.timeout.ms']).toBe(0)
    expect(() => derive({ 'request.timeout.ms': 996 }, { 'message.timeout.ms': 1000 })).toThrow(/add up to 1001/)
    expect(derive({ 'message.timeout.ms': 1000 })['message.timeout.ms']).toBe(1000)
  })

  test('values are checked as everywhere', () => {
    expect(() => derive({ 'request.timeout.ms': '5s' as '5' })).toThrow(fault('request.timeout.ms'))
    expect(() => derive({ 'compression.type': 'gzip', 'compression.codec': 'lz4' })).toThrow(/another name/)
    expect(() => derive(null as never)).toThrow(fault('topicConfig'))
  })
})

test('a deprecated property is taken with a warning', () => {
  const config = resolve()
  const warnings: unknown[] = []
  const overrides = { 'produce.offset.report': true }
  expect(deriveProfile(config.profile, overrides, config, warning => warnings.push(warning))).toBe(config.profile)
  expect(warnings).toEqual([
    { property: 'produce.offset.report', reason: 'has no effect: every report has its offset' },
  ])
})
