import { describe, expect, test } from 'vitest'
import { MessageTooLargeError } from '../../src/index.ts'
import { Rig, thrownBy, watch } from '../support/rig.ts'

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString())

describe('what is in the log is what was handed in', () => {
  test('values and keys: text, bytes, chunks, empty, null', async () => {
    const rig = await Rig.connected()
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const values = ['', 'text', 'äöü€𝄞', 'x'.repeat(70_000), bytes, new Uint8Array(0), [bytes, bytes], [], null]
    const keys = ['', null, 'é', bytes]
    await rig.until(rig.producer.sendMany(values.map((value, i) => ({ topic: 't', value, key: keys[i % 4] ?? null }))))
    const log = rig.cluster.log('t', 0)
    const expected = values.map(value =>
      value === null ? null : Array.isArray(value) ? Buffer.concat(value) : Buffer.from(value as string),
    )
    for (const [i, { value, key }] of log.entries()) {
      expect(value === null ? null : Buffer.from(value)).toEqual(expected[i])
      expect(key === null ? null : Buffer.from(key)).toEqual([Buffer.alloc(0), null, Buffer.from('é'), bytes][i % 4])
    }
    expect(log).toHaveLength(values.length)
  })

  test('headers in their order, repeated names and null values included', async () => {
    const rig = await Rig.connected()
    const headers = [
      ['b', '1'],
      ['a', null],
      ['b', ''],
      ['', 'no name'],
    ] as const
    await rig.until(rig.producer.send({ topic: 't', value: 'v', headers }))
    await rig.until(rig.producer.send({ topic: 't', value: 'v', headers: { x: ['1', '2'], y: [], z: null } }))
    const seen = rig.cluster.log('t', 0).map(({ headers }) => headers.map(([name, value]) => [name, text(value)]))
    expect(seen).toEqual([
      headers,
      [
        ['x', '1'],
        ['x', '2'],
        ['z', null],
      ],
    ])
  })

  test('timestamps: a Date, milliseconds from 0 to 2^53-1, in any order in one batch, or the time of the call', async () => {
    const topics = { t: { config: { 'message.timestamp.after.max.ms': Number.MAX_SAFE_INTEGER } } }
    const rig = await Rig.connected({ topics, producer: { 'linger.ms': 50 } })
    const given = [new Date(1_600_000_000_123), 5, Number.MAX_SAFE_INTEGER, 0, 1_700_000_000_000]
    const handles = given.map(timestamp => rig.producer.dispatch({ topic: 't', value: 'v', timestamp }))
    const calledAt: number[] = []
    for (let i = 0; i < 3; i++) {
      calledAt.push(rig.clock.wallNow())
      handles.push(rig.producer.dispatch({ topic: 't', value: 'v' }))
      await rig.clock.advance(7)
    }
    await rig.until(rig.producer.flush())
    const expected = [...given.map(Number), ...calledAt]
    expect(rig.cluster.batches('t', 0)).toHaveLength(1)
    expect(rig.cluster.log('t', 0).map(({ timestamp }) => timestamp)).toEqual(expected)
    expect(handles.map(({ report }) => report?.timestamp)).toEqual(expected)
  })

  test('the time of the call, not of finding room', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 1 } })
    const answer = rig.holdAnswers()
    rig.producer.dispatch({ topic: 't', value: 'v' })
    const calledAt = rig.clock.wallNow()
    const sent = rig.producer.send({ topic: 't', value: 'v' })
    await rig.clock.advance(500)
    answer()
    expect((await rig.until(sent)).timestamp).toBe(calledAt)
  })

  test.each(['none', 'gzip', 'snappy', 'lz4'] as const)('through %s', async codec => {
    const rig = await Rig.connected({ producer: { 'compression.codec': codec } })
    const values = Array.from({ length: 50 }, (_, i) => `message ${i} `.repeat(20))
    await rig.until(rig.producer.sendMany(values.map(value => ({ topic: 't', value }))))
    expect(rig.log()).toEqual(values)
    expect(rig.cluster.batches('t', 0)[0]?.codec).toBe(codec)
  })

  test('through a codec of the configuration', async () => {
    const levels: number[] = []
    const rig = await Rig.connected({
      producer: {
        'compression.codec': 'gzip',
        'compression.level': 3,
        codecs: {
          gzip: {
            compress: async (bytes, level) => {
              levels.push(level)
              return (await import('node:zlib')).gzipSync(bytes)
            },
            decompress: bytes => bytes,
          },
        },
      },
    })
    await rig.until(rig.producer.sendMany(['a', 'b'].map(value => ({ topic: 't', value: value.repeat(500) }))))
    expect(levels).toEqual([3])
    expect(rig.log()).toEqual(['a'.repeat(500), 'b'.repeat(500)])
  })

  test('a codec that fails leaves the batch as it is', async () => {
    for (const compress of [
      () => {
        throw new Error('at once')
      },
      () => Promise.reject(new Error('later')),
    ]) {
      const codecs = { gzip: { compress, decompress: (bytes: Uint8Array) => bytes } }
      const rig = await Rig.connected({ producer: { 'compression.codec': 'gzip', codecs } })
      await rig.until(rig.producer.send({ topic: 't', value: 'v' }))
      expect(rig.cluster.batches('t', 0)).toMatchObject([{ codec: 'none' }])
    }
  })

  test('the caller may reuse its buffers at once', async () => {
    const rig = await Rig.connected()
    const buffer = Buffer.from('aaaa')
    const message = { topic: 't', value: buffer, key: buffer, headers: { h: buffer } }
    const calls: Promise<unknown>[] = []
    for (const letter of 'abcdef') {
      buffer.fill(letter)
      const next = [
        () => rig.producer.send(message),
        () => rig.producer.sendMany([message]),
        () => rig.producer.dispatch(message).wait(),
        () => rig.producer.dispatchMany([message])[0]?.wait(),
        () => rig.producer.dispatchWait(message),
        () => rig.producer.buffer(message),
      ][letter.charCodeAt(0) - 97]
      calls.push(Promise.resolve(next?.()))
    }
    buffer.fill('x')
    await rig.until(Promise.all(calls))
    await rig.until(rig.producer.flushBuffer())
    const seen = rig.cluster
      .log('t', 0)
      .map(({ key, value, headers }) => [key, value, headers[0]?.[1] ?? null].map(text))
    expect(seen).toEqual([...'abcdef'].map(letter => Array(3).fill(letter.repeat(4))))
  })
})

describe('message.max.bytes', () => {
  const limit = 1000
  const make = (bytes: number) => ({ topic: 't', key: 'kk', value: Buffer.alloc(bytes - 36 - 2) })

  test.each([limit - 1, limit])('%d of 1000 bytes are accepted, by every call', async bytes => {
    const rig = await Rig.connected({ producer: { 'message.max.bytes': limit } })
    rig.producer.dispatch(make(bytes))
    rig.producer.buffer(make(bytes))
    await rig.until(rig.producer.sendMany([make(bytes)]))
    await rig.until(rig.producer.flushBuffer())
    await rig.until(rig.producer.flush())
    expect(rig.log()).toHaveLength(3)
  })

  test('1001 of 1000 bytes are refused, by every call', async () => {
    const rig = await Rig.connected({ producer: { 'message.max.bytes': limit } })
    const large = make(limit + 1)
    const error = thrownBy(() => rig.producer.dispatch(large))
    expect(error).toBeInstanceOf(MessageTooLargeError)
    expect(error).toMatchObject({ code: 10, codeName: 'MESSAGE_TOO_LARGE', errno: 'EMSGSIZE', topic: 't' })
    expect(thrownBy(() => rig.producer.buffer(large))).toMatchObject({ code: 10 })
    expect(thrownBy(() => rig.producer.dispatchMany([large]))).toMatchObject({ code: 10 })
    for (const call of [
      () => rig.producer.send(large),
      () => rig.producer.sendMany([large]),
      () => rig.producer.dispatchWait(large),
      () => rig.producer.tombstone({ topic: 't', key: 'k'.repeat(limit) }),
    ]) {
      expect(await rig.failure(call(), 0)).toMatchObject({ code: 10 })
    }
    expect(rig.producer).toMatchObject({ queueSize: 0, buffered: 0 })
  })

  test('counts encoded headers', async () => {
    const rig = await Rig.connected({ producer: { 'message.max.bytes': limit } })
    const headers = (bytes: number) => ({ topic: 't', value: null, headers: { h: 'x'.repeat(bytes) } })
    // Their count, the name after its length, and the value after its length of two bytes.
    const overhead = 36 + 1 + 2 + 2
    await rig.until(rig.producer.send(headers(limit - overhead)))
    expect(thrownBy(() => rig.producer.dispatch(headers(limit - overhead + 1)))).toMatchObject({ code: 10 })
  })

  test('of a million by default', async () => {
    const { producer } = await Rig.connected()
    expect(thrownBy(() => producer.dispatch(make(1_000_001)))).toMatchObject({ code: 10 })
    producer.dispatch(make(1_000_000))
  })
})

describe('a topic that takes smaller batches than we send', () => {
  test('gets them in smaller parts, in order', async () => {
    const rig = await Rig.connected({ topics: { t: { config: { 'max.message.bytes': 1000 } } } })
    const values = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(100))
    const reports = await rig.until(
      rig.producer.sendMany(values.map((value, i) => ({ topic: 't', value, opaque: i }))),
      5000,
    )
    expect(rig.log()).toEqual(values)
    expect(reports.map(({ opaque }) => opaque)).toEqual(values.map((_, i) => i))
  })

  test('refuses what is too large by itself', async () => {
    const rig = await Rig.connected({ topics: { t: { config: { 'max.message.bytes': 1000 } } } })
    const values = ['small', 'x'.repeat(2000), 'small']
    const sent = watch(rig.producer.sendMany(values.map(value => ({ topic: 't', value }))))
    await rig.clock.advance(5000)
    expect(sent.error).toMatchObject({ reports: [{ error: null }, { error: { code: 10 } }, { error: null }] })
  })
})
