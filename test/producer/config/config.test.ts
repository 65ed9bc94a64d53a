import { inspect } from 'node:util'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { codecUnavailable } from '../../../src/compression/codecs.ts'
import { ConfigError } from '../../../src/errors.ts'
import { partitioners } from '../../../src/partitioners/partitioners.ts'
import { type ProducerOptions, resolveConfig } from '../../../src/producer/config/config.ts'
import { describeProperties, dumpConfig } from '../../../src/producer/config/describe.ts'

const servers = { 'bootstrap.servers': 'localhost:9092' }
const resolve = (options: object) => resolveConfig({ ...servers, ...options })

/** The one error that these options give. */
function faultOf(options: unknown): ConfigError {
  try {
    resolveConfig(options as ProducerOptions)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('nothing was wrong')
}

describe('values', () => {
  test('a number may be in quotes', () => {
    expect(resolve({ 'linger.ms': '10' }).properties['queue.buffering.max.ms']).toBe(10)
    expect(resolve({ 'batch.num.messages': '7' }).properties['batch.num.messages']).toBe(7)
  })

  test('a number with a unit is an error that names property, value and range', () => {
    const error = faultOf({ ...servers, 'linger.ms': '10ms' })
    expect(error).toMatchObject({ code: -186, property: 'linger.ms', value: '10ms', allowed: '0 to 900000' })
    expect(error.message).toBe('linger.ms = "10ms": expected a number, 0 to 900000 (ms)')
  })

  test('an empty text is no text', () => {
    const config = resolve({ 'client.id': '' })
    expect(config.properties['client.id']).toBe('odradek')
    expect(config.given).not.toContain('client.id')
  })

  test('undefined means not given', () => {
    expect(resolve({ 'linger.ms': undefined, 'sasl.password': undefined, nothing: undefined }).given.size).toBe(1)
  })

  test.each([null, {}, [], Symbol('x'), 10n, () => {}])('%s is the value of no property', value => {
    expect(() => resolve({ 'client.id': value })).toThrow(ConfigError)
    expect(() => resolve({ 'linger.ms': value })).toThrow(ConfigError)
    expect(() => resolve({ 'socket.keepalive.enable': value })).toThrow(ConfigError)
  })

  test('acks may be written all', () => {
    expect(resolve({ acks: 'ALL' }).profile['request.required.acks']).toBe(-1)
    expect(() => resolve({ acks: 'some' })).toThrow(/-1 to 1000, or all/)
  })

  test('the name of the software is one that brokers accept', () => {
    expect(resolve({ 'client.software.name': 'my-app.1' }).properties['client.software.name']).toBe('my-app.1')
    for (const name of ['my app', '-x', 'x.', 'ä'])
      expect(() => resolve({ 'client.software.name': name })).toThrow(ConfigError)
  })

  test.each([null, undefined, 5, 'localhost:9092', []])('options that are %s are refused', options => {
    expect(faultOf(options)).toMatchObject({ property: 'options', allowed: 'an object' })
  })
})

describe('names', () => {
  test('aliases set the property they stand for', () => {
    const { properties, profile, given } = resolve({
      'max.in.flight': 3,
      'linger.ms': 1,
      retries: 4,
      'compression.type': 'gzip',
      'delivery.timeout.ms': 9000,
    })
    expect(properties).toMatchObject({
      'max.in.flight.requests.per.connection': 3,
      'queue.buffering.max.ms': 1,
      'message.send.max.retries': 4,
      'compression.codec': 'gzip',
    })
    expect(profile).toMatchObject({ 'message.timeout.ms': 9000, 'compression.codec': 'gzip' })
    expect(given).toContain('message.timeout.ms')
    expect(given).not.toContain('delivery.timeout.ms')
  })

  test('two names with one value are fine', () => {
    expect(resolve({ 'linger.ms': '7', 'queue.buffering.max.ms': 7 }).properties['queue.buffering.max.ms']).toBe(7)
    expect(resolve({ 'metadata.broker.list': ['localhost'] }).bootstrapServers).toHaveLength(1)
  })

  test('two names with two values are an error that names both', () => {
    expect(faultOf({ ...servers, 'linger.ms': 7, 'queue.buffering.max.ms': 8 })).toMatchObject({
      property: 'queue.buffering.max.ms',
      message: expect.stringContaining('linger.ms'),
    })
    expect(() => resolve({ 'metadata.broker.list': 'other' })).toThrow(/bootstrap\.servers is another name/)
  })

  test.each([
    ['linger.m', 'linger.ms'],
    ['lingerMs', 'linger.ms'],
    ['bootstrapServers', 'bootstrap.servers'],
    ['bootstrap_servers', 'bootstrap.servers'],
    ['compresion.codec', 'compression.codec'],
    ['ENABLE.IDEMPOTENCE', 'enable.idempotence'],
    ['batch.szie', 'batch.size'],
    ['valueSerialiser', 'valueSerializer'],
    ['partitoner', 'partitioner'],
    ['clientId', 'client.id'],
    ['brokers', 'bootstrap.servers'],
    ['key.serializer', 'keySerializer'],
  ])('%s is answered with %s', (wrong, right) => {
    expect(faultOf({ ...servers, [wrong]: 'x' })).toMatchObject({
      property: wrong,
      allowed: right,
      message: expect.stringContaining(`did you mean ${right}?`),
    })
  })

  test('a name that is like no other gets no suggestion', () => {
    expect(faultOf({ ...servers, 'quite.something.else.entirely': 1 }).message).not.toContain('did you mean')
    expect(faultOf({ ...servers, '': 1 }).message).not.toContain('did you mean')
  })

  test('names that reach into prototypes are unknown, and reach nothing', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const options = JSON.parse(`{"bootstrap.servers":"a","${name}":{"polluted":1}}`)
      expect(faultOf(options).property).toBe(name)
    }
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  test('a property of consumers is taken with a warning', () => {
    expect(resolve({ 'group.id': 'g' }).warnings).toEqual([
      { property: 'group.id', reason: 'has no effect: only consumers read it' },
    ])
  })

  test('everything that is wrong is said at once', () => {
    const error = faultOf({
      'linger.m': 1,
      'batch.size': 0,
      acks: 'x',
      'retry.backoff.ms': 9,
      'retry.backoff.max.ms': 8,
    })
    expect(error.property).toBe('linger.m')
    const named = ['linger.m', 'batch.size', 'acks', 'retry.backoff.ms', 'bootstrap.servers']
    for (const property of named) expect(error.message).toContain(`\n- ${property} = `)
    expect(error.message).toMatch(/^5 faults:/)
  })
})

describe('secrets', () => {
  test('an error does not show them, under the right name or a wrong one', () => {
    for (const name of ['sasl.pasword', 'sasl.jaas.config', 'ssl.keystore.pass', 'ssl_key']) {
      const error = faultOf({ ...servers, [name]: 'hunter2' })
      expect(error.property).toBe(name)
      expect(`${error.message} ${error.value}`).not.toContain('hunter2')
    }
    for (const name of ['sasl.password', 'ssl.key.pem', 'ssl.keystore.password', 'sasl.oauthbearer.config']) {
      for (const protocol of ['plaintext', 'ssl', 'sasl_ssl', 'nonsense']) {
        const error = faultOf({ ...servers, 'linger.ms': -1, 'security.protocol': protocol, [name]: 'hunter2' })
        expect(inspect(error)).not.toContain('hunter2')
      }
    }
  })

  test('a long value is cut in the message', () => {
    expect(faultOf({ ...servers, 'security.protocol': 'x'.repeat(10_000) }).message.length).toBeLessThan(300)
  })

  test('dump shows what is set, and masks secrets', () => {
    const config = resolve({ partitioner: () => 0, acks: 'all' })
    const dump = dumpConfig({ ...config, properties: { ...config.properties, 'sasl.password': 'hunter2' } })
    expect(dump).toMatchObject({
      'metadata.broker.list': 'localhost:9092',
      'request.required.acks': -1,
      'sasl.password': '******',
      partitioner: '(function)',
    })
    expect(dump).not.toHaveProperty(['ssl.key.pem'])
  })
})

describe('the result', () => {
  test('cannot be changed', () => {
    const config = resolve({ topics: ['a'] })
    for (const part of [
      config,
      config.properties,
      config.profile,
      config.bootstrapServers,
      config.options,
      config.options.topics,
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  test('has every described global property that is more than a pointer', () => {
    const names = describeProperties().filter(({ scope, type }) => scope === 'global' && type !== 'pointer')
    expect(Object.keys(resolve({}).properties).sort()).toEqual(names.map(({ name }) => name).sort())
  })

  test('keeps the caller from changing topics later', () => {
    const topics = ['a']
    const config = resolve({ topics })
    topics.push('b')
    expect(config.options.topics).toEqual(['a'])
  })

  test('is typed by the table', () => {
    const { properties } = resolve({})
    expectTypeOf(properties['queue.buffering.max.ms']).toEqualTypeOf<number>()
    expectTypeOf(properties['client.id']).toEqualTypeOf<string>()
    expectTypeOf(properties['client.rack']).toEqualTypeOf<string | null>()
    expectTypeOf(properties['broker.address.family']).toEqualTypeOf<'any' | 'v4' | 'v6'>()
    expectTypeOf(properties).not.toHaveProperty('linger.ms')
    expectTypeOf(properties).not.toHaveProperty('error_cb')
    expectTypeOf<{ 'linger.ms': 5; acks: 'all'; 'enable.idempotence': 'true' }>().toExtend<ProducerOptions>()
    expectTypeOf<{ 'compression.type': 'gzip'; partitioner: 'java'; topics: ['a'] }>().toExtend<ProducerOptions>()
    expectTypeOf<{ 'linger.ms': '5ms' }>().not.toExtend<ProducerOptions>()
    expectTypeOf<{ acks: boolean }>().not.toExtend<ProducerOptions>()
    expectTypeOf<{ partitioner: 'fastest' }>().not.toExtend<ProducerOptions>()
  })
})

describe('partitioner', () => {
  test.each(Object.keys(partitioners))('%s is a name of one', name => {
    expect(resolve({ partitioner: name }).profile.partitioner).toBe(name)
  })

  test('a function is one', () => {
    const first = () => 0
    expect(resolve({ partitioner: first }).profile.partitioner).toBe(first)
  })

  test('anything else is refused, and the names are listed', () => {
    expect(() => resolve({ partitioner: 'fastest' })).toThrow(/consistent_random.*or a function/)
    expect(() => resolve({ partitioner: 5 })).toThrow(ConfigError)
  })
})

describe('compression', () => {
  const noZstd = (codec: string) => (codec === 'zstd' ? 'this runtime has no zstd' : null)

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('%s is accepted', codec => {
    const { profile } = resolveConfig({ ...servers, 'compression.codec': codec }, () => null)
    expect(profile['compression.codec']).toBe(codec)
  })

  test('a codec that the runtime lacks is an error with the reason', () => {
    expect(() => resolveConfig({ ...servers, 'compression.type': 'zstd' }, noZstd)).toThrow(
      expect.objectContaining({
        property: 'compression.type',
        message: expect.stringContaining('this runtime has no zstd'),
      }),
    )
  })

  test('what this runtime lacks is asked of the codecs', () => {
    const reason = codecUnavailable('zstd')
    const attempt = () => resolve({ 'compression.codec': 'zstd' })
    if (reason === null) expect(attempt().profile['compression.codec']).toBe('zstd')
    else expect(attempt).toThrow(reason)
  })

  test('a codec that was brought along is always there', () => {
    const codec = { compress: (bytes: Uint8Array) => bytes, decompress: (bytes: Uint8Array) => bytes }
    const config = resolveConfig({ ...servers, 'compression.type': 'zstd', codecs: { zstd: codec } }, noZstd)
    expect(config.options.codecs).toEqual({ zstd: codec })
  })
})
