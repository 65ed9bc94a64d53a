import { describe, expect, test } from 'vitest'
import { type DeliveryHandle, type DeliveryReport, InvalidMessageError, ProduceManyError } from '../../src/index.ts'
import { Rig, thrownBy, watch } from '../support/rig.ts'

const messages = (...values: string[]) => values.map(value => ({ topic: 't', value }))

describe('sendMany', () => {
  test('resolves with the reports in the order of the messages', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 3 } } })
    const list = Array.from({ length: 30 }, (_, i) => ({ topic: 't', value: `${i}`, partition: i % 3, opaque: i }))
    const reports = await rig.until(rig.producer.sendMany(list))
    expect(reports.map(({ opaque }) => opaque)).toEqual(list.map(({ opaque }) => opaque))
    expect(reports.map(({ partition }) => partition)).toEqual(list.map(({ partition }) => partition))
    expect(reports.map(({ offset }) => offset)).toEqual(list.map((_, i) => BigInt(Math.floor(i / 3))))
  })

  test('takes any iterable, and nothing at all', async () => {
    const rig = await Rig.connected()
    function* generate() {
      yield* messages('a', 'b')
    }
    expect(await rig.until(rig.producer.sendMany(generate()))).toHaveLength(2)
    expect(await rig.until(rig.producer.sendMany(new Set(messages('c'))))).toHaveLength(1)
    expect(await rig.until(rig.producer.sendMany([]))).toEqual([])
    expect(rig.log()).toEqual(['a', 'b', 'c'])
  })

  test('checks every message before the first is queued, and names the bad one', async () => {
    const rig = await Rig.connected()
    const cases: readonly [object, object][] = [
      [{ topic: 't' }, { field: 'value', index: 2 }],
      [
        { topic: '', value: 'v' },
        { field: 'topic', index: 2 },
      ],
      [
        { topic: 'no such name!', value: 'v' },
        { field: 'topic', index: 2 },
      ],
      [{ topic: 't', value: 'v', partition: 5 }, { code: -190 }],
      [{ topic: 't', value: Buffer.alloc(1_000_000) }, { code: 10 }],
    ]
    for (const [bad, expected] of cases) {
      const list = [...messages('a', 'b'), bad as { topic: string; value: string }]
      expect(await rig.failure(rig.producer.sendMany(list), 0)).toMatchObject(expected)
      expect(thrownBy(() => rig.producer.dispatchMany(list))).toMatchObject(expected)
      expect(thrownBy(() => rig.producer.bufferMany(list))).toMatchObject(expected)
      expect(rig.producer).toMatchObject({ queueSize: 0, buffered: 0 })
    }
  })

  test('collects all verdicts when deliveries fail', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 2 } } })
    rig.cluster.failPartition('t', 1, 'INVALID_RECORD')
    const list = ['0', '1', '2', '3'].map((value, i) => ({ topic: 't', value, partition: i % 2, opaque: value }))
    const error = (await rig.failure(rig.producer.sendMany(list))) as ProduceManyError<DeliveryReport>
    expect(error).toBeInstanceOf(ProduceManyError)
    expect(error).toMatchObject({ code: -196, cause: { code: 87 } })
    expect(error.reports.map(report => [report.opaque, report.status, report.error?.code])).toEqual([
      ['0', 'persisted', undefined],
      ['1', 'not-persisted', 87],
      ['2', 'persisted', undefined],
      ['3', 'not-persisted', 87],
    ])
  })

  test('reports what found no room within max.block.ms, and delivers the rest', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 2, 'max.block.ms': 100 } })
    const answer = rig.holdAnswers()
    const sent = rig.producer.sendMany(messages('a', 'b', 'c', 'd'))
    const behind = watch(rig.producer.send({ topic: 't', value: 'behind' }))
    await rig.clock.advance(100)
    answer()
    const error = (await rig.failure(sent)) as ProduceManyError<DeliveryReport>
    expect(error.reports.map(({ error, status, attempts }) => [error?.code, status, attempts])).toEqual([
      [undefined, 'persisted', 1],
      [undefined, 'persisted', 1],
      [-184, 'not-persisted', 0],
      [-184, 'not-persisted', 0],
    ])
    expect(error.reports[2]?.timestamp).toBe(rig.clock.wallNow())
    await rig.clock.settle()
    expect(behind.error).toMatchObject({ code: -184 })
    expect(rig.log()).toEqual(['a', 'b'])
  })

  test('aborted while it waits: what is queued is delivered, the rest never', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 2 } })
    const answer = rig.holdAnswers()
    const abort = new AbortController()
    const sent = watch(rig.producer.sendMany(messages('a', 'b', 'c', 'd'), { signal: abort.signal }))
    await rig.clock.advance(10)
    abort.abort()
    await rig.clock.settle()
    expect(sent.error).toBe(abort.signal.reason)
    answer()
    await rig.until(rig.producer.flush())
    expect(rig.log()).toEqual(['a', 'b'])
  })

  test('reads headers that can be read only once', async () => {
    const rig = await Rig.connected()
    const headers = () => new Map([['name', 'value']]).entries()
    function* generated(): Iterable<readonly [string, string]> {
      yield ['name', 'value']
    }
    await rig.until(rig.producer.send({ topic: 't', value: 'v', headers: headers() }))
    await rig.until(rig.producer.sendMany([{ topic: 't', value: 'v', headers: headers() }]))
    await rig.until(rig.producer.sendMany([{ topic: 't', value: 'v', headers: generated() }]))
    rig.producer.dispatchMany([{ topic: 't', value: 'v', headers: generated() }])
    rig.producer.buffer({ topic: 't', value: 'v', headers: generated() })
    await rig.until(rig.producer.flushBuffer())
    for (const { headers } of rig.cluster.log('t', 0))
      expect(headers).toEqual([['name', new Uint8Array(Buffer.from('value'))]])
    expect(rig.log()).toHaveLength(5)
  })

  test('reads each field of each message once', async () => {
    const rig = await Rig.connected()
    const read: string[] = []
    const message = new Proxy({ topic: 't', value: 'v' } as { topic: string; value: string }, {
      get: (target, name) => {
        read.push(String(name))
        return Reflect.get(target, name)
      },
    })
    for (const call of [
      () => rig.producer.dispatch(message),
      () => rig.producer.dispatchMany([message]),
      () => rig.producer.buffer(message),
    ]) {
      read.length = 0
      call()
      expect(read.sort()).toEqual([
        'headers',
        'key',
        'opaque',
        'partition',
        'partitionKey',
        'timestamp',
        'topic',
        'value',
      ])
    }
    rig.producer.purge()
  })

  test('runs serializers and key maker once per message', async () => {
    let calls = 0
    const rig = await Rig.connected({
      producer: {
        valueSerializer: (value: unknown) => {
          calls++
          return JSON.stringify(value)
        },
        keyMaker: ({ value }) => (value as unknown as { id: string }).id,
      },
    })
    const list = [{ id: 'a' }, { id: 'b' }].map(value => ({ topic: 't', value: value as unknown as string }))
    await rig.until(rig.producer.sendMany(list))
    expect(calls).toBe(2)
    expect(rig.log()).toEqual(['{"id":"a"}', '{"id":"b"}'])
    expect(rig.cluster.log('t', 0).map(({ key }) => Buffer.from(key ?? []).toString())).toEqual(['a', 'b'])
  })

  test('places all of them with the partitioner of the call', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 5 } } })
    const reports = await rig.until(rig.producer.sendMany(messages('a', 'b'), { partitioner: () => 3 }))
    expect(reports.map(({ partition }) => partition)).toEqual([3, 3])
    await rig.failure(rig.producer.sendMany(messages('a'), { partitioner: 'nonsense' as 'java' }))
  })
})

describe('dispatchMany', () => {
  test('returns the handles in the order of the messages', async () => {
    const rig = await Rig.connected()
    const handles = rig.producer.dispatchMany(messages('a', 'b', 'c'))
    await rig.until(rig.producer.flush())
    expect(handles.map(({ report }) => report?.offset)).toEqual([0n, 1n, 2n])
    expect(rig.producer.dispatchMany([])).toEqual([])
  })

  test('throws the handles of what was queued before the queue was full', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 2 } })
    const error = thrownBy(() => rig.producer.dispatchMany(messages('a', 'b', 'c'))) as ProduceManyError<
      DeliveryReport,
      DeliveryHandle
    >
    expect(error).toBeInstanceOf(ProduceManyError)
    expect(error).toMatchObject({ code: -196, cause: { code: -184 } })
    expect(error.dispatched).toHaveLength(2)
    await rig.until(Promise.all(error.dispatched.map(handle => handle.wait())))
    expect(rig.log()).toEqual(['a', 'b'])
  })
})

describe('the application’s buffer', () => {
  test('holds messages outside of the queue until it is flushed', async () => {
    const rig = await Rig.connected()
    expect(rig.producer.buffer({ topic: 't', value: 'a' })).toBe(1)
    expect(rig.producer.bufferMany(messages('b', 'c'))).toBe(3)
    expect(rig.producer).toMatchObject({ buffered: 3, queueSize: 0 })
    await rig.clock.advance(1000)
    expect(rig.produceRequests).toBe(0)
    const reports = await rig.until(rig.producer.flushBuffer())
    expect(reports.map(({ offset }) => offset)).toEqual([0n, 1n, 2n])
    expect(rig.producer.buffered).toBe(0)
    expect(rig.log()).toEqual(['a', 'b', 'c'])
  })

  test('gives [] when it is empty', async () => {
    const rig = await Rig.connected()
    expect(await rig.producer.flushBuffer()).toEqual([])
    expect(rig.producer.dispatchBuffer()).toEqual([])
  })

  test('refuses a bad message when it is given, with its index', async () => {
    const { producer } = await Rig.connected()
    expect(thrownBy(() => producer.bufferMany([...messages('a'), { topic: 't', value: 1 as never }]))).toMatchObject({
      field: 'value',
      index: 1,
    })
    expect(thrownBy(() => producer.buffer({ topic: 't', value: undefined as never }))).toBeInstanceOf(
      InvalidMessageError,
    )
    expect(producer.buffered).toBe(0)
  })

  test('copies the bytes and keeps the time of the call', async () => {
    const rig = await Rig.connected()
    const value = Buffer.from('value')
    rig.producer.buffer({ topic: 't', value })
    const calledAt = rig.clock.wallNow()
    value.fill(0)
    await rig.clock.advance(5000)
    await rig.until(rig.producer.flushBuffer())
    expect(rig.log()).toEqual(['value'])
    expect(rig.cluster.log('t', 0)[0]?.timestamp).toBe(calledAt)
  })

  test('dispatchBuffer keeps linger', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 100 } })
    rig.producer.bufferMany(messages('a', 'b'))
    const handles = rig.producer.dispatchBuffer()
    await rig.clock.advance(99)
    expect(handles.some(({ settled }) => settled)).toBe(false)
    await rig.clock.advance(1)
    expect(handles.every(({ settled }) => settled)).toBe(true)
  })

  test('takes back what could not be dispatched, in order and before what came later', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 2 } })
    rig.producer.bufferMany(messages('a', 'b', 'c', 'd'))
    const error = thrownBy(() => rig.producer.dispatchBuffer())
    expect(error).toMatchObject({ code: -196, dispatched: [{ topic: 't' }, { topic: 't' }], cause: { code: -184 } })
    expect(rig.producer.buffered).toBe(2)
    rig.producer.buffer({ topic: 't', value: 'e' })
    await rig.until(rig.producer.flush())
    await rig.until(rig.producer.flushBuffer())
    expect(rig.log()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('takes back what flushBuffer() found no room for, in order', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 2, 'max.block.ms': 100 } })
    const answer = rig.holdAnswers()
    rig.producer.bufferMany(messages('a', 'b', 'c', 'd'))
    const flushed = rig.producer.flushBuffer()
    expect(rig.producer.buffered).toBe(0)
    rig.producer.buffer({ topic: 't', value: 'e' })
    await rig.clock.advance(100)
    expect(rig.producer.buffered).toBe(3)
    answer()
    expect(await rig.failure(flushed)).toMatchObject({
      reports: [{ error: null }, { error: null }, { error: { code: -184 } }, { error: { code: -184 } }],
    })
    await rig.until(rig.producer.flushBuffer())
    expect(rig.log()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('is sent by the terms of the view that it was given to', async () => {
    const rig = await Rig.connected()
    rig.producer.with({ topicConfig: { 'compression.codec': 'gzip' } }).buffer({ topic: 't', value: 'x'.repeat(1000) })
    rig.producer.buffer({ topic: 't', value: 'plain' })
    expect(rig.producer.buffered).toBe(2)
    await rig.until(rig.producer.flushBuffer())
    expect(rig.cluster.batches('t', 0).map(({ codec }) => codec)).toEqual(['gzip', 'none'])
  })

  test('gives up a message that is refused for good, and gets on with what follows it', async () => {
    const rig = await Rig.start({ producer: { 'queue.buffering.max.kbytes': 1 } })
    rig.producer.bufferMany([
      { topic: 't', value: 'a' },
      { topic: 't', value: 'nowhere', partition: 7 },
      { topic: 't', value: 'b' },
      { topic: 't', value: Buffer.alloc(1025) },
      { topic: 't', value: 'c' },
    ])
    await rig.until(rig.producer.connect())
    await rig.until(rig.producer.partitionCount('t'))
    const counts: number[] = []
    rig.producer.on('buffer.flushed', ({ count }) => counts.push(count))
    expect(thrownBy(() => rig.producer.dispatchBuffer())).toMatchObject({ cause: { code: -190 }, dispatched: [{}] })
    expect(rig.producer.buffered).toBe(3)
    expect(thrownBy(() => rig.producer.dispatchBuffer())).toMatchObject({ cause: { code: -184 }, dispatched: [{}] })
    expect(rig.producer.buffered).toBe(1)
    rig.producer.dispatchBuffer()
    expect(rig.producer.dispatchBuffer()).toEqual([])
    await rig.until(rig.producer.flush())
    expect(rig.log()).toEqual(['a', 'b', 'c'])
    expect(counts).toEqual([1, 1, 1])
  })

  test('tells of a flush when it is queued, with the number that really is', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 2, 'max.block.ms': 100 } })
    const { producer } = rig
    const told: object[] = []
    producer.on('buffer.flushed', ({ count }) => told.push({ count, queued: producer.queueSize }))
    await producer.flushBuffer()
    producer.bufferMany(messages('a', 'b', 'c'))
    expect(thrownBy(() => producer.dispatchBuffer())).toMatchObject({ cause: { code: -184 } })
    expect(told).toEqual([{ count: 2, queued: 2 }])
    const flushed = producer.flushBuffer()
    expect(told).toHaveLength(1)
    await rig.until(flushed)
    expect(told).toMatchObject([{ count: 2 }, { count: 1 }])
    const answer = rig.holdAnswers()
    producer.bufferMany(messages('d', 'e', 'f'))
    const failed = watch(producer.flushBuffer())
    await rig.clock.advance(100)
    expect(told.slice(2)).toEqual([{ count: 2, queued: 2 }])
    answer()
    await rig.clock.advance(100)
    expect(failed.state).toBe('rejected')
    producer.purge()
  })

  test('tells of each flush', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 2 } })
    const counts: number[] = []
    rig.producer.on('buffer.flushed', ({ count }) => counts.push(count))
    rig.producer.bufferMany(messages('a', 'b'))
    await rig.until(rig.producer.flushBuffer())
    rig.producer.buffer({ topic: 't', value: 'c' })
    rig.producer.dispatchBuffer()
    expect(counts).toEqual([2, 1])
  })
})

describe('tombstone', () => {
  test('sends a record without a value', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 2 } } })
    const report = await rig.until(rig.producer.tombstone({ topic: 't', key: 'k', partition: 1 }))
    expect(report).toMatchObject({ partition: 1, offset: 0n })
    expect(rig.cluster.log('t', 1)).toMatchObject([{ value: null }])
  })

  test('needs a key', async () => {
    const rig = await Rig.connected()
    for (const bad of [{ topic: 't' }, { topic: 't', key: null }, undefined]) {
      expect(await rig.failure(rig.producer.tombstone(bad as never), 0)).toMatchObject({ field: 'key' })
    }
  })

  test('stays one with a value serializer', async () => {
    const rig = await Rig.connected({ producer: { valueSerializer: value => JSON.stringify(value) } })
    await rig.until(rig.producer.tombstone({ topic: 't', key: 'k' }))
    await rig.until(rig.producer.sendMany([{ topic: 't', key: 'k', value: null }]))
    expect(rig.cluster.log('t', 0).map(({ value }) => value)).toEqual([null, null])
  })
})
