import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { errnoOf, InvalidMessageError, QueueFullError } from '../../src/index.ts'
import { Rig, thrownBy, watch } from '../support/rig.ts'

const text = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString()
const small = { 'queue.buffering.max.messages': 3, 'linger.ms': 0 }

describe('the bounds of the queue', () => {
  test('dispatch throws -184 at queue.buffering.max.messages, naming limit and use', async () => {
    const { producer } = await Rig.start({ producer: small })
    const full: unknown[] = []
    producer.on('queue.full', event => full.push(event))
    for (let i = 0; i < 3; i++) producer.dispatch({ topic: 't', value: 'v' })
    const error = thrownBy(() => producer.dispatch({ topic: 't', value: 'v' })) as QueueFullError
    expect(error).toBeInstanceOf(QueueFullError)
    expect(error).toMatchObject({
      code: -184,
      codeName: '_QUEUE_FULL',
      errno: 'ENOBUFS',
      limit: 'queue.buffering.max.messages',
      used: 3,
    })
    expect(errnoOf(error)).toBe(105)
    expect(full).toEqual([{ limit: 'queue.buffering.max.messages', used: 3 }])
    expect(producer.queueSize).toBe(3)
  })

  test('bytes are those of key, value, header names and header values', async () => {
    const { producer } = await Rig.start()
    producer.dispatch({ topic: 't', key: 'kk', value: 'vvv', headers: [['name', 'value']] })
    expect(producer.queueBytes).toBe(2 + 3 + 4 + 5)
  })

  test('exactly queue.buffering.max.kbytes fit, and not one byte more', async () => {
    const { producer } = await Rig.start({ producer: { 'queue.buffering.max.kbytes': 1 } })
    producer.dispatch({ topic: 't', value: Buffer.alloc(1000) })
    expect(thrownBy(() => producer.dispatch({ topic: 't', value: Buffer.alloc(25) }))).toMatchObject({
      code: -184,
      limit: 'queue.buffering.max.kbytes',
      used: 1000,
    })
    producer.dispatch({ topic: 't', value: Buffer.alloc(24) })
    expect(producer.queueBytes).toBe(1024)
    producer.dispatch({ topic: 't', value: '' })
  })

  test('a limit of 0 messages is none', async () => {
    const { producer } = await Rig.start({ producer: { 'queue.buffering.max.messages': 0 } })
    for (let i = 0; i < 1000; i++) producer.dispatch({ topic: 't', value: '' })
    expect(producer.queueSize).toBe(1000)
  })

  test('a message has its room until its report is out', async () => {
    const rig = await Rig.connected({ producer: small })
    const answer = rig.holdAnswers()
    const handles = [1, 2, 3].map(i => rig.producer.dispatch({ topic: 't', value: `${i}` }))
    await rig.clock.advance(10)
    expect(rig.producer).toMatchObject({ queueSize: 3, inFlight: 3, unsent: 0 })
    expect(thrownBy(() => rig.producer.dispatch({ topic: 't', value: 'x' }))).toMatchObject({ code: -184 })
    answer()
    await rig.clock.settle()
    expect(handles.every(({ settled }) => settled)).toBe(true)
    expect(rig.producer).toMatchObject({ queueSize: 0, inFlight: 0, unsent: 0, queueBytes: 0 })
    rig.producer.dispatch({ topic: 't', value: 'x' })
  })

  test('a listener of the report finds the room still taken, the call after it finds it free', async () => {
    const rig = await Rig.connected({ producer: { ...small, 'queue.buffering.max.messages': 1 } })
    const sizes: number[] = []
    rig.producer.once('message.acknowledged', () => sizes.push(rig.producer.queueSize))
    await rig.until(rig.producer.send({ topic: 't', value: 'v' }))
    expect(sizes).toEqual([1])
    expect(rig.producer.queueSize).toBe(0)
  })

  test('a refused message takes no room', async () => {
    const { producer } = await Rig.connected({ producer: small })
    thrownBy(() => producer.dispatch({ topic: 't', value: 'v', partition: 9 }))
    thrownBy(() => producer.dispatch({ topic: 't', value: Buffer.alloc(2_000_000) }))
    thrownBy(() => producer.dispatch({ topic: 't', value: 'v', partition: -2 }))
    expect(producer).toMatchObject({ queueSize: 0, queueBytes: 0 })
  })

  test('a message that is larger than the whole queue is refused at once, waiting would not help', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.kbytes': 1 } })
    const value = Buffer.alloc(1025)
    expect(await rig.failure(rig.producer.send({ topic: 't', value }), 0)).toMatchObject({ code: -184 })
    expect(await rig.failure(rig.producer.dispatchWait({ topic: 't', value }), 0)).toMatchObject({ code: -184 })
    const many = await rig.failure(
      rig.producer.sendMany([
        { topic: 't', value: 'a' },
        { topic: 't', value },
        { topic: 't', value: 'b' },
      ]),
    )
    expect(many).toMatchObject({
      reports: [{ error: null }, { error: { code: -184 }, status: 'not-persisted' }, { error: null }],
    })
    expect(rig.producer.queueSize).toBe(0)
    expect(rig.log()).toEqual(['a', 'b'])
  })
})

describe('a call that waits for room', () => {
  test('goes in when a report frees it', async () => {
    const rig = await Rig.connected({ producer: small })
    const answer = rig.holdAnswers()
    for (let i = 0; i < 3; i++) rig.producer.dispatch({ topic: 't', value: `${i}` })
    const sent = rig.producer.send({ topic: 't', value: 'late' })
    await rig.clock.advance(1000)
    expect(rig.producer.queueSize).toBe(3)
    answer()
    expect(await rig.until(sent)).toMatchObject({ offset: 3n, status: 'persisted' })
  })

  test('is served first come, first served, whichever call it is', async () => {
    const rig = await Rig.connected({ producer: { ...small, 'queue.buffering.max.messages': 1 } })
    const answer = rig.holdAnswers()
    rig.producer.dispatch({ topic: 't', value: '0' })
    const calls = [
      rig.producer.send({ topic: 't', value: '1' }),
      rig.producer.dispatchWait({ topic: 't', value: '2' }).then(handle => handle.wait()),
      rig.producer.sendMany([
        { topic: 't', value: '3' },
        { topic: 't', value: '4' },
        { topic: 't', value: '5' },
      ]),
      rig.producer.tombstone({ topic: 't', key: '6' }),
      rig.producer.send({ topic: 't', value: '7' }),
    ]
    await rig.clock.settle()
    answer()
    await rig.until(Promise.all(calls))
    expect(rig.log()).toEqual(['0', '1', '2', '3', '4', '5', '', '7'])
  })

  test('keeps dispatch out, even where that would fit', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.kbytes': 1 } })
    rig.hang()
    rig.producer.dispatch({ topic: 't', value: Buffer.alloc(1000) })
    const waiting = watch(rig.producer.send({ topic: 't', value: Buffer.alloc(500) }))
    expect(thrownBy(() => rig.producer.dispatch({ topic: 't', value: 'x' }))).toMatchObject({ code: -184 })
    expect(thrownBy(() => rig.producer.dispatchMany([{ topic: 't', value: 'x' }]))).toMatchObject({
      code: -196,
      cause: { code: -184 },
    })
    await rig.clock.settle()
    expect(waiting.state).toBe('pending')
  })

  test('rejects with -184 after max.block.ms, not before', async () => {
    const rig = await Rig.connected({ producer: { ...small, 'max.block.ms': 500 } })
    rig.hang()
    for (let i = 0; i < 3; i++) rig.producer.dispatch({ topic: 't', value: `${i}` })
    await rig.clock.settle()
    const send = watch(rig.producer.send({ topic: 't', value: 'x' }))
    const dispatchWait = watch(rig.producer.dispatchWait({ topic: 't', value: 'x' }))
    await rig.clock.advance(499)
    expect([send.state, dispatchWait.state]).toEqual(['pending', 'pending'])
    await rig.clock.advance(1)
    expect(send.error).toBeInstanceOf(QueueFullError)
    expect(dispatchWait.error).toBeInstanceOf(QueueFullError)
    expect(rig.producer.queueSize).toBe(3)
  })

  test('of 60 s by default', async () => {
    const rig = await Rig.connected({ producer: small })
    rig.hang()
    for (let i = 0; i < 3; i++) rig.producer.dispatch({ topic: 't', value: `${i}` })
    const send = watch(rig.producer.send({ topic: 't', value: 'x' }))
    await rig.clock.advance(59_999)
    expect(send.state).toBe('pending')
    await rig.clock.advance(1)
    expect(send.error).toBeInstanceOf(QueueFullError)
  })

  test('does not wait at all with max.block.ms 0', async () => {
    const rig = await Rig.connected({ producer: { ...small, 'max.block.ms': 0 } })
    rig.hang()
    for (let i = 0; i < 3; i++) rig.producer.dispatch({ topic: 't', value: `${i}` })
    expect(await rig.failure(rig.producer.send({ topic: 't', value: 'x' }), 0)).toBeInstanceOf(QueueFullError)
  })

  test('that gives up lets in those behind it that fit', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.kbytes': 1, 'max.block.ms': 1000 } })
    const hangs = rig.hang()
    rig.producer.dispatch({ topic: 't', value: Buffer.alloc(1000) })
    const large = watch(rig.producer.send({ topic: 't', value: Buffer.alloc(500) }))
    await rig.clock.advance(500)
    const fits = watch(rig.producer.dispatchWait({ topic: 't', value: 'x' }))
    await rig.clock.advance(500)
    expect(large.error).toBeInstanceOf(QueueFullError)
    expect(fits.state).toBe('fulfilled')
    hangs()
  })

  test('that is aborted never enters the queue, and lets in those behind it', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.kbytes': 1 } })
    rig.hang()
    rig.producer.dispatch({ topic: 't', value: Buffer.alloc(1000) })
    const abort = new AbortController()
    const large = watch(rig.producer.send({ topic: 't', value: Buffer.alloc(500) }, { signal: abort.signal }))
    const fits = watch(rig.producer.dispatchWait({ topic: 't', value: 'x' }))
    await rig.clock.settle()
    const reason = new Error('no longer')
    abort.abort(reason)
    await rig.clock.settle()
    expect(large.error).toBe(reason)
    expect(fits.state).toBe('fulfilled')
    expect(rig.producer.queueSize).toBe(2)
  })

  test('is delivered all the same when it is aborted after it went in', async () => {
    const rig = await Rig.connected()
    const answer = rig.holdAnswers()
    const abort = new AbortController()
    const sent = watch(rig.producer.send({ topic: 't', value: 'v' }, { signal: abort.signal }))
    await rig.clock.settle()
    abort.abort()
    await rig.clock.settle()
    expect(sent.error).toBe(abort.signal.reason)
    answer()
    await rig.until(rig.producer.flush())
    expect(rig.log()).toEqual(['v'])
  })

  test('tells listeners of a queue that was full for max.block.ms', async () => {
    const rig = await Rig.connected({ producer: { ...small, 'max.block.ms': 50 } })
    const full: unknown[] = []
    rig.producer.on('queue.full', event => full.push(event))
    const answer = rig.holdAnswers()
    for (let i = 0; i < 3; i++) rig.producer.dispatch({ topic: 't', value: 'v' })
    const late = watch(rig.producer.send({ topic: 't', value: 'v' }))
    await rig.clock.advance(49)
    expect(full).toEqual([])
    await rig.clock.advance(1)
    expect(late.error).toBeInstanceOf(QueueFullError)
    expect(full).toEqual([{ limit: 'queue.buffering.max.messages', used: 3 }])
    answer()
    await rig.until(rig.producer.flush())
  })

  test('with an aborted signal is refused before anything is queued', async () => {
    const rig = await Rig.connected()
    const signal = AbortSignal.abort('never')
    expect(await rig.failure(rig.producer.send({ topic: 't', value: 'v' }, { signal }))).toBe('never')
    expect(await rig.failure(rig.producer.dispatchWait({ topic: 't', value: 'v' }, { signal }))).toBe('never')
    expect(await rig.failure(rig.producer.sendMany([{ topic: 't', value: 'v' }], { signal }))).toBe('never')
    expect(rig.producer.queueSize).toBe(0)
  })

  test('leaves nothing behind at its signal when it is over', async () => {
    const rig = await Rig.connected()
    const { signal } = new AbortController()
    const listeners = new Set<unknown>()
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (type: string, fn: () => void, ...rest: never[]) => {
      listeners.add(fn)
      addEventListener.call(signal, type, fn, ...rest)
    }
    signal.removeEventListener = (type: string, fn: () => void, ...rest: never[]) => {
      listeners.delete(fn)
      removeEventListener.call(signal, type, fn, ...rest)
    }
    await rig.until(rig.producer.send({ topic: 't', value: 'v' }, { signal }))
    await rig.until(rig.producer.sendMany([{ topic: 't', value: 'v' }], { signal }))
    await rig.until(rig.producer.dispatchWait({ topic: 't', value: 'v' }, { signal }))
    const handle = rig.producer.dispatch({ topic: 't', value: 'v' })
    await rig.until(handle.wait({ signal }))
    rig.producer.dispatch({ topic: 't', value: 'v' })
    await rig.until(rig.producer.flush({ signal }))
    expect(listeners.size).toBe(0)
  })

  test('shares its signal with any number of others, all of whom it ends at once', async () => {
    const rig = await Rig.connected({ producer: { ...small, 'queue.buffering.max.messages': 1 } })
    const answer = rig.holdAnswers()
    const handle = rig.producer.dispatch({ topic: 't', value: 'first' })
    const abort = new AbortController()
    const { signal } = abort
    const calls: Promise<unknown>[] = [handle.wait({ signal }), rig.producer.flush({ signal })]
    for (let i = 0; i < 10_000; i++) {
      calls.push(rig.producer.dispatchWait({ topic: 't', value: 'v' }, { signal }))
      calls.push(rig.producer.send({ topic: 't', value: 'v' }, { signal }))
    }
    calls.push(rig.producer.sendMany([{ topic: 't', value: 'v' }], { signal }))
    const last = watch(rig.producer.send({ topic: 't', value: 'last' }))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    const ended = Promise.allSettled(calls)
    abort.abort('enough')
    expect(new Set((await ended).map(outcome => 'reason' in outcome && outcome.reason))).toEqual(new Set(['enough']))
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    answer()
    await rig.clock.advance(100)
    expect(last.state).toBe('fulfilled')
    expect(rig.log()).toEqual(['first', 'last'])
  })

  test('sendMany goes in piece by piece and keeps its place', async () => {
    const rig = await Rig.connected({ producer: small })
    const answers: (() => void)[] = []
    rig.cluster.control(
      'Produce',
      async () => {
        await new Promise<void>(resolve => answers.push(resolve))
        return undefined
      },
      { times: Number.POSITIVE_INFINITY },
    )
    const messages = Array.from({ length: 8 }, (_, i) => ({ topic: 't', value: `${i}` }))
    const many = watch(rig.producer.sendMany(messages))
    const behind = watch(rig.producer.send({ topic: 't', value: 'behind' }))
    await rig.clock.settle()
    expect(rig.producer.queueSize).toBe(3)
    for (let i = 0; i < 20 && behind.state === 'pending'; i++) {
      answers.shift()?.()
      await rig.clock.advance(1)
      expect(rig.producer.queueSize).toBeLessThanOrEqual(3)
    }
    expect(many.value?.map(({ offset }) => offset)).toEqual(messages.map((_, i) => BigInt(i)))
    expect(rig.log()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', 'behind'])
  })

  test('holds a copy of its bytes', async () => {
    const rig = await Rig.connected({ producer: { ...small, 'queue.buffering.max.messages': 1 } })
    const answer = rig.holdAnswers()
    rig.producer.dispatch({ topic: 't', value: 'first' })
    const value = Buffer.from('value')
    const key = Buffer.from('key')
    const part = Buffer.from('part')
    const sent = rig.producer.send({ topic: 't', value, key, headers: { h: value } })
    const gathered = rig.producer.send({ topic: 't', value: [part, part] })
    const many = rig.producer.sendMany([{ topic: 't', value, key }])
    value.fill(0)
    key.fill(0)
    part.fill(0)
    await rig.clock.settle()
    answer()
    await rig.until(Promise.all([sent, gathered, many]))
    expect(rig.log()).toEqual(['first', 'value', 'partpart', 'value'])
    const [, second] = rig.cluster.log('t', 0)
    expect(text(second?.key)).toBe('key')
    expect(text(second?.headers[0]?.[1])).toBe('value')
  })

  test('is refused for what is wrong with its message before it waits', async () => {
    const rig = await Rig.connected({ producer: { ...small, 'queue.buffering.max.messages': 1 } })
    rig.hang()
    rig.producer.dispatch({ topic: 't', value: 'first' })
    const bad = { topic: 't', value: 'v', partition: 1.5 }
    expect(await rig.failure(rig.producer.send(bad), 0)).toBeInstanceOf(InvalidMessageError)
    const huge = { topic: 't', value: Buffer.alloc(1_000_001) }
    expect(await rig.failure(rig.producer.send(huge), 0)).toMatchObject({ code: 10, errno: 'EMSGSIZE' })
  })
})
