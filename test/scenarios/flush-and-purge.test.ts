import { describe, expect, test } from 'vitest'
import { FlushTimeoutError } from '../../src/index.ts'
import { Rig, watch } from '../support/rig.ts'

const message = { topic: 't', value: 'v' }

describe('flush', () => {
  test('cuts linger short and resolves when everything has its report', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 4 } }, producer: { 'linger.ms': 1000 } })
    const handles = [0, 1, 2, 3].map(partition => rig.producer.dispatch({ ...message, partition }))
    const start = rig.clock.now()
    await rig.until(rig.producer.flush(), 0)
    expect(rig.clock.now()).toBe(start)
    expect(handles.every(({ settled }) => settled)).toBe(true)
  })

  test('has nothing to do when nothing is queued', async () => {
    const rig = await Rig.start()
    await rig.until(rig.producer.flush(), 0)
    expect(rig.producer.status).toBe('initial')
  })

  test('resolves for bad reports, too', async () => {
    const rig = await Rig.connected()
    rig.cluster.failPartition('t', 0, 'INVALID_RECORD')
    const handle = rig.producer.dispatch(message)
    await rig.until(rig.producer.flush())
    expect(handle.report).toMatchObject({ error: { code: 87 } })
  })

  test('leaves alone what buffer() holds', async () => {
    const rig = await Rig.connected()
    rig.producer.buffer(message)
    await rig.until(rig.producer.flush(), 0)
    expect(rig.producer.buffered).toBe(1)
    rig.producer.purge()
  })

  test('waits for calls that wait for room', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 2, 'linger.ms': 1000 } })
    const answer = rig.holdAnswers()
    rig.producer.dispatchMany([message, message])
    const waiting = [1, 2, 3, 4, 5].map(() => rig.producer.dispatchWait(message))
    const flushed = watch(rig.producer.flush())
    await rig.clock.settle()
    expect(flushed.state).toBe('pending')
    answer()
    await rig.clock.advance(1)
    expect(flushed.state).toBe('fulfilled')
    for (const handle of await Promise.all(waiting)) expect(handle.settled).toBe(true)
  })

  test('waits for calls that wait for room only until they gave up', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 1, 'max.block.ms': 50 } })
    const answer = rig.holdAnswers()
    rig.producer.dispatch(message)
    const sent = watch(rig.producer.sendMany([message, message]))
    const flushed = watch(rig.producer.flush())
    await rig.clock.advance(50)
    answer()
    await rig.clock.settle()
    expect(sent.error).toMatchObject({ code: -196 })
    expect(flushed.state).toBe('fulfilled')
  })

  test('does not wait for what is dispatched after it, however much that is', async () => {
    const rig = await Rig.connected({ producer: { 'batch.num.messages': 10 } })
    rig.cluster.rtt(5)
    rig.producer.dispatch(message)
    const flushed = watch(rig.producer.flush())
    for (let i = 0; i < 30; i++) {
      for (let j = 0; j < 20; j++) rig.producer.dispatch(message)
      await rig.clock.advance(1)
    }
    expect(flushed.state).toBe('fulfilled')
    expect(rig.producer.queueSize).toBeGreaterThan(0)
    await rig.until(rig.producer.flush())
  })

  test('nothing lingers while it runs', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 2 } }, producer: { 'linger.ms': 1000 } })
    const answer = rig.holdAnswers()
    rig.producer.dispatch({ ...message, partition: 0 })
    const flushed = rig.producer.flush()
    await rig.clock.settle()
    const late = rig.producer.dispatch({ ...message, partition: 1 })
    answer()
    await rig.until(flushed)
    await rig.clock.settle()
    expect(late.settled).toBe(true)
    const later = rig.producer.dispatch(message)
    await rig.clock.advance(999)
    expect(later.settled).toBe(false)
  })

  test('rejects after timeoutMs with what remains, and the messages stay', async () => {
    const rig = await Rig.connected()
    const answer = rig.holdAnswers()
    rig.producer.dispatchMany([message, message, message])
    const flushed = watch(rig.producer.flush({ timeoutMs: 100 }))
    await rig.clock.advance(99)
    expect(flushed.state).toBe('pending')
    await rig.clock.advance(1)
    expect(flushed.error).toBeInstanceOf(FlushTimeoutError)
    expect(flushed.error).toMatchObject({ code: -185, remaining: 3, errno: 'ETIMEDOUT' })
    expect(rig.producer.queueSize).toBe(3)
    answer()
    await rig.until(rig.producer.flush({ timeoutMs: 100 }))
    expect(rig.log()).toHaveLength(3)
  })

  test('timeoutMs 0 asks whether anything is queued', async () => {
    const rig = await Rig.connected()
    await rig.until(rig.producer.flush({ timeoutMs: 0 }), 0)
    rig.hang()
    rig.producer.dispatch(message)
    expect(await rig.failure(rig.producer.flush({ timeoutMs: 0 }))).toMatchObject({ remaining: 1 })
  })

  test('rejects with the reason of its signal', async () => {
    const rig = await Rig.connected()
    rig.hang()
    rig.producer.dispatch(message)
    const abort = new AbortController()
    const flushed = watch(rig.producer.flush({ signal: abort.signal }))
    abort.abort('enough')
    await rig.clock.settle()
    expect(flushed.error).toBe('enough')
  })

  test('several at once each resolve when their own messages are through', async () => {
    const rig = await Rig.connected({ producer: { 'max.in.flight': 1 } })
    rig.cluster.rtt(10)
    rig.producer.dispatch(message)
    const first = watch(rig.producer.flush())
    await rig.clock.advance(5)
    rig.producer.dispatch(message)
    const second = watch(rig.producer.flush())
    await rig.clock.advance(8)
    const states = [first.state, second.state]
    await rig.clock.advance(50)
    expect([first.state, second.state]).toEqual(['fulfilled', 'fulfilled'])
    expect(states[1]).toBe('pending')
  })

  test('waits for a topic that becomes known meanwhile', async () => {
    const rig = await Rig.start({ topics: {}, producer: { 'linger.ms': 1000 } })
    rig.producer.dispatch(message)
    const flushed = watch(rig.producer.flush())
    await rig.clock.advance(3000)
    expect(flushed.state).toBe('pending')
    rig.cluster.createTopic('t')
    await rig.clock.advance(1300)
    expect(flushed.state).toBe('fulfilled')
  })
})

describe('purge', () => {
  async function mixed(): Promise<{
    rig: Rig
    answer: () => void
    codes: () => (number | undefined)[]
    handles: number
  }> {
    const rig = await Rig.connected({ producer: { 'linger.ms': 10, 'max.in.flight': 1 } })
    await rig.until(rig.producer.send(message))
    const answer = rig.holdAnswers()
    const handles = rig.producer.dispatchMany([message, message])
    await rig.clock.advance(10)
    handles.push(...rig.producer.dispatchMany([message, message, message]))
    rig.producer.bufferMany([message, message, message, message])
    expect(rig.producer).toMatchObject({ inFlight: 2, unsent: 3, buffered: 4 })
    return { rig, answer, codes: () => handles.map(({ report }) => report?.error?.code), handles: handles.length }
  }

  test('without arguments takes the queue, what is in flight, and what buffer() holds', async () => {
    const { rig, answer, codes } = await mixed()
    const reports = rig.reports()
    expect(rig.producer.purge()).toBe(9)
    expect(codes()).toEqual([-151, -151, -152, -152, -152])
    expect(rig.producer).toMatchObject({ queueSize: 0, queueBytes: 0, inFlight: 0, unsent: 0, buffered: 0 })
    expect(reports.map(({ status }) => status)).toEqual([
      'possibly-persisted',
      'possibly-persisted',
      'not-persisted',
      'not-persisted',
      'not-persisted',
    ])
    answer()
    await rig.clock.advance(100)
    expect(rig.log()).toHaveLength(3)
  })

  test('of the queue leaves what is in flight', async () => {
    const { rig, answer, codes } = await mixed()
    expect(rig.producer.purge({ queued: true })).toBe(3)
    expect(rig.producer).toMatchObject({ inFlight: 2, buffered: 4 })
    answer()
    await rig.clock.settle()
    expect(codes()).toEqual([undefined, undefined, -152, -152, -152])
    expect(rig.producer.queueSize).toBe(0)
    expect(rig.log()).toHaveLength(3)
    rig.producer.purge()
  })

  test('of what is in flight leaves the queue, which goes out after it', async () => {
    const { rig, answer, codes } = await mixed()
    expect(rig.producer.purge({ inFlight: true })).toBe(2)
    expect(rig.producer).toMatchObject({ inFlight: 0, unsent: 3, buffered: 4 })
    answer()
    await rig.until(rig.producer.flush())
    expect(codes()).toEqual([-151, -151, undefined, undefined, undefined])
    expect(rig.log()).toHaveLength(6)
    rig.producer.purge()
  })

  test('of neither does nothing', async () => {
    const { rig, answer } = await mixed()
    expect(rig.producer.purge({})).toBe(0)
    expect(rig.producer.purge({ queued: false, inFlight: false })).toBe(0)
    answer()
    await rig.until(rig.producer.flush())
    expect(rig.log()).toHaveLength(6)
    expect(rig.producer.purge()).toBe(4)
  })

  test('tells message.purged', async () => {
    const rig = await Rig.connected()
    const purged: unknown[] = []
    rig.producer.on('message.purged', ({ report }) => purged.push(report.opaque))
    rig.producer.dispatch({ ...message, opaque: 'mine' })
    rig.producer.purge()
    expect(purged).toEqual(['mine'])
  })

  test('lets calls in that wait for room, which are not purged', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.messages': 1 } })
    rig.producer.dispatch({ topic: 't', value: 'purged' })
    const sent = rig.producer.send({ topic: 't', value: 'waiting' })
    expect(rig.producer.purge()).toBe(1)
    await rig.until(sent)
    expect(rig.log()).toEqual(['waiting'])
  })

  test('leaves alone a call that gets in while it runs', async () => {
    const topics = { t: { partitions: 2 } }
    const rig = await Rig.connected({ topics, producer: { 'queue.buffering.max.messages': 2 } })
    rig.producer.dispatch({ ...message, partition: 0 })
    rig.producer.dispatch({ ...message, partition: 1 })
    const sent = rig.producer.send({ ...message, partition: 1 })
    expect(rig.producer.purge()).toBe(2)
    expect(await rig.until(sent)).toMatchObject({ status: 'persisted' })
  })

  test('before anything is connected takes what waits for its topic', async () => {
    const rig = await Rig.start()
    const handle = rig.producer.dispatch(message)
    expect(rig.producer.purge()).toBe(1)
    expect(handle.report).toMatchObject({ partition: -1, error: { code: -152 } })
    await rig.clock.advance(100)
    expect(rig.producer.status).toBe('connected')
  })

  test('does not end the producer: what follows is delivered, in sequence', async () => {
    const { rig, answer } = await mixed()
    rig.producer.purge()
    answer()
    const reports = await rig.until(rig.producer.sendMany([message, message]))
    expect(reports.map(({ status }) => status)).toEqual(['persisted', 'persisted'])
  })
})
