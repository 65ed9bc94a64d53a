import { describe, expect, test, vi } from 'vitest'
import { BrokerError, DeliveryError, KafkaError, WaitTimeoutError } from '../../src/index.ts'
import { Batch } from '../../src/producer/batch.ts'
import { Rig, watch } from '../support/rig.ts'

const message = { topic: 't', value: 'v' }

describe('a delivery handle', () => {
  test('knows topic and opaque at once, settled and report later', async () => {
    const rig = await Rig.connected()
    const opaque = { any: 'thing' }
    const handle = rig.producer.dispatch({ ...message, opaque })
    expect(handle).toMatchObject({ topic: 't', settled: false, report: null })
    expect(handle.opaque).toBe(opaque)
    await rig.until(rig.producer.flush())
    expect(handle.settled).toBe(true)
    expect(handle.report).toMatchObject({ topic: 't', partition: 0, offset: 0n, status: 'persisted', error: null })
    expect(handle.report?.opaque).toBe(opaque)
  })

  test('is not thenable', async () => {
    const rig = await Rig.connected()
    const handle = rig.producer.dispatch(message)
    expect('then' in handle).toBe(false)
    expect(await handle).toBe(handle)
    expect(await rig.producer.dispatchWait(message)).toHaveProperty('wait')
  })

  test('waiting twice gives the same report', async () => {
    const rig = await Rig.connected()
    const handle = rig.producer.dispatch(message)
    const [one, two] = await rig.until(Promise.all([handle.wait(), handle.wait()]))
    expect(two).toBe(one)
    expect(await handle.wait()).toBe(one)
    expect(await handle.wait({ timeoutMs: 0 })).toBe(one)
    expect(handle.report).toBe(one)
    expect(handle).toMatchObject({ topic: 't', settled: true, opaque: undefined })
    expect(await rig.failure(handle.wait({ signal: AbortSignal.abort('enough') }), 0)).toBe('enough')
  })

  test('send() and a listener get the same report', async () => {
    const rig = await Rig.connected()
    const reports = rig.reports()
    const sent = await rig.until(rig.producer.send(message))
    expect(reports[0]).toBe(sent)
  })

  test('is not made of a success for those who hear of failures only', async () => {
    const rig = await Rig.connected()
    const failed: unknown[] = []
    rig.producer.on('message.failed', ({ report }) => failed.push(report.error?.code))
    const made = vi.spyOn(Batch.prototype, 'reportAt')
    try {
      rig.producer.dispatch(message)
      await rig.until(rig.producer.flush())
      expect(made).not.toHaveBeenCalled()
      rig.cluster.failPartition('t', 0, 'INVALID_RECORD')
      rig.producer.dispatch(message)
      await rig.until(rig.producer.flush())
      expect(failed).toEqual([87])
    } finally {
      made.mockRestore()
    }
  })

  test('wait rejects with the error, or resolves with its report when throwOnError is false', async () => {
    const rig = await Rig.connected()
    rig.cluster.failPartition('t', 0, 'INVALID_RECORD')
    const handle = rig.producer.dispatch(message)
    const report = await rig.until(handle.wait({ throwOnError: false }))
    expect(report).toMatchObject({ status: 'not-persisted', error: { code: 87 }, offset: -1n })
    expect(await rig.failure(handle.wait())).toBe(report.error)
    expect(await handle.wait({ throwOnError: false })).toBe(report)
  })

  test('wait({ timeoutMs }) over is a WaitTimeoutError in any case, and waiting goes on later', async () => {
    const rig = await Rig.connected()
    const answer = rig.holdAnswers()
    const handle = rig.producer.dispatch(message)
    const waits = [watch(handle.wait({ timeoutMs: 100 })), watch(handle.wait({ timeoutMs: 100, throwOnError: false }))]
    await rig.clock.advance(99)
    expect(waits.map(({ state }) => state)).toEqual(['pending', 'pending'])
    await rig.clock.advance(1)
    for (const { error } of waits) {
      expect(error).toBeInstanceOf(WaitTimeoutError)
      expect(error).toMatchObject({ code: -185, topic: 't' })
    }
    expect(handle.settled).toBe(false)
    answer()
    expect(await rig.until(handle.wait({ timeoutMs: 100 }))).toMatchObject({ status: 'persisted' })
  })

  test('wait ends with the reason of its signal, the message goes on', async () => {
    const rig = await Rig.connected()
    const handle = rig.producer.dispatch(message)
    const abort = new AbortController()
    const waited = watch(handle.wait({ signal: abort.signal }))
    abort.abort('enough')
    await rig.clock.settle()
    expect(waited.error).toBe('enough')
    await rig.until(handle.wait())
  })

  test('leads to its message wherever that goes: out of the holder, into parts of a batch', async () => {
    const rig = await Rig.start({ topics: { t: { partitions: 2 } } })
    const early = [0, 1, 0, 1].map(partition => rig.producer.dispatch({ ...message, partition, opaque: partition }))
    const waits = early.map(handle => handle.wait())
    await rig.until(Promise.all(waits))
    expect(early.map(({ report }) => [report?.partition, report?.offset, report?.opaque])).toEqual([
      [0, 0n, 0],
      [1, 0n, 1],
      [0, 1n, 0],
      [1, 1n, 1],
    ])
    rig.cluster.failPartition('t', 0, 'MESSAGE_TOO_LARGE')
    const values = Array.from({ length: 10 }, (_, i) => `${i}`)
    const handles = rig.producer.dispatchMany(values.map(value => ({ topic: 't', value, partition: 0, opaque: value })))
    const reports = await rig.until(Promise.all(handles.map(handle => handle.wait())))
    expect(reports.map(({ opaque }) => opaque)).toEqual(values)
    expect(reports.map(({ offset }) => offset)).toEqual(values.map((_, i) => BigInt(i + 2)))
  })

  test('that fails unseen is no unhandled rejection', async () => {
    const seen: unknown[] = []
    const listener = (reason: unknown) => seen.push(reason)
    process.on('unhandledRejection', listener)
    try {
      const rig = await Rig.connected()
      rig.cluster.failPartition('t', 0, 'INVALID_RECORD')
      const handles = rig.producer.dispatchMany([message, message])
      void handles[0]?.wait({ throwOnError: false })
      await rig.clock.advance(100)
      expect(handles.every(({ report }) => report?.error !== null)).toBe(true)
      await new Promise(resolve => setImmediate(resolve))
      expect(seen).toEqual([])
    } finally {
      process.off('unhandledRejection', listener)
    }
  })
})

describe('a delivery report', () => {
  test('has all there is to say', async () => {
    const rig = await Rig.connected()
    rig.cluster.rtt(7)
    await rig.until(rig.producer.send(message))
    const calledAt = rig.clock.wallNow()
    const report = await rig.until(rig.producer.send({ ...message, opaque: 1n }))
    expect(report).toEqual({
      topic: 't',
      partition: 0,
      offset: 1n,
      timestamp: calledAt,
      status: 'persisted',
      error: null,
      opaque: 1n,
      attempts: 1,
      latencyMs: 7,
    })
  })

  test('has the message’s own timestamp, unless the broker set one', async () => {
    const topics = { t: {}, stamped: { config: { 'message.timestamp.type': 'LogAppendTime' as const } } }
    const rig = await Rig.connected({ topics })
    const own = await rig.until(rig.producer.send({ ...message, timestamp: 1_600_000_000_000 }))
    expect(own.timestamp).toBe(1_600_000_000_000)
    expect(rig.cluster.log('t', 0)[0]?.timestamp).toBe(1_600_000_000_000)
    const sent = rig.producer.dispatch({ topic: 'stamped', value: 'v', timestamp: 5 })
    expect((await rig.until(sent.wait())).timestamp).toBe(rig.clock.wallNow())
  })

  test('counts the attempts', async () => {
    const rig = await Rig.connected()
    rig.cluster.failPartition('t', 0, 'NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS')
    expect(await rig.until(rig.producer.send(message))).toMatchObject({ attempts: 3, status: 'persisted' })
  })

  test('comes in the order of the calls, whatever the calls were and whatever became of them', async () => {
    const rig = await Rig.connected({ producer: { 'batch.num.messages': 2 } })
    const reports = rig.reports()
    rig.cluster.failPartition('t', 0, 'NOT_ENOUGH_REPLICAS', 'INVALID_RECORD')
    rig.cluster.rtt(3)
    const resolved: unknown[] = []
    const all: Promise<unknown>[] = []
    for (let i = 0; i < 40; i++) {
      const opaque = i
      const next =
        i % 3 === 0
          ? rig.producer.send({ ...message, opaque }).then(report => report.opaque)
          : i % 3 === 1
            ? rig.producer
                .dispatch({ ...message, opaque })
                .wait()
                .then(report => report.opaque)
            : rig.producer.sendMany([{ ...message, opaque }]).then(([report]) => report?.opaque)
      all.push(next.then(value => resolved.push(value)).catch(() => {}))
      if (i % 10 === 0) await rig.clock.advance(1)
    }
    await rig.until(Promise.all(all))
    expect(reports.map(({ opaque }) => opaque)).toEqual(Array.from({ length: 40 }, (_, i) => i))
  })

  test('promises of one turn resolve in the order of the calls', async () => {
    const rig = await Rig.connected({ producer: { 'batch.num.messages': 3 } })
    const order: number[] = []
    const all = Array.from({ length: 20 }, (_, i) => rig.producer.send(message).then(() => order.push(i)))
    await rig.until(Promise.all(all))
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })
})

describe('what acks say', () => {
  test('all is the default: persisted, with an offset', async () => {
    const rig = await Rig.connected()
    expect(await rig.until(rig.producer.send(message))).toMatchObject({ status: 'persisted', offset: 0n })
    expect(rig.cluster.requests({ api: 'Produce' })[0]?.body).toMatchObject({ acks: -1 })
  })

  test('1 gives an offset, too', async () => {
    const rig = await Rig.connected({ producer: { acks: 1 } })
    expect(await rig.until(rig.producer.send(message))).toMatchObject({ status: 'persisted', offset: 0n })
    expect(rig.cluster.requests({ api: 'Produce' })[0]?.body).toMatchObject({ acks: 1 })
  })

  test('0 is done when it is written: possibly persisted, no offset, no error', async () => {
    const rig = await Rig.connected({ producer: { acks: 0 } })
    const reports = await rig.until(rig.producer.sendMany([message, message]))
    for (const report of reports) {
      expect(report).toMatchObject({ status: 'possibly-persisted', offset: -1n, error: null, attempts: 1 })
    }
    await rig.clock.settle()
    expect(rig.log()).toHaveLength(2)
    expect(await rig.until(rig.producer.close())).toEqual({ lost: 0 })
  })

  test('may differ from topic to topic and from view to view, without idempotence', async () => {
    const rig = await Rig.connected({
      topics: { t: {}, u: {} },
      producer: { 'enable.idempotence': false, 'linger.ms': 50 },
    })
    rig.producer.topic('u', { acks: 0 })
    const one = rig.producer.with({ topicConfig: { acks: 1 } })
    rig.producer.dispatch(message)
    one.dispatch(message)
    rig.producer.dispatch({ topic: 'u', value: 'v' })
    await rig.until(rig.producer.flush())
    await rig.clock.settle()
    expect(
      rig.cluster
        .requests({ api: 'Produce' })
        .map(({ body }) => body.acks)
        .sort(),
    ).toEqual([-1, 0, 1].sort())
  })
})

describe('a failed delivery', () => {
  test('is all that events tell of with delivery.report.only.error', async () => {
    const rig = await Rig.connected({ producer: { 'delivery.report.only.error': true, retries: 0, acks: 1 } })
    const reports = rig.reports()
    expect(await rig.until(rig.producer.send(message))).toMatchObject({ status: 'persisted' })
    rig.cluster.failNext('Produce', 'INVALID_RECORD')
    const handle = rig.producer.dispatch(message)
    await rig.failure(handle.wait())
    expect(reports).toEqual([handle.report])
  })

  test('is possibly persisted when an attempt may have been appended', async () => {
    const rig = await Rig.connected({
      producer: { 'message.timeout.ms': 2000, 'socket.timeout.ms': 1000, 'request.timeout.ms': 1000 },
    })
    await rig.until(rig.producer.send(message))
    rig.hang()
    const report = await rig.until(rig.producer.dispatch(message).wait({ throwOnError: false }), 3000)
    expect(report).toMatchObject({ status: 'possibly-persisted', error: { code: -192, errno: 'ETIMEDOUT' } })
    expect(report.latencyMs).toBe(2000)
  })

  test('is not persisted when it was never written', async () => {
    const rig = await Rig.start({ producer: { 'message.timeout.ms': 2000 } })
    rig.cluster.brokerDown(1)
    const report = await rig.until(rig.producer.dispatch(message).wait({ throwOnError: false }), 3000)
    expect(report).toMatchObject({
      status: 'not-persisted',
      attempts: 0,
      error: { code: -192, codeName: '_MSG_TIMED_OUT' },
    })
    expect(report.error).toBeInstanceOf(DeliveryError)
    expect(report.error?.cause).toBeInstanceOf(KafkaError)
    expect(report.error?.cause).toMatchObject({ code: -195 })
  })

  test('message.timeout.ms runs from the call, waiting for room included', async () => {
    const rig = await Rig.connected({ producer: { 'message.timeout.ms': 1000, 'queue.buffering.max.messages': 1 } })
    const answer = rig.holdAnswers()
    rig.producer.dispatch(message)
    await rig.clock.advance(300)
    const start = rig.clock.now()
    const sent = watch(rig.producer.send(message))
    await rig.clock.advance(700)
    // The first has timed out, so the second is in.
    expect(rig.producer.queueSize).toBe(1)
    await rig.clock.advance(299)
    expect(sent.state).toBe('pending')
    await rig.clock.advance(1)
    expect(sent.error).toMatchObject({ code: -192 })
    expect(rig.clock.now() - start).toBe(1000)
    answer()
  })

  test('message.timeout.ms runs while the topic is unknown', async () => {
    const rig = await Rig.start({ topics: {}, producer: { 'message.timeout.ms': 1000 } })
    const sent = watch(rig.producer.send(message))
    await rig.clock.advance(999)
    expect(sent.state).toBe('pending')
    await rig.clock.advance(1)
    expect(sent.error).toMatchObject({ code: -192, topic: 't' })
  })

  test('message.timeout.ms 0 is none', async () => {
    const rig = await Rig.connected({ producer: { 'message.timeout.ms': 0 } })
    rig.cluster.leaderless('t', 0)
    rig.cluster.failPartition('t', 0, 'NOT_LEADER_OR_FOLLOWER')
    const sent = rig.producer.send(message)
    await rig.clock.advance(1_000_000)
    rig.cluster.moveLeader('t', 0, 1)
    await rig.until(sent, 2000)
  })

  test('names what the broker said, per message', async () => {
    const rig = await Rig.connected()
    for (const [name, code] of [
      ['TOPIC_AUTHORIZATION_FAILED', 29],
      ['INVALID_RECORD', 87],
      ['INVALID_REQUIRED_ACKS', 21],
      ['POLICY_VIOLATION', 44],
    ] as const) {
      rig.cluster.failPartition('t', 0, name)
      const error = (await rig.failure(rig.producer.send(message))) as KafkaError
      expect(error).toBeInstanceOf(BrokerError)
      expect(error).toMatchObject({ code, codeName: name, topic: 't', partition: 0 })
    }
    expect(rig.producer.status).toBe('connected')
  })

  test('names the records that the broker named', async () => {
    const rig = await Rig.connected()
    rig.cluster.perRecordErrors('t', 0, [{ index: 1, message: 'not this one' }], { message: 'bad batch' })
    const handles = rig.producer.dispatchMany([message, message])
    await rig.until(rig.producer.flush())
    expect(handles.map(({ report }) => report?.error?.message)).toEqual([
      expect.stringContaining('bad batch'),
      expect.stringContaining('not this one'),
    ])
  })
})
