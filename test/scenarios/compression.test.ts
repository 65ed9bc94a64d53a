import { describe, expect, test } from 'vitest'
import { codecUnavailable } from '../../src/compression/codecs.ts'
import { Producer, type ProducerOptions } from '../../src/index.ts'
import { noise } from '../compression/payloads.ts'
import { Rig, thrownBy, watch } from '../support/rig.ts'

type Codecs = NonNullable<ProducerOptions['codecs']>

/** A codec named gzip whose results come when the test says so. */
function slowCodec() {
  const waiting: { readonly bytes: Uint8Array; readonly done: (result: Uint8Array) => void }[] = []
  const codecs: Codecs = {
    gzip: {
      compress: bytes => new Promise(resolve => waiting.push({ bytes, done: resolve })),
      decompress: bytes => bytes,
    },
  }
  return { codecs, waiting }
}

const names = (['gzip', 'snappy', 'lz4', 'zstd'] as const).filter(name => codecUnavailable(name) === null)

describe.each(names)('%s', name => {
  test('sends what it makes smaller', async () => {
    const rig = await Rig.connected({ producer: { 'compression.codec': name } })
    const values = Array.from({ length: 50 }, (_, i) => `{"id":${i},"name":"somebody"}`)
    await rig.until(rig.producer.sendMany(values.map(value => ({ topic: 't', value }))))
    expect(rig.cluster.batches('t', 0)).toMatchObject([{ codec: name }])
    expect(rig.log()).toEqual(values)
  })

  test('sends what it cannot make smaller as it is', async () => {
    const rig = await Rig.connected({ producer: { 'compression.codec': name } })
    const value = noise(4000, 3)
    await rig.until(rig.producer.sendMany([{ topic: 't', value }]))
    await rig.until(rig.producer.send({ topic: 't', value: '' }))
    expect(rig.cluster.batches('t', 0).map(({ codec }) => codec)).toEqual(['none', 'none'])
    expect(new Uint8Array(rig.cluster.log('t', 0)[0]?.value ?? [])).toEqual(value)
  })
})

test('the level of the configuration is the codec’s', async () => {
  const sizes: number[] = []
  const value = JSON.stringify(Array.from({ length: 300 }, (_, i) => ({ id: i * 7919, name: `name ${i % 17}` })))
  for (const level of [1, 9]) {
    const rig = await Rig.connected({ producer: { 'compression.codec': 'gzip', 'compression.level': level } })
    await rig.until(rig.producer.send({ topic: 't', value }))
    sizes.push(rig.cluster.batches('t', 0)[0]?.sizeBytes ?? 0)
  }
  expect(sizes[1]).toBeLessThan(sizes[0] ?? 0)
})

describe('a codec that takes its time', () => {
  const producer = { 'compression.codec': 'gzip', 'batch.num.messages': 2 } as const

  test('does not change the order of a partition, in whichever order it finishes', async () => {
    const { codecs, waiting } = slowCodec()
    const rig = await Rig.connected({ producer: { ...producer, codecs } })
    const values = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const value of values) rig.producer.dispatch({ topic: 't', value })
    await rig.clock.settle()
    expect(waiting).toHaveLength(3)
    for (const { bytes, done } of waiting.reverse()) {
      expect(rig.produceRequests).toBe(0)
      done(bytes)
      await rig.clock.settle()
    }
    await rig.until(rig.producer.flush())
    expect(rig.log()).toEqual(values)
    expect(rig.cluster.batches('t', 0).map(({ sequence }) => sequence)).toEqual([0, 2, 4])
  })

  test('holds no other partition', async () => {
    const { codecs, waiting } = slowCodec()
    const rig = await Rig.connected({ topics: { t: { partitions: 2 } }, producer: { ...producer, codecs } })
    const held = watch(rig.producer.sendMany(['a', 'b'].map(value => ({ topic: 't', value, partition: 0 }))))
    await rig.clock.settle()
    const [stuck] = waiting.splice(0)
    const free = rig.producer.sendMany(['c', 'd'].map(value => ({ topic: 't', value, partition: 1 })))
    await rig.clock.settle()
    for (const { bytes, done } of waiting.splice(0)) done(bytes)
    await rig.until(free)
    const uncompressed = rig.producer.with({ topicConfig: { 'compression.codec': 'none' } })
    await rig.until(uncompressed.send({ topic: 't', value: 'e', partition: 1 }))
    expect(held.state).toBe('pending')
    expect([rig.log('t', 0), rig.log('t', 1)]).toEqual([[], ['c', 'd', 'e']])
    stuck?.done(stuck.bytes)
    await rig.clock.settle()
    expect(rig.log('t', 0)).toEqual(['a', 'b'])
  })

  test('without end does not outlive message.timeout.ms, nor close()', async () => {
    const { codecs, waiting } = slowCodec()
    const rig = await Rig.connected({ producer: { ...producer, codecs, 'message.timeout.ms': 1000 } })
    const sent = watch(rig.producer.send({ topic: 't', value: 'v' }))
    await rig.clock.advance(1001)
    expect(sent.error).toMatchObject({ code: -192 })
    const closed = rig.producer.sendMany([{ topic: 't', value: 'w' }])
    const failed = rig.failure(closed)
    expect(await rig.until(rig.producer.close({ timeoutMs: 100 }))).toEqual({ lost: 1 })
    await failed
    for (const { bytes, done } of waiting) done(bytes)
    await rig.clock.settle()
    expect(rig.produceRequests).toBe(0)
  })

  test('is given bytes that stay as they are, and asked once for a batch that is sent again', async () => {
    const { codecs, waiting } = slowCodec()
    const rig = await Rig.connected({ producer: { ...producer, codecs } })
    rig.cluster.failNext('Produce', 'NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS')
    const sent = rig.producer.sendMany(['a', 'b'].map(value => ({ topic: 't', value })))
    await rig.clock.settle()
    const [first] = waiting
    const before = Buffer.from(first?.bytes ?? []).toString('hex')
    first?.done(first.bytes)
    await rig.until(sent, 5000)
    expect(waiting).toHaveLength(1)
    expect(Buffer.from(first?.bytes ?? []).toString('hex')).toBe(before)
    expect(rig.log()).toEqual(['a', 'b'])
  })
})

test('a codec that gives its batch up and queues another one for the partition does not keep that one waiting', async () => {
  let purged = -1
  let again: Promise<unknown> | undefined
  const compress = (bytes: Uint8Array): Uint8Array => {
    if (purged < 0) {
      purged = 0
      purged = rig.producer.purge({ queued: true })
      rig.producer.dispatch({ topic: 't', value: 'b' })
      again = rig.producer.flush()
    }
    return bytes
  }
  const codecs: Codecs = { gzip: { compress, decompress: bytes => bytes } }
  const rig = await Rig.connected({ producer: { 'compression.codec': 'gzip', codecs, 'linger.ms': 1000 } })
  rig.producer.dispatch({ topic: 't', value: 'a' })
  await rig.until(rig.producer.flush())
  await rig.until(again ?? Promise.reject(new Error('the codec was not asked')))
  expect(purged).toBe(1)
  expect(rig.log()).toEqual(['b'])
})

test.each([undefined, null, 'text', 7, {}, [1, 2, 3]])(
  'a codec that gives %j leaves the batch as it is',
  async given => {
    for (const result of [given, Promise.resolve(given)]) {
      const codecs = { gzip: { compress: () => result as never, decompress: (bytes: Uint8Array) => bytes } }
      const rig = await Rig.connected({ producer: { 'compression.codec': 'gzip', codecs } })
      await rig.until(rig.producer.send({ topic: 't', value: 'x'.repeat(500) }))
      expect(rig.cluster.batches('t', 0)).toMatchObject([{ codec: 'none' }])
    }
  },
)

describe('zstd', () => {
  test('is refused at construction where the runtime lacks it, with the versions that have it', async () => {
    const { producer } = await Rig.start()
    const attempts = [
      () => new Producer({ 'bootstrap.servers': 'localhost', 'compression.codec': 'zstd' }),
      () => producer.topic('t', { 'compression.codec': 'zstd' }),
      () => producer.with({ topicConfig: { 'compression.codec': 'zstd' } }),
    ]
    const lacks = codecUnavailable('zstd') !== null
    for (const attempt of attempts) {
      if (!lacks) expect(attempt).not.toThrow()
      else {
        expect(attempt).toThrow(/22\.15.*23\.8/)
        expect(thrownBy(attempt)).toMatchObject({ code: -186, property: 'compression.codec' })
      }
    }
  })

  test('goes through a codec of the user’s; the mock keeps the batch, and reads it where it can', async () => {
    // One frame with one block, a run of a single byte: shorter than anything, and not what was asked for.
    const run = Buffer.from('28b52ffd200a530000', 'hex')
    const codecs = { zstd: { compress: () => Buffer.concat([run, Buffer.of(0)]), decompress: () => new Uint8Array() } }
    const rig = await Rig.connected({ producer: { 'compression.codec': 'zstd', codecs } })
    const sent = watch(rig.producer.send({ topic: 't', value: 'x'.repeat(500) }))
    const reason = codecUnavailable('zstd')
    await rig.clock.advance(1)
    if (reason === null) {
      // The bytes say ten zeros, which are no record.
      expect(sent.error).toMatchObject({ codeName: 'INVALID_RECORD' })
    } else {
      expect(sent.value).toMatchObject({ status: 'persisted' })
      expect(rig.cluster.batches('t', 0)).toMatchObject([{ codec: 'zstd', recordCount: 1 }])
      expect(() => rig.log()).toThrow(reason)
    }
  })
})
