// `producer.writable()`: what streams to it is delivered, at the pace of the queue.

import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import { InvalidMessageError, type Message, Producer, QueueFullError, StateError } from '../../src/index.ts'
import { Rig, watch } from '../support/rig.ts'

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`)
const small = { 'queue.buffering.max.messages': 10, 'linger.ms': 0 }
// What a stream takes before anybody may look at it: its own queue, and the chunk that waits for room.
const ahead = 16 + 1

/** A source that counts what was taken from it. */
function* counted(values: readonly string[], taken: { count: number }): Generator<Message> {
  for (const value of values) {
    taken.count++
    yield { topic: 't', value }
  }
}

function fromPull(messages: Iterator<Message>): ReadableStream<Message> {
  return new ReadableStream({
    pull(controller) {
      const { value, done } = messages.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
  })
}

/** For `pipeline()`, which takes web streams, although its types do not say so. */
const into = (stream: WritableStream<Message>) => stream as unknown as NodeJS.WritableStream

describe('what is written', () => {
  const ways: Record<string, (messages: Generator<Message>, stream: WritableStream<Message>) => Promise<void>> = {
    'pipeline() with the stream itself': (messages, stream) => pipeline(messages, into(stream)),
    'Writable.fromWeb()': (messages, stream) =>
      pipeline(Readable.from(messages), Writable.fromWeb(stream, { objectMode: true })),
    'pipe()': (messages, stream) =>
      new Promise((resolve, reject) => {
        const writable = Writable.fromWeb(stream, { objectMode: true, highWaterMark: 1 })
        Readable.from(messages).pipe(writable).on('finish', resolve).on('error', reject)
      }),
    'pipeTo()': (messages, stream) => fromPull(messages).pipeTo(stream),
  }

  test.each(Object.entries(ways))('by %s arrives in order, in batches that fill', async (_, write) => {
    const rig = await Rig.connected()
    const taken = { count: 0 }
    await rig.until(write(counted(numbers(1000), taken), rig.producer.writable()))
    expect(rig.log()).toEqual(numbers(1000))
    expect(rig.producer.queueSize).toBe(0)
    expect(rig.produceRequests).toBeLessThan(10)
    expect(rig.producer.status).toBe('connected')
  })

  test.each(Object.entries(ways))('by %s is read no further than there is room', async (_, write) => {
    const rig = await Rig.connected({ producer: small })
    const answer = rig.holdAnswers()
    const taken = { count: 0 }
    const written = watch(write(counted(numbers(200), taken), rig.producer.writable()))
    await rig.clock.advance(100)
    expect(rig.producer.queueSize).toBe(10)
    // Node's readable and writable ends hold as many again.
    expect(taken.count).toBeLessThanOrEqual(10 + ahead + 3 * 16)
    expect(written.state).toBe('pending')
    const sizes = new Set<number>()
    rig.producer.on('message.acknowledged', () => sizes.add(rig.producer.queueSize))
    answer()
    await rig.clock.advance(1000)
    expect(written).toMatchObject({ state: 'fulfilled' })
    expect(rig.log()).toEqual(numbers(200))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10)
  })

  test('waits for room and not for the broker', async () => {
    const rig = await Rig.connected({ producer: small })
    const answer = rig.holdAnswers()
    const writer = rig.producer.writable().getWriter()
    const writes = numbers(11).map(value => watch(writer.write({ topic: 't', value })))
    await rig.clock.settle()
    expect(writes.map(({ state }) => state)).toEqual([...Array(10).fill('fulfilled'), 'pending'])
    expect(rig.producer.queueSize).toBe(10)
    answer()
    await rig.until(writer.close())
    expect(writes[10]).toMatchObject({ state: 'fulfilled' })
  })

  test('lets others have their turn, though the source be always ready', async () => {
    const rig = await Rig.connected()
    const taken = { count: 0 }
    const written = watch(fromPull(counted(numbers(5000), taken)).pipeTo(rig.producer.writable()))
    const counts: number[] = []
    const look = (): void => {
      counts.push(taken.count)
      if (written.state === 'pending') rig.clock.defer(look)
    }
    rig.clock.defer(look)
    await rig.clock.advance(10)
    expect(written.state).toBe('fulfilled')
    expect(counts[0]).toBeLessThan(1100)
    expect(counts.length).toBeGreaterThan(5)
  })

  test('is held to the bytes of the queue, too', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.kbytes': 1, 'linger.ms': 0 } })
    const answer = rig.holdAnswers()
    const writer = rig.producer.writable().getWriter()
    const writes = numbers(4).map(() => watch(writer.write({ topic: 't', value: Buffer.alloc(400) })))
    await rig.clock.advance(10)
    expect(writes.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled', 'pending', 'pending'])
    expect(rig.producer.queueBytes).toBe(800)
    answer()
    await rig.until(writer.close())
    expect(rig.log()).toHaveLength(4)
  })

  test('passes middleware once, whether or not it has to wait', async () => {
    const rig = await Rig.connected({ producer: small })
    const seen: unknown[] = []
    rig.producer.use(message => {
      seen.push(message.value)
      return message
    })
    await rig.until(pipeline(counted(numbers(50), { count: 0 }), into(rig.producer.writable())))
    expect(seen).toEqual(numbers(50))
  })

  test('may come before the topic is known', async () => {
    const rig = await Rig.start()
    await rig.until(pipeline(counted(numbers(50), { count: 0 }), into(rig.producer.writable())))
    expect(rig.log()).toEqual(numbers(50))
  })

  test('may come by several streams at a time, and by calls in between', async () => {
    const rig = await Rig.connected({ producer: small })
    const streams = ['a', 'b'].map(key => {
      const messages = numbers(30).map(value => ({ topic: 't', value: `${key}${value}` }))
      return pipeline(messages, into(rig.producer.writable()))
    })
    const sent = rig.producer.send({ topic: 't', value: 'c' })
    await rig.until(Promise.all([...streams, sent]))
    const log = rig.log()
    expect(log).toHaveLength(61)
    expect(log.filter(value => value.startsWith('b'))).toEqual(numbers(30).map(value => `b${value}`))
  })
})

describe('close()', () => {
  test('resolves when every message has its report, and cuts linger short', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 10_000 } })
    const answer = rig.holdAnswers()
    const writer = rig.producer.writable().getWriter()
    await rig.until(writer.write({ topic: 't', value: 'v' }))
    await rig.clock.advance(5000)
    expect(rig.produceRequests).toBe(0)
    const closed = watch(writer.close())
    await rig.clock.settle()
    expect(rig.produceRequests).toBe(1)
    expect(closed.state).toBe('pending')
    answer()
    await rig.clock.settle()
    expect(closed.state).toBe('fulfilled')
    expect(rig.log()).toEqual(['v'])
  })

  test('waits for its own messages only', async () => {
    const rig = await Rig.connected({ topics: { t: {}, stuck: {} } })
    rig.cluster.leaderless('stuck', 0)
    const other = rig.producer.dispatch({ topic: 'stuck', value: 'v' })
    const writer = rig.producer.writable().getWriter()
    writer.write({ topic: 't', value: 'v' })
    await rig.until(writer.close())
    expect(other.settled).toBe(false)
  })

  test('of a stream that nothing was written to resolves at once', async () => {
    const rig = await Rig.start()
    await rig.producer.writable().close()
    expect(rig.producer.status).toBe('initial')
  })

  test('rejects with the failure that comes while it waits', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 0 } })
    rig.cluster.failNext('Produce', 'INVALID_RECORD')
    const writer = rig.producer.writable().getWriter()
    writer.write({ topic: 't', value: 'v' })
    expect(await rig.failure(writer.close())).toMatchObject({ codeName: 'INVALID_RECORD' })
    expect(await rig.failure(writer.closed)).toMatchObject({ codeName: 'INVALID_RECORD' })
  })
})

describe('a failed delivery', () => {
  test('ends the stream at once, so that the source stops; what is queued is delivered', async () => {
    const rig = await Rig.connected({ producer: { ...small, 'batch.num.messages': 1 } })
    rig.cluster.perRecordErrors('t', 0, [{ index: 0 }])
    const taken = { count: 0 }
    const endless = Array.from({ length: 100_000 }, (_, i) => `${i}`)
    const source = Readable.from(counted(endless, taken))
    const error = await rig.failure(pipeline(source, into(rig.producer.writable())))
    expect(error).toMatchObject({ codeName: 'INVALID_RECORD', topic: 't' })
    expect(taken.count).toBeLessThan(1000)
    expect(source.destroyed).toBe(true)
    await rig.until(rig.producer.flush())
    const log = rig.log()
    expect(log.length).toBeGreaterThan(0)
    expect(log).toEqual(endless.slice(1, log.length + 1))
    expect((await rig.until(rig.producer.send({ topic: 't', value: 'v' }))).status).toBe('persisted')
  })

  test('by pipe() is an error event of Node’s stream', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 0 } })
    rig.cluster.failNext('Produce', 'INVALID_RECORD')
    const writable = Writable.fromWeb(rig.producer.writable(), { objectMode: true, highWaterMark: 1 })
    const failed = new Promise(resolve => writable.on('error', resolve))
    Readable.from(counted(numbers(100), { count: 0 })).pipe(writable)
    expect(await rig.until(failed)).toMatchObject({ codeName: 'INVALID_RECORD' })
  })

  test('ends a write that waits for room', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 2 } }, producer: small })
    const writer = rig.producer.writable().getWriter()
    rig.hang()
    for (const value of numbers(10)) writer.write({ topic: 't', value, partition: 0 })
    const waiting = watch(writer.write({ topic: 't', value: 'late' }))
    const behind = watch(writer.write({ topic: 't', value: 'later' }))
    watch(writer.closed)
    await rig.clock.advance(10)
    expect(waiting.state).toBe('pending')
    rig.producer.purge({ inFlight: true })
    await rig.clock.settle()
    expect(waiting).toMatchObject({ state: 'rejected', error: { code: -151 } })
    expect(behind).toMatchObject({ state: 'rejected', error: { code: -151 } })
    expect(rig.producer.queueSize).toBe(0)
  })

  test('among many that fail is the first', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 0 } })
    const failed: unknown[] = []
    rig.producer.on('message.failed', ({ report }) => failed.push(report.error))
    rig.cluster.failPartition('t', 0, 'INVALID_RECORD')
    const writer = rig.producer.writable().getWriter()
    for (const value of numbers(5)) watch(writer.write({ topic: 't', value }))
    expect(await rig.failure(writer.close())).toBe(failed[0])
    expect(failed).toHaveLength(5)
  })
})

describe('a message that is refused', () => {
  test('ends the stream with the error that send() gives; what came before is delivered', async () => {
    const rig = await Rig.connected()
    const messages = [{ topic: 't', value: 'good' }, { topic: 't' } as Message, { topic: 't', value: 'never' }]
    const error = await rig.failure(pipeline(messages, into(rig.producer.writable())))
    expect(error).toBeInstanceOf(InvalidMessageError)
    expect(error).toMatchObject({ field: 'value' })
    await rig.until(rig.producer.flush())
    expect(rig.log()).toEqual(['good'])
  })

  test('for want of room is so after max.block.ms', async () => {
    const rig = await Rig.connected({ producer: { ...small, 'max.block.ms': 100 } })
    rig.hang()
    const writer = rig.producer.writable().getWriter()
    for (const value of numbers(10)) writer.write({ topic: 't', value })
    const waiting = watch(writer.write({ topic: 't', value: 'late' }))
    watch(writer.closed)
    await rig.clock.advance(99)
    expect(waiting.state).toBe('pending')
    await rig.clock.advance(1)
    expect(waiting.error).toBeInstanceOf(QueueFullError)
    expect(await rig.failure(writer.ready)).toBe(waiting.error)
  })

  test('by a producer that is closed is a StateError', async () => {
    const producer = new Producer({ 'bootstrap.servers': 'b:1' })
    const writer = producer.writable().getWriter()
    await producer.close()
    watch(writer.closed)
    await expect(writer.write({ topic: 't', value: 'v' })).rejects.toBeInstanceOf(StateError)
  })
})

describe('abort()', () => {
  test('ends the waiting; what is queued is delivered, what waits is not', async () => {
    const rig = await Rig.connected({ producer: small })
    const answer = rig.holdAnswers()
    const stream = rig.producer.writable()
    const writer = stream.getWriter()
    for (const value of numbers(10)) writer.write({ topic: 't', value })
    const waiting = watch(writer.write({ topic: 't', value: 'late' }))
    watch(writer.closed)
    await rig.clock.settle()
    await rig.until(writer.abort(new Error('enough')))
    expect(waiting).toMatchObject({ state: 'rejected', error: { message: 'enough' } })
    expect(rig.producer.queueSize).toBe(10)
    answer()
    await rig.until(rig.producer.flush())
    expect(rig.log()).toEqual(numbers(10))
    expect((await rig.until(rig.producer.send({ topic: 't', value: 'v' }))).status).toBe('persisted')
  })

  test('ends a close() that waits for reports', async () => {
    const rig = await Rig.connected({ producer: small })
    rig.hang()
    const writer = rig.producer.writable().getWriter()
    writer.write({ topic: 't', value: 'v' })
    const closed = watch(writer.close())
    watch(writer.closed)
    await rig.clock.settle()
    watch(writer.abort(new Error('enough')))
    await rig.clock.settle()
    expect(closed).toMatchObject({ state: 'rejected', error: { message: 'enough' } })
    expect(rig.producer.queueSize).toBe(1)
  })

  test('by the signal of pipeTo() comes when what was read is written, and reads no more', async () => {
    const rig = await Rig.connected({ producer: small })
    const answer = rig.holdAnswers()
    const taken = { count: 0 }
    const ending = new AbortController()
    const stream = rig.producer.writable()
    const piped = watch(fromPull(counted(numbers(100), taken)).pipeTo(stream, { signal: ending.signal }))
    await rig.clock.advance(10)
    const { count } = taken
    ending.abort(new Error('enough'))
    answer()
    await rig.clock.advance(100)
    expect(piped).toMatchObject({ state: 'rejected', error: { message: 'enough' } })
    expect(taken.count).toBeLessThanOrEqual(count + 1) // what the source reads ahead
    expect(rig.log()).toEqual(numbers(rig.log().length))
    expect(rig.producer.status).toBe('connected')
  })
})
