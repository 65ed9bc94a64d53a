import { Readable } from 'node:stream'
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import {
  ConfigError,
  type EventName,
  InvalidMessageError,
  type Message,
  MessageTooLargeError,
  ProduceManyError,
  Producer,
  type ProducerView,
  QueueFullError,
  StateError,
  UnknownPartitionError,
} from '../../src/index.ts'
import { RecordingProducer } from '../../src/mock/index.ts'
import { codesOf } from './error-codes-of.ts'

/** A user's code: it takes a producer, or what takes its place. */
async function placeOrder(producer: Pick<Producer, 'send'>, id: string): Promise<string> {
  const { partition, offset } = await producer.send({ topic: 'orders', key: id, value: JSON.stringify({ id }) })
  return `${partition}/${offset}`
}

/** Values of what was recorded. */
const values = ({ sent }: RecordingProducer): unknown[] => sent.map(({ value }) => value)

describe('it takes the place of', () => {
  test('a Producer, whole or in part, for the compiler and for instanceof', async () => {
    expectTypeOf<RecordingProducer>().toExtend<Producer>()
    expectTypeOf<RecordingProducer>().toExtend<Pick<Producer, keyof Producer>>()
    expectTypeOf<RecordingProducer>().toExtend<ProducerView>()
    const producer: Producer = new RecordingProducer()
    const view: ProducerView = producer.with({})
    await view.send({ topic: 't', value: 'v' })
    expect(producer).toBeInstanceOf(Producer)
  })

  test('one with the same configuration, which it checks', async () => {
    const config = { 'metadata.broker.list': 'kafka:9093', 'compression.codec': 'gzip', topics: ['t'] } as const
    await new RecordingProducer(config).send({ value: 'v' })
    for (const wrong of [{ 'linger.ms': -1 }, { keyMaker: 'id' as never }, { partitions: 0 }]) {
      expect(() => new RecordingProducer(wrong)).toThrow(ConfigError)
    }
  })

  test('one whose clock a test has stopped', async () => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Date', 'performance'],
    })
    vi.setSystemTime(1_700_000_000_000)
    const producer = new RecordingProducer()
    await producer.connect()
    await placeOrder(producer, 'a')
    await producer.flush()
    await producer.disconnect()
    await placeOrder(producer, 'b')
    expect(producer.sent.map(({ timestamp }) => timestamp)).toEqual([1_700_000_000_000, 1_700_000_000_000])
    expect(await producer.close()).toEqual({ lost: 0 })
  })
})

afterEach(() => {
  vi.useRealTimers()
})

describe('what is handed over', () => {
  test('is recorded as it was given, with a place in a log', async () => {
    const producer = new RecordingProducer({ partitions: 4 })
    const opaque = { id: 7 }
    const report = await producer.send({ topic: 'orders', key: 'a', value: 'x', partition: 3, opaque })
    expect(report).toMatchObject({ topic: 'orders', partition: 3, offset: 0n, status: 'persisted', attempts: 1 })
    expect(report.opaque).toBe(opaque)
    await producer.send({ topic: 'orders', value: 'y', partition: 3, headers: { trace: '1' } })
    await producer.send({ topic: 'others', value: null, key: Buffer.from('k'), timestamp: 5 })
    expect(producer.sent).toEqual([
      {
        topic: 'orders',
        key: 'a',
        value: 'x',
        partition: 3,
        opaque,
        offset: 0n,
        timestamp: expect.any(Number),
        error: null,
      },
      {
        topic: 'orders',
        value: 'y',
        partition: 3,
        headers: { trace: '1' },
        offset: 1n,
        timestamp: expect.any(Number),
        error: null,
      },
      {
        topic: 'others',
        value: null,
        key: Buffer.from('k'),
        partition: expect.any(Number),
        offset: 0n,
        timestamp: 5,
        error: null,
      },
    ])
    expect(producer.sent[0]?.opaque).toBe(opaque)
    expect(producer.sentTo('others')).toHaveLength(1)
    expect(producer.sentTo('nothing')).toEqual([])
  })

  test('by every call is recorded at once, in the order of the calls', async () => {
    const producer = new RecordingProducer({ topics: ['t'] })
    const given: Promise<unknown>[] = []
    given.push(producer.send({ value: '1' }), producer.sendMany([{ value: '2' }, { value: '3' }]))
    const handle = producer.dispatch({ value: '4' })
    producer.dispatchMany([{ value: '5' }])
    given.push(producer.dispatchWait({ value: '6' }), producer.tombstone({ key: '7' }))
    expect(producer.buffer({ value: '8' })).toBe(1)
    expect(producer).toMatchObject({ buffered: 1, queueSize: 7 })
    expect(producer.sent).toHaveLength(7)
    given.push(producer.flushBuffer())
    producer.bufferMany([{ value: '9' }, { value: '10' }])
    expect(producer.dispatchBuffer()).toHaveLength(2)
    given.push(producer.topic('u').send({ value: '11' }))
    producer.topic('u').dispatch({ value: '12' })
    expect(producer.sent.map(({ value, key }) => value ?? key).join(' ')).toBe('1 2 3 4 5 6 7 8 9 10 11 12')
    expect(handle.settled).toBe(false)
    await Promise.all(given)
    expect(handle).toMatchObject({ topic: 't', settled: true, report: { status: 'persisted', offset: 3n } })
    expect(producer.queueSize).toBe(0)
  })

  test('by a view, with a middleware or from a stream is recorded with everything else', async () => {
    const producer = new RecordingProducer({ topics: ['t'], partitions: 3, 'enable.idempotence': false })
    const steps: unknown[] = []
    producer.use(message => ({ ...message, value: `${message.value}!` }))
    producer.use(message => {
      steps.push(message.value, message.opaque)
      return message
    })
    const view = producer.with({ topicConfig: { acks: 0 }, partitioner: () => 2 })
    const report = await view.send({ value: '1', opaque: 'mine' })
    expect(report).toMatchObject({ partition: 2, offset: -1n, status: 'possibly-persisted', opaque: 'mine' })
    await producer.with({ partitioner: () => 1 }).sendMany([{ value: '2' }])
    await ReadableStream.from([{ value: '3' }]).pipeTo(producer.writable())
    expect(values(producer)).toEqual(['1!', '2!', '3!'])
    expect(producer.sent.map(({ partition }) => partition).slice(0, 2)).toEqual([2, 1])
    expect(steps).toEqual(['1!', 'mine', '2!', undefined, '3!', undefined])
  })

  test('is the caller’s again afterwards', async () => {
    const producer = new RecordingProducer()
    const message = {
      topic: 't',
      value: Buffer.from('one'),
      headers: [['h', Buffer.from('one')]] as [string, Buffer][],
    }
    producer.dispatch(message)
    message.value.write('two')
    message.headers[0]?.[1].write('two')
    message.value = Buffer.from('three')
    expect(`${producer.sent[0]?.value} ${producer.sent[0]?.headers}`).toBe('one h,one')
    class Order {
      get topic() {
        return 't'
      }
      get value() {
        return 'v'
      }
      get headers() {
        return new Map([['a', 'b']]).entries()
      }
    }
    await producer.send(new Order())
    expect(producer.sent[1]).toMatchObject({ topic: 't', value: 'v', headers: [['a', 'b']] })
  })

  test('goes to the partition that a producer would choose, which the message may choose itself', async () => {
    const producer = new RecordingProducer({ partitions: 6, partitioner: 'murmur2' })
    const { partition } = await producer.send({ topic: 't', key: 'k1', value: 'v' })
    expect((await producer.send({ topic: 't', partitionKey: 'k1', value: 'v' })).partition).toBe(partition)
    expect(await producer.partitionCount('t')).toBe(6)
    expect(() => producer.dispatch({ topic: 't', value: 'v', partition: 6 })).toThrow(UnknownPartitionError)
    expect(producer.sent).toHaveLength(2)
  })

  test('is seen by the functions of the configuration, not what becomes of it', async () => {
    const seen: unknown[] = []
    const producer = new RecordingProducer({
      keyMaker: ({ opaque, value }) => {
        seen.push(opaque)
        return (value as unknown as { id: string }).id
      },
      valueSerializer: (value, { opaque }) => {
        seen.push(opaque)
        return JSON.stringify(value)
      },
    })
    await producer.send({ topic: 't', value: { id: 'a' } as never, opaque: 'mine' })
    expect(seen).toEqual(['mine', 'mine'])
    expect(producer.sent[0]?.value).toEqual({ id: 'a' })
  })
})

describe('what a producer refuses', () => {
  test.each([
    [{ value: 'x' }, InvalidMessageError, 'topic'],
    [{ topic: 't' }, InvalidMessageError, 'value'],
    [{ topic: 't', value: 5 }, InvalidMessageError, 'value'],
    [{ topic: 't', value: new Set([Buffer.from('x')]) }, InvalidMessageError, 'value'],
    [{ topic: 'no topic', value: 'x' }, InvalidMessageError, 'topic'],
    [{ topic: 't', value: 'x', headers: 'x' }, InvalidMessageError, 'headers'],
    [null, InvalidMessageError, 'message'],
    [{ topic: 't', value: Buffer.alloc(2_000_000) }, MessageTooLargeError, 't'],
  ])('is refused with the same error: %o', async (message, kind, word) => {
    const real = new Producer({ 'bootstrap.servers': 'nowhere' })
    const recording = new RecordingProducer()
    const errors = [real, recording].map(producer => {
      try {
        producer.dispatch(message as Message)
      } catch (error) {
        return error as Error
      }
      throw new Error('it was not refused')
    })
    expect(errors[1]).toBeInstanceOf(kind)
    expect(errors[1]?.message).toBe(errors[0]?.message)
    expect(errors[1]?.message).toContain(word)
    await expect(recording.send(message as Message)).rejects.toBeInstanceOf(kind)
    expect(recording.sent).toEqual([])
    await real.close({ force: true })
  })

  test('of many names its index, and keeps the others back', async () => {
    const producer = new RecordingProducer()
    const messages = [{ topic: 't', value: 'x' }, { topic: 't' } as Message]
    await expect(producer.sendMany(messages)).rejects.toMatchObject({ field: 'value', index: 1 })
    expect(producer.sent).toEqual([])
  })

  test('is refused without its cause when the test says so, once each', async () => {
    const producer = new RecordingProducer()
    const full = new QueueFullError('queue.buffering.max.messages', 1, 'full')
    producer.refuseNext(full, full, full)
    await expect(producer.connect()).rejects.toBe(full)
    expect(() => producer.dispatch({ topic: 't', value: 'x' })).toThrow(full)
    await expect(producer.with({}).send({ topic: 't', value: 'x' })).rejects.toBe(full)
    expect(producer.sent).toEqual([])
    await placeOrder(producer, 'a')
    expect(producer.sent).toHaveLength(1)
  })

  test('for want of room has to wait for the next promise job', async () => {
    const producer = new RecordingProducer({ 'queue.buffering.max.messages': 1 })
    producer.dispatch({ topic: 't', value: '1' })
    expect(() => producer.dispatch({ topic: 't', value: 'x' })).toThrow(QueueFullError)
    await producer.sendMany([
      { topic: 't', value: '2', opaque: 2 },
      { topic: 't', value: '3', opaque: 3 },
    ])
    expect(values(producer)).toEqual(['1', '2', '3'])
  })
})

describe('verdicts', () => {
  test('are given in order, by Kafka’s names or as errors', async () => {
    const producer = new RecordingProducer()
    producer.failNext('NOT_LEADER_OR_FOLLOWER', '_MSG_TIMED_OUT', '_PURGE_INFLIGHT')
    expect(await codesOf(() => placeOrder(producer, 'a'), 4)).toEqual([6, -192, -151, null])
    expect(producer.sent.map(({ offset }) => offset)).toEqual([-1n, -1n, -1n, 0n])
    expect(producer.sent.map(({ error }) => error?.code)).toEqual([6, -192, -151, undefined])
    expect(producer.sent[0]?.error).toMatchObject({ topic: 'orders', partition: 0, retriable: true })
    expect(() => producer.failNext('NO_SUCH_ERROR')).toThrow('NO_SUCH_ERROR')
  })

  test('may depend on the message', async () => {
    const producer = new RecordingProducer({ topics: ['orders'] })
    producer.decide(({ key, topic }) => (key === 'bad' && topic === 'orders' ? 'MESSAGE_TOO_LARGE' : null))
    await expect(producer.send({ key: 'bad', value: 'v' })).rejects.toMatchObject({ code: 10 })
    expect(await placeOrder(producer, 'good')).toBe('0/0')
  })

  test('of many are all in the error', async () => {
    const producer = new RecordingProducer()
    producer.decide(({ value }) => (value === '2' ? 'INVALID_RECORD' : null))
    const error = await producer
      .sendMany(['1', '2', '3'].map(value => ({ topic: 't', value })))
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ProduceManyError)
    expect((error as ProduceManyError<{ status: string }>).reports.map(({ status }) => status)).toEqual([
      'persisted',
      'not-persisted',
      'persisted',
    ])
  })

  test('reach a handle’s wait(), what was held, and what is streamed', async () => {
    const producer = new RecordingProducer()
    producer.failNext('_PURGE_INFLIGHT', 'INVALID_RECORD', 'INVALID_RECORD')
    const handle = producer.dispatch({ topic: 't', value: '1' })
    await expect(handle.wait()).rejects.toMatchObject({ code: -151 })
    expect((await handle.wait({ throwOnError: false })).status).toBe('possibly-persisted')
    producer.buffer({ topic: 't', value: '2' })
    await expect(producer.flushBuffer()).rejects.toBeInstanceOf(ProduceManyError)
    const source = ReadableStream.from(Readable.from([{ topic: 't', value: '3' }]))
    await expect(source.pipeTo(producer.writable())).rejects.toMatchObject({ codeName: 'INVALID_RECORD' })
    expect(values(producer)).toEqual(['1', '2', '3'])
  })
})

describe('events', () => {
  test('tell of messages after the call, and of all else that a producer tells', async () => {
    const producer = new RecordingProducer({ topics: ['t'] })
    const events: EventName[] = []
    for (const name of [
      'connected',
      'disconnected',
      'closing',
      'closed',
      'message.acknowledged',
      'message.failed',
      'message.purged',
      'buffer.flushed',
    ] as const) {
      producer.on(name, () => events.push(name))
    }
    let once = 0
    producer.once('message.acknowledged', ({ report }) => {
      once += Number(report.offset) + 1
    })
    producer.failNext('INVALID_RECORD', '_PURGE_QUEUE')
    const handles = producer.dispatchMany([{ value: '1' }, { value: '2' }, { value: '3' }, { value: '4' }])
    expect(events).toEqual([])
    await Promise.allSettled(handles.map(handle => handle.wait()))
    producer.buffer({ value: '5' })
    await producer.flushBuffer()
    await producer.disconnect()
    await producer.close()
    expect(events).toEqual([
      'connected',
      'message.failed',
      'message.purged',
      'message.acknowledged',
      'message.acknowledged',
      'buffer.flushed',
      'message.acknowledged',
      'disconnected',
      'closing',
      'closed',
    ])
    expect(once).toBe(1)
  })

  test('of another name are refused', () => {
    const producer = new RecordingProducer()
    expect(() => producer.on('message.sent' as never, () => {})).toThrow('message.acknowledged')
    expect(() => producer.off('message.sent' as never, () => {})).toThrow(InvalidMessageError)
  })
})

describe('the way from beginning to end', () => {
  test('is a producer’s', async () => {
    const producer = new RecordingProducer()
    const status = [producer.status]
    await producer.connect()
    status.push(producer.status)
    await producer.disconnect()
    status.push(producer.status)
    await placeOrder(producer, 'a')
    status.push(producer.status)
    const closed = producer.close()
    status.push(producer.status)
    expect(producer.close()).toBe(closed)
    await closed
    status.push(producer.status)
    expect(status).toEqual(['initial', 'connected', 'disconnected', 'connected', 'closing', 'closed'])
  })

  test('ends with what is held, and then takes nothing', async () => {
    const producer = new RecordingProducer()
    producer.bufferMany([
      { topic: 't', value: '1' },
      { topic: 't', value: '2' },
    ])
    producer.failNext('INVALID_RECORD')
    expect(await producer.close()).toEqual({ lost: 1 })
    await expect(producer.send({ topic: 't', value: 'x' })).rejects.toBeInstanceOf(StateError)
    expect(values(producer)).toEqual(['1', '2'])
  })

  test('knows topics by name, and gives up what is held', async () => {
    const producer = new RecordingProducer()
    producer.topic('t')
    expect([producer.hasTopic('t'), producer.removeTopic('t'), producer.hasTopic('t')]).toEqual([true, true, false])
    producer.buffer({ topic: 't', value: '1' })
    producer.dispatch({ topic: 't', value: '2' })
    expect(producer.purge()).toBe(1)
    await producer.flush()
    expect(values(producer)).toEqual(['2'])
  })

  test('begins anew for the next test', async () => {
    const producer = new RecordingProducer()
    producer.failNext('INVALID_RECORD', 'INVALID_RECORD')
    await placeOrder(producer, 'a').catch(() => {})
    producer.buffer({ topic: 't', value: '1' })
    producer.reset()
    expect(producer).toMatchObject({ sent: [], buffered: 0 })
    expect(await placeOrder(producer, 'b')).toBe('0/0')
  })
})
