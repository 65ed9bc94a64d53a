import { describe, expect, test } from 'vitest'
import { InvalidMessageError, KafkaError, type Message, type ProduceManyError } from '../../src/index.ts'
import { Rig, thrownBy } from '../support/rig.ts'

const message = { topic: 't', value: 'v' }
const bang = new Error('bang')
const throwing = (): never => {
  throw bang
}

describe('a listener', () => {
  test('that throws disturbs nobody, and error.occurred tells of it', async () => {
    const rig = await Rig.connected()
    const errors: unknown[] = []
    rig.producer.on('message.acknowledged', throwing)
    rig.producer.on('error.occurred', event => errors.push(event))
    const seen: unknown[] = []
    rig.producer.on('message.acknowledged', ({ report }) => seen.push(report.opaque))
    await rig.until(rig.producer.sendMany([1, 2].map(opaque => ({ ...message, opaque }))))
    expect(seen).toEqual([1, 2])
    expect(errors).toEqual([1, 2].map(() => ({ type: 'listener of message.acknowledged', error: bang })))
  })

  test('of error.occurred that throws is not told of itself', async () => {
    const rig = await Rig.connected()
    let calls = 0
    rig.producer.on('error.occurred', () => {
      calls++
      throwing()
    })
    rig.producer.on('message.acknowledged', throwing)
    await rig.until(rig.producer.send(message))
    expect(calls).toBe(1)
  })

  test('may dispatch; what it dispatches is delivered', async () => {
    const rig = await Rig.connected()
    let left = 5
    rig.producer.on('message.acknowledged', () => {
      if (left-- > 0) rig.producer.dispatch({ ...message, value: `${left}` })
    })
    await rig.until(rig.producer.send(message))
    for (let i = 0; i < 6; i++) await rig.until(rig.producer.flush())
    expect(rig.log()).toEqual(['v', '4', '3', '2', '1', '0'])
  })

  test('may purge in the middle of a purge', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 3 } } })
    const reports = rig.reports()
    const counts: number[] = []
    rig.producer.on('message.purged', () => counts.push(rig.producer.purge()))
    for (const partition of [0, 1, 2, 0]) rig.producer.dispatch({ ...message, partition })
    const count = rig.producer.purge()
    expect(count + counts.reduce((sum, one) => sum + one, 0)).toBe(4)
    expect(reports).toHaveLength(4)
    expect(rig.producer.queueSize).toBe(0)
  })

  test('may purge while batches run out of time together', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 3 } }, producer: { 'message.timeout.ms': 1000 } })
    rig.hang()
    const reports = rig.reports()
    rig.producer.on('message.failed', () => rig.producer.purge())
    for (const partition of [0, 1, 2]) rig.producer.dispatch({ ...message, partition })
    await rig.clock.advance(1000)
    expect(reports).toHaveLength(3)
    expect(rig.producer.queueSize).toBe(0)
  })

  test('that purges does not bring the reports of a partition out of order', async () => {
    const rig = await Rig.connected({ producer: { 'batch.num.messages': 2 } })
    const seen: unknown[] = []
    let purged = false
    for (const name of ['message.acknowledged', 'message.purged'] as const) {
      rig.producer.on(name, ({ report }) => {
        seen.push(report.opaque)
        if (!purged) rig.producer.purge()
        purged = true
      })
    }
    const answer = rig.holdAnswers()
    for (let opaque = 0; opaque < 6; opaque++) rig.producer.dispatch({ ...message, opaque })
    await rig.clock.advance(10)
    answer()
    await rig.clock.settle()
    expect(seen).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('added once hears once, and off removes', async () => {
    const rig = await Rig.connected()
    const heard: string[] = []
    const twice = () => heard.push('twice')
    rig.producer.once('message.acknowledged', () => heard.push('once'))
    rig.producer.on('message.acknowledged', twice).once('message.acknowledged', twice)
    await rig.until(rig.producer.send(message))
    await rig.until(rig.producer.send(message))
    expect(heard).toEqual(['once', 'twice', 'twice', 'twice'])
    rig.producer.off('message.acknowledged', twice)
    await rig.until(rig.producer.send(message))
    expect(heard).toHaveLength(4)
  })

  test('of an event that does not exist is refused, with the names of those that do', async () => {
    const { producer } = await Rig.start()
    for (const call of ['on', 'once'] as const) {
      const error = thrownBy(() => producer[call]('message.sent' as 'closed', () => {}))
      expect(error).toBeInstanceOf(InvalidMessageError)
      expect((error as Error).message).toContain('message.acknowledged')
    }
    thrownBy(() => producer.off('message.sent' as 'closed', () => {}))
    thrownBy(() => producer.on('closed', 'no function' as never))
  })
})

describe('middleware', () => {
  const shout = (given: Message): Message => ({ ...given, value: `${String(given.value)}!` })

  test('runs once per message, in the order it was added, before validation', async () => {
    const rig = await Rig.connected()
    const { producer } = rig
    expect(producer.use(shout).use(given => ({ ...given, value: `${String(given.value)}?` }))).toBe(producer)
    producer.use(given => ({ ...given, topic: 't' }))
    await rig.until(producer.send({ value: 'send' }))
    await rig.until(producer.sendMany([{ value: 'many' }]))
    producer.dispatch({ value: 'dispatch' })
    producer.dispatchMany([{ value: 'dispatchMany' }])
    await rig.until(producer.dispatchWait({ value: 'wait' }))
    producer.buffer({ value: 'buffer' })
    await rig.until(producer.flushBuffer())
    await rig.until(producer.flush())
    expect(rig.log()).toEqual(['send', 'many', 'dispatch', 'dispatchMany', 'wait', 'buffer'].map(value => `${value}!?`))
  })

  test('runs when buffering, not when the buffer is flushed', async () => {
    const rig = await Rig.connected()
    let runs = 0
    rig.producer.use(given => {
      runs++
      return given
    })
    rig.producer.buffer(message)
    expect(runs).toBe(1)
    await rig.until(rig.producer.flushBuffer())
    expect(runs).toBe(1)
  })

  test('that throws refuses the message, and nothing is queued', async () => {
    const rig = await Rig.connected()
    rig.producer.use(throwing)
    expect(thrownBy(() => rig.producer.dispatch(message))).toBe(bang)
    expect(thrownBy(() => rig.producer.dispatchMany([message]))).toBe(bang)
    expect(thrownBy(() => rig.producer.buffer(message))).toBe(bang)
    expect(await rig.failure(rig.producer.send(message), 0)).toBe(bang)
    expect(await rig.failure(rig.producer.sendMany([message]), 0)).toBe(bang)
    expect(await rig.failure(rig.producer.dispatchWait(message), 0)).toBe(bang)
    expect(await rig.failure(rig.producer.tombstone({ topic: 't', key: 'k' }), 0)).toBe(bang)
    expect(rig.producer).toMatchObject({ queueSize: 0, buffered: 0 })
  })

  test('that returns nothing is refused', async () => {
    const rig = await Rig.connected()
    rig.producer.use((() => undefined) as never)
    expect(thrownBy(() => rig.producer.dispatch(message))).toBeInstanceOf(InvalidMessageError)
  })

  test('may dispatch itself', async () => {
    const rig = await Rig.connected()
    rig.producer.use(given => {
      if (given.opaque === undefined) rig.producer.dispatch({ ...message, value: 'audit', opaque: 'audit' })
      return given
    })
    rig.producer.dispatch({ ...message, key: 'key', headers: { a: 'b' } })
    await rig.until(rig.producer.flush())
    expect(rig.log()).toEqual(['audit', 'v'])
    expect(rig.cluster.log('t', 0)[1]).toMatchObject({ key: new Uint8Array(Buffer.from('key')) })
    expect(rig.cluster.log('t', 0)[0]).toMatchObject({ key: null, headers: [] })
  })

  test('may close the producer: its message is accounted for', async () => {
    const rig = await Rig.connected()
    let closed: Promise<{ lost: number }> | undefined
    rig.producer.use(given => {
      closed = rig.producer.close()
      return given
    })
    const handle = rig.producer.dispatch(message)
    const { lost } = await rig.until(closed as Promise<{ lost: number }>)
    expect(lost).toBe(handle.report?.error === null ? 0 : 1)
    expect(rig.producer.queueSize).toBe(0)
  })
})

describe('a getter of a message', () => {
  const withGetter = (value: () => string) => ({
    topic: 't',
    key: 'outer key',
    get value() {
      return value()
    },
  })

  test('that throws refuses the message', async () => {
    const rig = await Rig.connected()
    const bad = withGetter(throwing)
    expect(thrownBy(() => rig.producer.dispatch(bad))).toBe(bang)
    expect(thrownBy(() => rig.producer.dispatchMany([message, bad]))).toBe(bang)
    expect(await rig.failure(rig.producer.send(bad), 0)).toBe(bang)
    expect(await rig.failure(rig.producer.sendMany([message, bad]), 0)).toBe(bang)
    expect(await rig.failure(rig.producer.topic('t').send(bad), 0)).toBe(bang)
    const key = {
      topic: 't',
      get key(): string {
        return throwing()
      },
    }
    expect(await rig.failure(rig.producer.tombstone(key), 0)).toBe(bang)
    expect(rig.producer.queueSize).toBe(0)
  })

  test('may dispatch; neither message gets the other’s bytes', async () => {
    const rig = await Rig.connected()
    const nested = withGetter(() => {
      rig.producer.dispatch({ topic: 't', key: 'inner key', value: 'inner', headers: { h: 'inner' } })
      return 'outer'
    })
    rig.producer.dispatch(nested)
    await rig.until(rig.producer.sendMany([nested]))
    const text = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString()
    expect(rig.cluster.log('t', 0).map(({ key, value, headers }) => [text(key), text(value), headers.length])).toEqual([
      ['inner key', 'inner', 1],
      ['outer key', 'outer', 0],
      ['inner key', 'inner', 1],
      ['outer key', 'outer', 0],
    ])
  })
})

describe('a partitioner', () => {
  const topics = { t: { partitions: 3 } }

  test('gets what there is to know', async () => {
    const rig = await Rig.connected({ topics })
    const seen: object[] = []
    const partitioner = (context: object) => {
      seen.push(structuredClone(context))
      return 2
    }
    rig.producer.dispatch({ topic: 't', key: 'k', value: 'v', headers: { h: 'x' } }, { partitioner })
    rig.producer.dispatch({ topic: 't', key: 'k', partitionKey: 'p', value: null }, { partitioner })
    rig.producer.dispatch({ topic: 't', value: 'explicit', partition: 1 }, { partitioner })
    const bytes = (text: string) => new Uint8Array(Buffer.from(text))
    const always = { topic: 't', partitionCount: 3, available: [0, 1, 2] }
    expect(seen).toEqual([
      { ...always, key: bytes('k'), value: bytes('v'), headers: [['h', bytes('x')]], previousPartition: -1 },
      { ...always, key: bytes('p'), value: null, headers: [], previousPartition: 2 },
    ])
    await rig.until(rig.producer.flush())
  })

  test('is that of the call, else of the view, else of the topic, else of the producer', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 4 } }, producer: { partitioner: () => 0 } })
    const placed: number[] = []
    rig.producer.on('message.acknowledged', ({ report }) => placed.push(report.partition))
    await rig.until(rig.producer.send(message))
    rig.producer.topic('t', { partitioner: () => 1 })
    await rig.until(rig.producer.send(message))
    const view = rig.producer.with({ partitioner: () => 2 })
    await rig.until(view.send(message))
    await rig.until(view.send(message, { partitioner: () => 3 }))
    expect(placed).toEqual([0, 1, 2, 3])
  })

  test.each([-1, 3, 1.5, Number.NaN, '1', undefined, null])('that returns %s is refused', async answer => {
    const rig = await Rig.connected({ topics })
    const partitioner = (() => answer) as never
    expect(thrownBy(() => rig.producer.dispatch(message, { partitioner }))).toMatchObject({
      code: -186,
      field: 'partition',
    })
    expect(await rig.failure(rig.producer.send(message, { partitioner }), 0)).toMatchObject({ code: -186 })
    expect(rig.producer.queueSize).toBe(0)
  })

  test('that throws refuses the message, with what it threw as the cause', async () => {
    const rig = await Rig.connected({ topics })
    const options = { partitioner: throwing }
    expect(thrownBy(() => rig.producer.dispatch(message, options))).toMatchObject({ code: -186, cause: bang })
    expect(await rig.failure(rig.producer.send(message, options), 0)).toMatchObject({ code: -186, cause: bang })
    const many = (await rig.failure(rig.producer.sendMany([message], options))) as ProduceManyError<{ error: unknown }>
    expect(many.reports[0]?.error).toBeInstanceOf(KafkaError)
    expect(many.reports[0]?.error).toMatchObject({ cause: bang })
    expect(rig.producer.queueSize).toBe(0)
  })

  test('that throws when the topic becomes known fails the message', async () => {
    const rig = await Rig.start({ topics })
    const handle = rig.producer.dispatch(message, { partitioner: throwing })
    const other = rig.producer.dispatch(message)
    await rig.until(rig.producer.flush())
    expect(handle.report?.error).toBeInstanceOf(KafkaError)
    expect(handle.report).toMatchObject({ status: 'not-persisted', error: { code: -186, cause: bang } })
    expect(other.report).toMatchObject({ status: 'persisted' })
  })

  test('may dispatch; neither message gets the other’s bytes', async () => {
    const rig = await Rig.connected({ topics })
    const partitioner = () => {
      rig.producer.dispatch({ topic: 't', key: 'inner', value: 'inner', partition: 1 })
      return 0
    }
    await rig.until(rig.producer.send({ topic: 't', key: 'outer', value: 'outer' }, { partitioner }))
    await rig.until(
      rig.producer.sendMany(
        [
          { topic: 't', value: 'a' },
          { topic: 't', value: 'b' },
        ],
        { partitioner },
      ),
    )
    await rig.until(rig.producer.flush())
    expect(rig.log('t', 0)).toEqual(['outer', 'a', 'b'])
    expect(rig.log('t', 1)).toEqual(['inner', 'inner', 'inner'])
  })

  test('that dispatches cannot bring the queue over its bounds', async () => {
    const rig = await Rig.connected({ topics, producer: { 'queue.buffering.max.messages': 1 } })
    const partitioner = () => {
      rig.producer.dispatch({ topic: 't', value: 'inner', partition: 1 })
      return 0
    }
    expect(thrownBy(() => rig.producer.dispatch(message, { partitioner }))).toMatchObject({ code: -184 })
    expect(rig.producer.queueSize).toBe(1)
  })

  test('may purge and close while it places what waited for its topic', async () => {
    for (const end of ['purge', 'close'] as const) {
      const rig = await Rig.start({ topics })
      const partitioner = () => {
        if (end === 'purge') rig.producer.purge()
        else void rig.producer.close({ force: true })
        return 0
      }
      const handles = [0, 1, 2].map(() => rig.producer.dispatch(message, { partitioner }))
      await rig.until(rig.producer.flush())
      await rig.clock.advance(100)
      expect(handles.every(({ settled }) => settled)).toBe(true)
      expect(rig.producer.queueSize).toBe(0)
    }
  })

  test('of the call that does not exist is refused', async () => {
    const { producer } = await Rig.start()
    for (const partitioner of ['nonsense', 5, {}]) {
      expect(thrownBy(() => producer.dispatch(message, { partitioner: partitioner as 'java' }))).toMatchObject({
        code: -186,
        field: 'partitioner',
      })
    }
  })
})

describe('concurrent use', () => {
  test('interleaved calls keep the order of the calls in each partition', async () => {
    const rig = await Rig.connected({
      topics: { t: { partitions: 3 } },
      producer: { 'queue.buffering.max.messages': 20, 'batch.num.messages': 7 },
    })
    rig.cluster.rtt(3)
    const called: string[][] = [[], [], []]
    const worker = async (name: string) => {
      for (let i = 0; i < 40; i++) {
        const partition = (i + name.charCodeAt(0)) % 3
        const value = `${name}${i}`
        called[partition]?.push(value)
        const one = { topic: 't', value, partition }
        if (i % 3 === 0) await rig.producer.send(one)
        else if (i % 3 === 1) await rig.producer.dispatchWait(one)
        else await rig.producer.sendMany([one])
      }
    }
    await rig.until(Promise.all(['a', 'b', 'c', 'd', 'e'].map(worker)), 5000)
    await rig.until(rig.producer.flush())
    for (const [partition, values] of called.entries()) expect(rig.log('t', partition)).toEqual(values)
  })
})
