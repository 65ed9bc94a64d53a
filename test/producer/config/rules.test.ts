import { describe, expect, test } from 'vitest'
import { type ProducerOptions, resolveConfig } from '../../../src/producer/config/config.ts'

const resolve = (options: ProducerOptions) => resolveConfig({ 'bootstrap.servers': 'a', ...options })
const settled = (options: ProducerOptions) => resolve(options).properties
const fault = (property: string) => expect.objectContaining({ property })

test('bootstrap servers are required', () => {
  expect(() => resolveConfig({})).toThrow(fault('bootstrap.servers'))
  expect(() => resolveConfig({ 'bootstrap.servers': '' })).toThrow(fault('bootstrap.servers'))
  expect(() => resolveConfig({ 'metadata.broker.list': [] })).toThrow(fault('metadata.broker.list'))
})

describe('idempotence', () => {
  const inFlight = 'max.in.flight.requests.per.connection'
  const conflicts = [
    ['acks', { acks: 1 }],
    ['acks', { acks: 0 }],
    ['retries', { retries: 0 }],
    ['max.in.flight', { 'max.in.flight': 6 }],
  ] as const

  test('is on by default, with at most five requests in flight', () => {
    expect(settled({})).toMatchObject({ 'enable.idempotence': true, [inFlight]: 5 })
  })

  test('off leaves the number of requests in flight to librdkafka', () => {
    expect(settled({ 'enable.idempotence': false })[inFlight]).toBe(1_000_000)
  })

  test.each(conflicts)('gives way to %s when nobody asked for it, and says so', (name, options) => {
    const { properties, warnings } = resolve(options)
    expect(properties['enable.idempotence']).toBe(false)
    expect(warnings).toEqual([{ property: 'enable.idempotence', reason: expect.stringContaining(name) }])
  })

  test.each(conflicts)('that was asked for does not give way to %s', (name, options) => {
    expect(() => resolve({ 'enable.idempotence': true, ...options })).toThrow(fault(name))
  })

  test.each(conflicts)('that was turned off has nothing against %s', (_, options) => {
    expect(resolve({ 'enable.idempotence': false, ...options }).warnings).toEqual([])
  })

  test('stays on with what it needs', () => {
    const config = resolve({ acks: 'all', retries: 1, 'max.in.flight': 5 })
    expect(config.properties['enable.idempotence']).toBe(true)
    expect(config.warnings).toEqual([])
    expect(settled({ 'max.in.flight': 1 })[inFlight]).toBe(1)
  })

  test('that gave way leaves the number of requests in flight to librdkafka', () => {
    expect(settled({ acks: 1 })[inFlight]).toBe(1_000_000)
  })
})

test('a blacklist is made of regular expressions', () => {
  resolve({ 'topic.blacklist': '^__,test[0-9]+$' })
  expect(() => resolve({ 'topic.blacklist': '^a,(b' })).toThrow(fault('topic.blacklist'))
})

test('acks that brokers refuse get a warning', () => {
  const { profile, warnings } = resolve({ acks: 2, 'enable.idempotence': false })
  expect(profile['request.required.acks']).toBe(2)
  expect(warnings).toEqual([{ property: 'acks', reason: 'brokers refuse 2: use all' }])
})

describe('time', () => {
  test('a message lives longer than it lingers', () => {
    expect(() => resolve({ 'linger.ms': 100, 'message.timeout.ms': 100 })).toThrow(fault('message.timeout.ms'))
    expect(() => resolve({ 'linger.ms': 300_000 })).toThrow(fault('message.timeout.ms'))
    resolve({ 'linger.ms': 100, 'message.timeout.ms': 101 })
  })

  test('a linger that nobody set gives way to a short life', () => {
    expect(settled({ 'message.timeout.ms': 5 })['queue.buffering.max.ms']).toBeCloseTo(4.9)
    expect(settled({ 'message.timeout.ms': 1 })['queue.buffering.max.ms']).toBeCloseTo(0.9)
    expect(settled({ 'message.timeout.ms': 6 })['queue.buffering.max.ms']).toBe(5)
  })

  test('an endless life has room for any linger', () => {
    expect(settled({ 'message.timeout.ms': 0, 'linger.ms': 900_000 })['queue.buffering.max.ms']).toBe(900_000)
  })

  test('a life that was set has room for linger and a request that was set', () => {
    const times = (delivery: number) => ({
      'delivery.timeout.ms': delivery,
      'linger.ms': 10,
      'request.timeout.ms': 1000,
    })
    resolve(times(1500))
    resolve(times(1010))
    resolve(times(0))
    expect(() => resolve(times(1009))).toThrow(fault('delivery.timeout.ms'))
    expect(() => resolve(times(1000))).toThrow(/add up to 1010/)
  })

  test('the default time of a request does not count', () => {
    resolve({ 'delivery.timeout.ms': 1000, 'linger.ms': 10 })
    resolve({ 'request.timeout.ms': 900_000 })
  })
})

describe('size', () => {
  test('the bound of the queue is one number in two units', () => {
    expect(settled({})).toMatchObject({ 'buffer.memory': 1_073_741_824, 'queue.buffering.max.kbytes': 1_048_576 })
    expect(settled({ 'queue.buffering.max.kbytes': 1 })['buffer.memory']).toBe(1024)
    expect(settled({ 'buffer.memory': 33_554_432 })['queue.buffering.max.kbytes']).toBe(32_768)
    expect(settled({ 'buffer.memory': 1 })).toMatchObject({ 'buffer.memory': 1, 'queue.buffering.max.kbytes': 1 })
    expect(settled({ 'queue.buffering.max.kbytes': 2_147_483_647 })['buffer.memory']).toBe(2_147_483_647 * 1024)
  })

  test('both units must agree', () => {
    resolve({ 'buffer.memory': 2048, 'queue.buffering.max.kbytes': 2 })
    expect(() => resolve({ 'buffer.memory': 2000, 'queue.buffering.max.kbytes': 2 })).toThrow(fault('buffer.memory'))
  })

  test('a message that was allowed fits into a request and into the queue', () => {
    expect(() => resolve({ 'message.max.bytes': 5000, 'max.request.size': 4999 })).toThrow(fault('message.max.bytes'))
    expect(() => resolve({ 'message.max.bytes': 5000, 'buffer.memory': 4999 })).toThrow(fault('message.max.bytes'))
    expect(() => resolve({ 'message.max.bytes': 5000, 'queue.buffering.max.kbytes': 4 })).toThrow(
      /queue\.buffering\.max\.kbytes allows/,
    )
    resolve({ 'message.max.bytes': 5000, 'max.request.size': 5000, 'buffer.memory': 5000 })
  })

  test('a request that was made larger or smaller by default does not forbid a message', () => {
    expect(settled({ 'message.max.bytes': 50_000_000 })['message.max.bytes']).toBe(50_000_000)
  })

  test('a small request lowers the size of a message, a large one does not raise it', () => {
    expect(settled({ 'max.request.size': 5000 })).toMatchObject({ 'message.max.bytes': 5000, 'batch.size': 5000 })
    expect(settled({ 'max.request.size': 50_000_000 })['message.max.bytes']).toBe(1_000_000)
  })

  test('a queue smaller than a message may be wanted', () => {
    expect(settled({ 'queue.buffering.max.kbytes': 1 })['message.max.bytes']).toBe(1_000_000)
  })

  test('a batch is not larger than the largest message', () => {
    expect(resolve({ 'batch.size': 2_000_000 })).toMatchObject({
      properties: { 'batch.size': 1_000_000 },
      warnings: [{ property: 'batch.size', reason: expect.stringContaining('1000000') }],
    })
    expect(resolve({ 'message.max.bytes': 2000 })).toMatchObject({ properties: { 'batch.size': 2000 }, warnings: [] })
    expect(settled({ 'batch.size': 16_384 })['batch.size']).toBe(16_384)
  })
})

describe.each([
  ['retry.backoff.ms', 'retry.backoff.max.ms'],
  ['reconnect.backoff.ms', 'reconnect.backoff.max.ms'],
] as const)('%s', (first, last) => {
  test(`is at most ${last}`, () => {
    expect(() => resolve({ [first]: 301, [last]: 300 })).toThrow(fault(first))
    expect(settled({ [first]: 300, [last]: 300 })).toMatchObject({ [first]: 300, [last]: 300 })
  })

  test('moves the default of the other', () => {
    expect(settled({ [first]: 200_000 })[last]).toBe(200_000)
    expect(settled({ [last]: 50 })[first]).toBe(50)
  })
})

describe('defaults that follow another value', () => {
  test('metadata lives for three refreshes', () => {
    expect(settled({ 'topic.metadata.refresh.interval.ms': 1000 })['metadata.max.age.ms']).toBe(3000)
    expect(settled({ 'topic.metadata.refresh.interval.ms': -1 })['metadata.max.age.ms']).toBe(900_000)
    const both = { 'topic.metadata.refresh.interval.ms': 1000, 'metadata.max.age.ms': 7 }
    expect(settled(both)['metadata.max.age.ms']).toBe(7)
  })

  test('a missing leader is asked for as often as a request is retried', () => {
    const property = 'topic.metadata.refresh.fast.interval.ms'
    expect(settled({ 'retry.backoff.ms': 250 })[property]).toBe(250)
    expect(settled({ 'retry.backoff.ms': 250, [property]: 9 })[property]).toBe(9)
    expect(settled({ 'retry.backoff.ms': 300_000 })[property]).toBe(60_000)
  })

  test('a partition is kept for two lingers', () => {
    const property = 'sticky.partitioning.linger.ms'
    expect(settled({ 'linger.ms': 20 })[property]).toBe(40)
    expect(settled({ 'linger.ms': 20, [property]: 0 })[property]).toBe(0)
    expect(settled({ 'linger.ms': 900_000, 'message.timeout.ms': 0 })[property]).toBe(900_000)
  })

  test('idle connections to Azure are closed before Azure forgets them', () => {
    const property = 'connections.max.idle.ms'
    const azure = { 'bootstrap.servers': 'bus.Azure.example:9093' }
    expect(settled(azure)[property]).toBe(230_000)
    expect(settled({ ...azure, [property]: 0 })[property]).toBe(0)
    expect(settled({})[property]).toBe(0)
  })
})
