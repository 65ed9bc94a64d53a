import { describe, expect, test } from 'vitest'
import { type Message, ProduceManyError, type Producer, QueueFullError, StateError } from '../../src/index.ts'
import { RecordingProducer } from '../../src/mock/index.ts'
import { codesOf } from './error-codes-of.ts'

/** A user's code: it takes a producer, or what takes its place. */
async function placeOrder(producer: Pick<Producer, 'send'>, id: string): Promise<string> {
  const { partition, offset } = await producer.send({ topic: 'orders', key: id, value: JSON.stringify({ id }) })
  return `${partition}/${offset}`
}

describe('what is handed over', () => {
  test('is recorded as it was given, with a place in a log', async () => {
    const producer = new RecordingProducer()
    expect(await placeOrder(producer, 'a')).toBe('0/0')
    expect(await placeOrder(producer, 'b')).toBe('0/1')
    expect((await producer.send({ topic: 'orders', value: 'x', partition: 3, opaque: 7 })).offset).toBe(0n)
    expect(producer.sent.map(({ key, partition, offset }) => [key, partition, offset])).toEqual([
      ['a', 0, 0n],
      ['b', 0, 1n],
      [undefined, 3, 0n],
    ])
    expect(producer.sentTo('orders')).toHaveLength(3)
    expect(producer.sentTo('others')).toEqual([])
  })

  test('by every call is recorded in the order of the calls', async () => {
    const producer = new RecordingProducer({ topics: ['t'] })
    await producer.send({ value: '1' })
    await producer.sendMany([{ value: '2' }, { value: '3' }])
    const handle = producer.dispatch({ value: '4' })
    producer.dispatchMany([{ value: '5' }])
    await producer.dispatchWait({ value: '6' })
    await producer.tombstone({ key: '7' })
    expect(producer.buffer({ value: '8' })).toBe(1)
    expect(producer.sent).toHaveLength(7)
    expect(await producer.flushBuffer()).toHaveLength(1)
    producer.bufferMany([{ value: '9' }, { value: '10' }])
    expect(producer.dispatchBuffer()).toHaveLength(2)
    await producer.topic('u').send({ value: '11' })
    expect(producer.sent.map(({ value, key }) => value ?? key).join(' ')).toBe('1 2 3 4 5 6 7 8 9 10 11')
    expect(handle).toMatchObject({ topic: 't', settled: true, report: { status: 'persisted', offset: 3n } })
    expect((await handle.wait()).error).toBeNull()
    expect(producer.queueSize).toBe(0)
  })

  test('is checked: a topic there must be, and a value', async () => {
    const producer = new RecordingProducer()
    await expect(producer.send({ value: 'x' })).rejects.toMatchObject({ field: 'topic' })
    const messages = [{ topic: 't', value: 'x' }, { topic: 't' } as Message]
    await expect(producer.sendMany(messages)).rejects.toMatchObject({ field: 'value', index: 1 })
    expect(() => producer.dispatch({ topic: 't' } as Message)).toThrow('value is undefined')
    expect(producer.sent).toEqual([])
  })
})

describe('verdicts', () => {
  test('are given in order, by Kafka’s names or as errors', async () => {
    const producer = new RecordingProducer()
    producer.failNext('NOT_LEADER_OR_FOLLOWER', '_MSG_TIMED_OUT', '_PURGE_INFLIGHT')
    expect(await codesOf(() => placeOrder(producer, 'a'), 4)).toEqual([6, -192, -151, null])
    expect(producer.sent.map(({ offset }) => offset)).toEqual([-1n, -1n, -1n, 0n])
    expect(() => producer.failNext('NO_SUCH_ERROR')).toThrow('NO_SUCH_ERROR')
  })

  test('may depend on the message', async () => {
    const producer = new RecordingProducer()
    producer.decide(({ key }) => (key === 'bad' ? 'MESSAGE_TOO_LARGE' : null))
    await expect(placeOrder(producer, 'bad')).rejects.toMatchObject({ code: 10 })
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

  test('reach a handle’s wait()', async () => {
    const producer = new RecordingProducer()
    producer.failNext('_PURGE_INFLIGHT')
    const handle = producer.dispatch({ topic: 't', value: 'x' })
    await expect(handle.wait()).rejects.toMatchObject({ code: -151 })
    expect((await handle.wait({ throwOnError: false })).status).toBe('possibly-persisted')
  })

  test('are not needed for a call that is refused', () => {
    const producer = new RecordingProducer()
    producer.refuseNext(new QueueFullError('queue.buffering.max.messages', 1, 'full'))
    expect(() => producer.dispatch({ topic: 't', value: 'x' })).toThrow(QueueFullError)
    expect(producer.sent).toEqual([])
    producer.dispatch({ topic: 't', value: 'x' })
    expect(producer.sent).toHaveLength(1)
  })
})

describe('the end', () => {
  test('sends what is held, and then nothing', async () => {
    const producer = new RecordingProducer()
    producer.bufferMany([
      { topic: 't', value: '1' },
      { topic: 't', value: '2' },
    ])
    producer.failNext('INVALID_RECORD')
    expect(await producer.close()).toEqual({ lost: 1 })
    expect(await producer.close()).toEqual({ lost: 0 })
    await expect(producer.send({ topic: 't', value: 'x' })).rejects.toBeInstanceOf(StateError)
    expect(producer.sent).toHaveLength(2)
  })

  test('is not final for the next test', async () => {
    const producer = new RecordingProducer()
    await placeOrder(producer, 'a')
    await producer.close()
    producer.reset()
    expect(producer.sent).toEqual([])
    expect(await placeOrder(producer, 'b')).toBe('0/0')
  })
})
