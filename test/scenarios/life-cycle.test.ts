import { describe, expect, test, vi } from 'vitest'
import { FatalError, InvalidMessageError, Producer, StateError } from '../../src/index.ts'
import { Rig, thrownBy, watch } from '../support/rig.ts'

const message = { topic: 't', value: 'v' }

describe('connect', () => {
  test('resolves when brokers and topics are known', async () => {
    const rig = await Rig.start({ producer: { topics: ['t'] } })
    expect(rig.producer.status).toBe('initial')
    const connected = rig.producer.connect()
    expect(rig.producer.status).toBe('connecting')
    await rig.until(connected)
    expect(rig.producer.status).toBe('connected')
    await rig.until(rig.producer.connect())
  })

  test('is not needed: the first message connects', async () => {
    const rig = await Rig.start()
    const events: string[] = []
    rig.producer.on('connected', () => events.push('connected'))
    const sent = rig.producer.send(message)
    expect(rig.producer.status).toBe('connecting')
    await rig.until(sent)
    expect(rig.producer.status).toBe('connected')
    expect(events).toEqual(['connected'])
  })

  test('nothing connects before the first use', async () => {
    const rig = await Rig.start()
    await rig.clock.advance(10_000)
    expect(rig.cluster.connections).toBe(0)
    expect(rig.producer.status).toBe('initial')
    expect(rig.clock.pendingTimers).toBe(0)
  })

  test('rejects with the fault as soon as every bootstrap server has given one, and may be tried again', async () => {
    const rig = await Rig.start()
    rig.cluster.brokerDown(1)
    const { bootstrapServers } = rig.cluster
    expect(await rig.failure(rig.producer.connect())).toMatchObject({
      code: -195,
      message: expect.stringContaining(bootstrapServers),
    })
    expect(rig.producer.status).toBe('disconnected')
    expect(rig.clock.pendingTimers).toBe(0)
    await rig.cluster.brokerUp(1)
    await rig.until(rig.producer.connect())
    expect(rig.producer.status).toBe('connected')
  })

  test('rejects after 10 s when brokers stay silent', async () => {
    const rig = await Rig.start()
    rig.cluster.control('ApiVersions', () => ({ hang: true }), { times: Number.POSITIVE_INFINITY })
    const connected = watch(rig.producer.connect())
    await rig.clock.advance(9_999)
    expect(connected.state).toBe('pending')
    await rig.clock.advance(1)
    expect(connected.error).toMatchObject({ code: -195 })
  })

  test('names the topic that does not exist', async () => {
    const rig = await Rig.start({ producer: { topics: ['t', 'nowhere'] } })
    expect(await rig.failure(rig.producer.connect(), 10_000, 100)).toMatchObject({ topic: 'nowhere', code: -188 })
  })

  test('names the topic that may not be used', async () => {
    const rig = await Rig.start({ producer: { topics: ['t'] } })
    rig.cluster.failNext('Metadata', 'TOPIC_AUTHORIZATION_FAILED')
    expect(await rig.failure(rig.producer.connect())).toMatchObject({ topic: 't', code: 29 })
  })
})

describe('disconnect', () => {
  test('sends what is queued, closes the connections, and the next use connects again', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 10_000, 'message.timeout.ms': 60_000 } })
    const events: string[] = []
    for (const name of ['connected', 'disconnected'] as const) rig.producer.on(name, () => events.push(name))
    const handle = rig.producer.dispatch({ topic: 't', value: '1' })
    const disconnected = rig.producer.disconnect()
    expect(rig.producer.status).toBe('disconnecting')
    await rig.until(disconnected)
    expect(handle.report).toMatchObject({ status: 'persisted' })
    expect(rig.producer.status).toBe('disconnected')
    await rig.clock.settle()
    expect(rig.cluster.connections).toBe(0)
    expect(rig.clock.pendingTimers).toBe(0)
    expect(await rig.until(rig.producer.send({ topic: 't', value: '2' }))).toMatchObject({ offset: 1n })
    expect(events).toEqual(['disconnected', 'connected'])
  })

  test('has nothing to do before the first use, and after itself', async () => {
    const rig = await Rig.start()
    await rig.producer.disconnect()
    expect(rig.producer.status).toBe('initial')
    await rig.until(rig.producer.connect())
    await rig.until(Promise.all([rig.producer.disconnect(), rig.producer.disconnect()]))
    await rig.producer.disconnect()
    expect(rig.producer.status).toBe('disconnected')
  })

  test('keeps what buffer() holds', async () => {
    const rig = await Rig.connected()
    rig.producer.buffer(message)
    await rig.until(rig.producer.disconnect())
    expect(rig.producer.buffered).toBe(1)
    await rig.until(rig.producer.flushBuffer())
    expect(rig.log()).toEqual(['v'])
  })

  test('gives up after 60 s what has no verdict', async () => {
    const rig = await Rig.connected()
    rig.hang()
    const handle = rig.producer.dispatch(message)
    await rig.until(rig.producer.disconnect(), 60_000, 1000)
    expect(handle.report).toMatchObject({ status: 'possibly-persisted', error: { code: -151 } })
  })
})

describe('close', () => {
  test('sends what is queued and what buffer() holds, and loses nothing', async () => {
    const rig = await Rig.start({ producer: { 'linger.ms': 10_000, 'message.timeout.ms': 60_000 } })
    const events: string[] = []
    for (const name of ['closing', 'closed'] as const) rig.producer.on(name, () => events.push(name))
    rig.producer.dispatch({ topic: 't', value: '1' })
    rig.producer.buffer({ topic: 't', value: '2' })
    const closed = rig.producer.close()
    expect(rig.producer.status).toBe('closing')
    expect(await rig.until(closed)).toEqual({ lost: 0 })
    expect(rig.producer.status).toBe('closed')
    expect(rig.log()).toEqual(['1', '2'])
    expect(events).toEqual(['closing', 'closed'])
  })

  test('connects for what buffer() holds if need be', async () => {
    const rig = await Rig.connected()
    rig.producer.buffer(message)
    await rig.until(rig.producer.disconnect())
    expect(await rig.until(rig.producer.close())).toEqual({ lost: 0 })
    expect(rig.log()).toEqual(['v'])
  })

  test('of a producer that was never used is quick', async () => {
    const rig = await Rig.start()
    expect(await rig.until(rig.producer.close(), 0)).toEqual({ lost: 0 })
    expect(rig.producer.status).toBe('closed')
  })

  test('a second call gives the first one’s promise', async () => {
    const rig = await Rig.connected()
    rig.producer.dispatch(message)
    const first = rig.producer.close()
    expect(rig.producer.close({ timeoutMs: 1 })).toBe(first)
    await rig.until(first)
    expect(rig.producer.close()).toBe(first)
  })

  test('a broker that stops answering: exactly what has no good report is lost', async () => {
    const rig = await Rig.connected({
      brokers: 2,
      topics: { t: { partitions: 2 } },
      producer: { 'queue.buffering.max.messages': 10, 'max.in.flight': 1 },
    })
    await rig.until(rig.producer.send({ topic: 't', partition: 0, value: 'good' }))
    rig.hang()
    const reports = rig.reports()
    for (let i = 0; i < 3; i++) rig.producer.dispatch({ topic: 't', partition: 0, value: `in flight ${i}` })
    await rig.clock.advance(10)
    for (let i = 0; i < 4; i++) rig.producer.dispatch({ topic: 't', partition: 0, value: `queued ${i}` })
    await rig.clock.advance(10)
    const sent = watch(
      rig.producer.sendMany(Array.from({ length: 5 }, () => ({ topic: 't', partition: 0, value: 'w' }))),
    )
    rig.producer.bufferMany([message, message])
    let closedAfter = -1
    const start = rig.clock.now()
    const closed = rig.producer.close({ timeoutMs: 2000 }).then(result => {
      closedAfter = rig.clock.now() - start
      return result
    })
    expect(await rig.until(closed, 3000)).toEqual({ lost: 3 + 4 + 5 + 2 })
    expect(closedAfter).toBe(2000)
    expect(reports.map(({ error }) => error?.code)).toEqual([-151, -151, -151, ...Array(7).fill(-152)])
    expect(sent.state).toBe('rejected')
  })

  test('does not count what failed before', async () => {
    const rig = await Rig.connected()
    rig.cluster.failPartition('t', 0, 'INVALID_RECORD')
    await rig.failure(rig.producer.send(message))
    expect(await rig.until(rig.producer.close())).toEqual({ lost: 0 })
  })

  test('counts what fails on the way', async () => {
    const rig = await Rig.connected()
    rig.cluster.failPartition('t', 0, 'INVALID_RECORD')
    rig.producer.dispatchMany([message, message, message])
    expect(await rig.until(rig.producer.close())).toEqual({ lost: 3 })
  })

  test('is not stuck by a held message that turns out to be bad', async () => {
    const rig = await Rig.start()
    rig.producer.buffer({ topic: 't', value: 'bad', partition: 7 })
    rig.producer.buffer({ topic: 't', value: 'good' })
    await rig.until(rig.producer.partitionCount('t'))
    expect(await rig.until(rig.producer.close())).toEqual({ lost: 1 })
    expect(rig.log()).toEqual(['good'])
  })

  test('held messages wait for room under its own deadline, not under max.block.ms', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 1, 'max.block.ms': 0 } })
    const answer = rig.holdAnswers()
    rig.producer.dispatch({ topic: 't', value: '0' })
    rig.producer.bufferMany(['1', '2', '3'].map(value => ({ topic: 't', value })))
    const closed = rig.producer.close()
    await rig.clock.advance(100)
    answer()
    expect(await rig.until(closed)).toEqual({ lost: 0 })
    expect(rig.log()).toEqual(['0', '1', '2', '3'])
  })

  test('what flushBuffer() could not queue in time is lost, not held again', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 1 } })
    rig.hang()
    rig.producer.bufferMany([message, message, message])
    const flushed = watch(rig.producer.flushBuffer())
    rig.producer.buffer(message)
    expect(await rig.until(rig.producer.close({ timeoutMs: 100 }))).toEqual({ lost: 4 })
    expect(rig.producer.buffered).toBe(0)
    expect(flushed.error).toMatchObject({
      code: -196,
      reports: [{ error: { code: -151 } }, { error: { code: -152 } }, { error: { code: -152 } }],
    })
  })

  test('force gives up at once', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 1000 } })
    const handle = rig.producer.dispatch(message)
    const start = rig.clock.now()
    expect(await rig.until(rig.producer.close({ force: true }), 0)).toEqual({ lost: 1 })
    expect(handle.report).toMatchObject({ status: 'not-persisted', error: { code: -152 } })
    expect(rig.clock.now()).toBe(start)
  })

  test('force hurries a close that is under way', async () => {
    const rig = await Rig.connected()
    rig.hang()
    rig.producer.dispatch(message)
    const first = rig.producer.close()
    await rig.clock.advance(1000)
    expect(rig.producer.close({ force: true })).toBe(first)
    expect(await rig.until(first, 0)).toEqual({ lost: 1 })
  })

  test('has 60 s by default', async () => {
    const rig = await Rig.connected()
    rig.hang()
    rig.producer.dispatch(message)
    const closed = watch(rig.producer.close())
    await rig.clock.advance(59_999)
    expect(closed.state).toBe('pending')
    await rig.clock.advance(1)
    expect(closed.value).toEqual({ lost: 1 })
  })

  test('beside a disconnect that is under way both come to their end', async () => {
    const rig = await Rig.connected()
    rig.hang()
    rig.producer.dispatch(message)
    const disconnected = watch(rig.producer.disconnect())
    await rig.clock.advance(100)
    const closed = watch(rig.producer.close({ timeoutMs: 500 }))
    await rig.clock.advance(500)
    expect(closed.value).toEqual({ lost: 1 })
    expect(disconnected.state).toBe('fulfilled')
    expect(rig.producer.status).toBe('closed')
  })

  test('the deadline of a disconnect that is under way does not cut a close() short', async () => {
    const rig = await Rig.connected()
    const answer = rig.holdAnswers()
    const handle = rig.producer.dispatch(message)
    void rig.producer.disconnect()
    await rig.clock.advance(50_000)
    const closed = rig.producer.close({ timeoutMs: 30_000 })
    await rig.clock.advance(15_000)
    answer()
    expect(await rig.until(closed)).toEqual({ lost: 0 })
    expect(handle.report?.status).toBe('persisted')
  })

  test('during connect() ends that, too', async () => {
    const rig = await Rig.start()
    rig.cluster.control('ApiVersions', () => ({ hang: true }), { times: Number.POSITIVE_INFINITY })
    const connected = watch(rig.producer.connect())
    await rig.clock.advance(10)
    expect(await rig.until(rig.producer.close())).toEqual({ lost: 0 })
    expect(connected.state).toBe('rejected')
  })

  test('ends flushes and waits that are under way', async () => {
    const rig = await Rig.connected()
    rig.hang()
    const handle = rig.producer.dispatch(message)
    const flushed = watch(rig.producer.flush({ timeoutMs: 50_000 }))
    const waited = watch(handle.wait({ timeoutMs: 50_000 }))
    await rig.until(rig.producer.close({ timeoutMs: 10 }))
    await rig.clock.settle()
    expect(flushed.state).toBe('fulfilled')
    expect(waited.error).toMatchObject({ code: -151 })
  })

  test('calls made before it are sent, calls after it are refused', async () => {
    const rig = await Rig.connected()
    const before = Array.from({ length: 100 }, (_, i) => rig.producer.send({ topic: 't', value: `${i}` }))
    const closed = rig.producer.close()
    const after = watch(rig.producer.send(message))
    expect(await rig.until(closed)).toEqual({ lost: 0 })
    expect((await Promise.all(before)).map(({ offset }) => offset)).toEqual(before.map((_, i) => BigInt(i)))
    expect(after.error).toBeInstanceOf(StateError)
  })

  test('a listener of closing may call close() again', async () => {
    const rig = await Rig.connected()
    let inner: unknown
    rig.producer.on('closing', () => {
      inner = rig.producer.close()
    })
    const outer = rig.producer.close()
    expect(inner).toBe(outer)
    expect(await rig.until(outer)).toEqual({ lost: 0 })
  })

  test('a listener of a report may close', async () => {
    const rig = await Rig.connected()
    let closed: Promise<{ lost: number }> | undefined
    rig.producer.on('message.acknowledged', () => {
      closed ??= rig.producer.close()
    })
    rig.producer.dispatchMany([message, message])
    await rig.until(rig.producer.flush())
    expect(await rig.until(closed as Promise<{ lost: number }>)).toEqual({ lost: 0 })
  })

  test('await using closes', async () => {
    const rig = await Rig.connected()
    rig.producer.dispatch(message)
    await rig.until(rig.producer[Symbol.asyncDispose]())
    expect(rig.producer.status).toBe('closed')
    expect(rig.log()).toEqual(['v'])
  })
})

describe('calls in every state', () => {
  const refused: readonly [string, (producer: Producer) => unknown][] = [
    ['dispatch', producer => producer.dispatch(message)],
    ['dispatchMany', producer => producer.dispatchMany([message])],
    ['buffer', producer => producer.buffer(message)],
    ['bufferMany', producer => producer.bufferMany([message])],
    ['dispatchBuffer', producer => producer.dispatchBuffer()],
    ['a topic’s dispatch', producer => producer.topic('t').dispatch({ value: 'v' })],
  ]
  const rejected: readonly [string, (producer: Producer) => Promise<unknown>][] = [
    ['send', producer => producer.send(message)],
    ['sendMany', producer => producer.sendMany([message])],
    ['dispatchWait', producer => producer.dispatchWait(message)],
    ['tombstone', producer => producer.tombstone({ topic: 't', key: 'k' })],
    ['flushBuffer', producer => producer.flushBuffer()],
    ['connect', producer => producer.connect()],
    ['partitionCount', producer => producer.partitionCount('t')],
    ['a topic’s send', producer => producer.topic('t').send({ value: 'v' })],
  ]

  async function closing(): Promise<{ rig: Rig; answer: () => void }> {
    const rig = await Rig.connected()
    const answer = rig.holdAnswers()
    rig.producer.dispatch(message)
    void rig.producer.close()
    expect(rig.producer.status).toBe('closing')
    return { rig, answer }
  }

  async function closed(): Promise<Rig> {
    const rig = await Rig.connected()
    await rig.until(rig.producer.close())
    return rig
  }

  test.each(refused)('%s throws StateError while closing and when closed', async (_, call) => {
    const { rig, answer } = await closing()
    const error = thrownBy(() => call(rig.producer))
    expect(error).toBeInstanceOf(StateError)
    expect(error).toMatchObject({ code: -172, state: 'closing', errno: 'ENOEXEC' })
    answer()
    const other = await closed()
    expect(thrownBy(() => call(other.producer))).toMatchObject({ code: -172, state: 'closed' })
  })

  test.each(rejected)('%s rejects with StateError while closing and when closed', async (_, call) => {
    const { rig, answer } = await closing()
    expect(await rig.failure(call(rig.producer))).toMatchObject({ code: -172, state: 'closing' })
    answer()
    const other = await closed()
    expect(await other.failure(call(other.producer))).toMatchObject({ code: -172, state: 'closed' })
  })

  test('what asks for nothing works when closed', async () => {
    const { producer } = await closed()
    await producer.flush()
    expect(producer.purge()).toBe(0)
    expect(producer).toMatchObject({ queueSize: 0, queueBytes: 0, inFlight: 0, unsent: 0, buffered: 0 })
    expect(producer.hasTopic('t')).toBe(false)
  })

  test('after a fatal error produce calls get it, and close() works', async () => {
    const rig = await Rig.connected()
    const errors: unknown[] = []
    rig.producer.on('error.occurred', event => errors.push(event))
    rig.cluster.failPartition('t', 0, 'CLUSTER_AUTHORIZATION_FAILED')
    await rig.failure(rig.producer.send(message))
    expect(rig.producer.status).toBe('fatal')
    const error = thrownBy(() => rig.producer.dispatch(message))
    expect(error).toBeInstanceOf(FatalError)
    expect(error).toMatchObject({ code: -150, fatal: true, cause: { code: 31 } })
    expect(await rig.failure(rig.producer.send(message))).toBe(error)
    expect(errors).toMatchObject([{ type: 'fatal', error: { code: -150 } }])
    expect(await rig.until(rig.producer.close())).toEqual({ lost: 0 })
  })

  test('after a fatal error close() writes nothing, and counts what buffer() held as lost', async () => {
    const rig = await Rig.connected()
    rig.producer.bufferMany([message, message])
    rig.cluster.failPartition('t', 0, 'CLUSTER_AUTHORIZATION_FAILED')
    await rig.failure(rig.producer.send(message))
    expect(await rig.until(rig.producer.close())).toEqual({ lost: 2 })
    expect(rig.log()).toEqual([])
    expect(rig.produceRequests).toBe(1)
  })

  test('a fatal error lets go of the cluster, and disconnect() that is under way rejects with it', async () => {
    const rig = await Rig.connected()
    const sent = watch(rig.producer.send(message))
    rig.cluster.failPartition('t', 0, 'CLUSTER_AUTHORIZATION_FAILED')
    const error = await rig.failure(rig.producer.disconnect())
    expect(error).toBeInstanceOf(FatalError)
    expect(sent.error).toMatchObject({ code: 31 })
    expect(rig.producer.status).toBe('fatal')
    await rig.clock.settle()
    expect(rig.cluster.connections).toBe(0)
    expect(rig.clock.pendingTimers).toBe(0)
    expect(await rig.failure(rig.producer.send(message), 0)).toBe(error)
    expect(await rig.until(rig.producer.close())).toEqual({ lost: 0 })
  })

  test('a fatal error ends the wait for room', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 1 } })
    rig.cluster.failPartition('t', 0, 'CLUSTER_AUTHORIZATION_FAILED')
    const sent = [1, 2, 3].map(() => watch(rig.producer.send(message)))
    const many = watch(rig.producer.sendMany([message, message]))
    await rig.clock.advance(100)
    expect(sent.map(({ error }) => error)).toMatchObject([{ code: 31 }, { code: -150 }, { code: -150 }])
    expect(many.error).toMatchObject({ reports: [{ error: { code: -150 } }, { error: { code: -150 } }] })
    expect(rig.produceRequests).toBe(1)
  })
})

describe('timeoutMs', () => {
  test('of Infinity is no limit, and no timer', async () => {
    const rig = await Rig.connected()
    const answer = rig.holdAnswers()
    const handle = rig.producer.dispatch(message)
    await rig.clock.advance(10)
    const setTimer = vi.spyOn(rig.clock, 'setTimer')
    const timeoutMs = Number.POSITIVE_INFINITY
    const ends = [handle.wait({ timeoutMs }), rig.producer.flush({ timeoutMs }), rig.producer.close({ timeoutMs })]
    const closed = Promise.all<unknown>(ends)
    expect(setTimer).not.toHaveBeenCalled()
    await rig.clock.advance(25_000)
    answer()
    expect(await rig.until(closed)).toMatchObject([{ status: 'persisted' }, undefined, { lost: 0 }])
  })

  test.each([Number.NaN, -1, '5', null])('of %s is refused, and nothing has begun', async bad => {
    const rig = await Rig.connected()
    const timeoutMs = bad as number
    const handle = rig.producer.dispatch(message)
    const { producer } = rig
    const calls = [
      () => handle.wait({ timeoutMs }),
      () => producer.flush({ timeoutMs }),
      () => producer.close({ timeoutMs }),
    ]
    for (const call of calls) {
      const error = await rig.failure(call(), 0)
      expect(error).toBeInstanceOf(InvalidMessageError)
      expect(error).toMatchObject({ field: 'timeoutMs', message: expect.stringContaining(`timeoutMs is ${bad}`) })
    }
    expect(producer.status).toBe('connected')
  })
})

describe('the numbers', () => {
  test('queueSize is unsent and inFlight together; buffered stands alone', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 100 } })
    const answer = rig.holdAnswers()
    rig.producer.dispatchMany([message, message])
    await rig.clock.advance(100)
    rig.producer.dispatchMany([message, message, message])
    rig.producer.bufferMany([message])
    expect(rig.producer).toMatchObject({ queueSize: 5, inFlight: 2, unsent: 3, queueBytes: 5, buffered: 1 })
    answer()
    await rig.until(rig.producer.flush())
    expect(rig.producer).toMatchObject({ queueSize: 0, inFlight: 0, unsent: 0, queueBytes: 0, buffered: 1 })
    rig.producer.purge()
  })

  test('of a producer that was never used are 0', () => {
    const producer = new Producer({ 'bootstrap.servers': 'localhost' })
    expect(producer).toMatchObject({
      status: 'initial',
      queueSize: 0,
      inFlight: 0,
      unsent: 0,
      queueBytes: 0,
      buffered: 0,
    })
  })
})
