// Connections that break, brokers that are silent, slow, gone or want a pause: nothing is lost, doubled or out of order.

import { describe, expect, test } from 'vitest'
import { ConnectionError, type Transport } from '../../src/index.ts'
import { Stage, type StageOptions } from './stage.ts'

async function proven(options: StageOptions = {}): Promise<Stage> {
  const stage = await Stage.set(options)
  stage.dispatch()
  await stage.reports(1000)
  stage.cluster.rtt(50)
  return stage
}

/** Only this host accepts connections. */
function reaching(host: string): (transport: Transport) => Transport {
  return transport => ({
    connect: (options, on) =>
      transport.connect(options.host === host ? options : { ...options, host: `no-${options.host}` }, on),
  })
}

const ids = (stage: Stage): number[] => stage.calls.map(({ id }) => id)

describe.each([1, 5])('a connection that breaks with %i in flight', maxInFlight => {
  const config = { 'max.in.flight': maxInFlight }

  test.each(['beforeProcessing', 'afterProcessing'] as const)('%s loses and doubles nothing', async when => {
    const stage = await proven({ config })
    stage.cluster.disconnectNext('Produce', when)
    await stage.dispatchBatches(6)
    await stage.reports(3000)
    expect(stage.log()).toEqual(ids(stage))
    expect(stage.calls[1]?.report).toMatchObject({ attempts: 2, offset: 1n })
    await stage.finish()
  })

  test('again and again does not, either', async () => {
    const stage = await proven({ config })
    for (let i = 0; i < 4; i++) {
      stage.cluster.disconnectNext('Produce', 'afterProcessing')
      stage.cluster.disconnectNext('Produce', 'beforeProcessing')
    }
    await stage.dispatchBatches(10)
    await stage.reports(30_000)
    expect(stage.log()).toEqual(ids(stage))
    await stage.finish()
  })

  test('in the middle of what is in flight keeps the order', async () => {
    const stage = await proven({ config })
    let seen = 0
    stage.cluster.control('Produce', () => (++seen === 3 ? { drop: true } : undefined))
    await stage.dispatchBatches(8)
    await stage.reports(3000)
    expect(stage.log()).toEqual(ids(stage))
    await stage.finish()
  })
})

describe('without idempotence', () => {
  const config = { 'enable.idempotence': false, 'max.in.flight': 1 }

  test('and with one in flight the order holds, and only a lost answer doubles', async () => {
    const stage = await proven({ config })
    stage.cluster.disconnectNext('Produce', 'beforeProcessing')
    await stage.dispatchBatches(3)
    await stage.reports(3000)
    expect(stage.log()).toEqual([0, 1, 2, 3])
    stage.cluster.disconnectNext('Produce', 'afterProcessing')
    await stage.dispatchBatches(3)
    await stage.reports(3000)
    const log = stage.log()
    expect(log.filter((id, i) => id !== log[i - 1])[4]).toBe(4)
    expect([...new Set(log)]).toEqual(ids(stage))
    expect(log).toEqual(log.toSorted((a, b) => a - b))
    await stage.finish({ duplicates: true })
  })

  test('a batch of which nobody knows is possibly persisted when its time is over', async () => {
    const stage = await proven({ config: { ...config, 'message.timeout.ms': 1000 } })
    stage.cluster.control('Produce', () => ({ drop: true }), { times: 1e9 })
    const call = stage.dispatch()
    expect(await stage.failure(call, 2000)).toMatchObject({ code: -192 })
    expect(call.report?.status).toBe('possibly-persisted')
    expect(call.report?.error?.cause).toBeInstanceOf(ConnectionError)
    await stage.finish()
  })
})

describe('a broker that is silent', () => {
  test('is given up after socket.timeout.ms, and what it had is sent again', async () => {
    const stage = await proven({ config: { 'socket.timeout.ms': 2000, 'request.timeout.ms': 1000 } })
    stage.cluster.hangNext('Produce')
    await stage.dispatchBatches(6)
    await stage.clock.advance(1900)
    expect(stage.log()).toEqual([0])
    await stage.reports(2000)
    expect(stage.log()).toEqual(ids(stage))
    await stage.finish()
  })

  test('never makes a batch outlive its deadline', async () => {
    const stage = await proven({ config: { 'message.timeout.ms': 3000 } })
    stage.cluster.control('*', () => ({ hang: true }), { times: 1e9 })
    const call = stage.dispatch()
    expect(await stage.failure(call, 3100)).toMatchObject({ code: -192 })
    expect(call.report?.status).toBe('possibly-persisted')
    await stage.finish()
  })

  test('whose answer comes after the request was given up is not taken twice', async () => {
    const config = { 'socket.timeout.ms': 1000, 'request.timeout.ms': 1000, 'socket.max.fails': 3 }
    const stage = await proven({ config })
    stage.cluster.rtt(1500)
    stage.dispatch()
    await stage.clock.advance(100)
    stage.cluster.rtt(10)
    await stage.dispatchBatches(4)
    await stage.reports(10_000)
    expect(stage.log()).toEqual(ids(stage))
    await stage.finish()
  })

  test('at Metadata is asked again on another connection', async () => {
    const stage = await Stage.set({ brokers: 2, config: { 'socket.timeout.ms': 1000, 'request.timeout.ms': 1000 } })
    stage.cluster.hangNext('Metadata')
    stage.dispatch()
    await stage.reports(5000)
    await stage.finish()
  })

  test('at InitProducerId is asked again', async () => {
    const stage = await Stage.set({ config: { 'socket.timeout.ms': 1000, 'request.timeout.ms': 1000 } })
    stage.cluster.hangNext('InitProducerId')
    stage.dispatch()
    await stage.reports(5000)
    await stage.finish()
  })

  test('at ApiVersions is not waited for without end', async () => {
    const stage = await Stage.set({ brokers: 2 })
    stage.cluster.control('ApiVersions', (_request, { broker }) => (broker === 1 ? { hang: true } : undefined), {
      times: 1e9,
    })
    stage.cluster.moveLeader('t', 0, 2)
    stage.dispatch()
    await stage.reports(20_000)
    await stage.finish()
  })
})

describe('connect()', () => {
  test('gives up after 10 s, however patient the connection is', async () => {
    const config = { 'socket.connection.setup.timeout.ms': 30_000, 'api.version.request.timeout.ms': 20_000 }
    const stage = await Stage.set({ config })
    stage.cluster.hangNext('ApiVersions')
    let error: unknown
    stage.producer.connect().catch(thrown => {
      error = thrown
    })
    await stage.clock.advance(9999)
    expect(error).toBe(undefined)
    await stage.clock.advance(1)
    expect(error).toBeInstanceOf(ConnectionError)
    expect(String(error)).toContain('mock-1:9092')
    await stage.finish()
  })

  test('gives up as soon as every server has refused', async () => {
    const stage = await Stage.set({ brokers: 3 })
    for (const id of [1, 2, 3]) stage.cluster.brokerDown(id)
    const error = await stage.patiently(
      stage.producer.connect().catch(thrown => thrown),
      1000,
    )
    expect(error).toBeInstanceOf(ConnectionError)
    for (const id of [1, 2, 3]) expect(error.message).toContain(`mock-${id}:9092`)
    expect(stage.clock.now()).toBe(0)
    await stage.finish()
  })
})

describe('brokers that go down', () => {
  test('and come back take what waited, in order', async () => {
    const stage = await proven()
    await stage.dispatchBatches(3)
    stage.cluster.brokerDown(1)
    await stage.dispatchBatches(5)
    await stage.clock.advance(30_000)
    await stage.cluster.brokerUp(1)
    await stage.reports(15_000)
    expect(stage.log()).toEqual(ids(stage))
    await stage.finish()
  })

  test('all at once and come back take what waited, in order', async () => {
    const stage = await Stage.set({ brokers: 3, topics: { t: { partitions: 3 } } })
    for (const partition of [0, 1, 2]) stage.dispatch({ partition })
    await stage.reports(1000)
    stage.cluster.rtt(20)
    for (const partition of [0, 1, 2]) await stage.dispatchBatches(3, { partition })
    for (const id of [1, 2, 3]) stage.cluster.brokerDown(id)
    for (const partition of [0, 1, 2]) await stage.dispatchBatches(3, { partition })
    await stage.clock.advance(60_000)
    for (const id of [3, 2, 1]) await stage.cluster.brokerUp(id)
    await stage.reports(15_000)
    await stage.finish()
  })

  test('before the first contact are waited for', async () => {
    const stage = await Stage.set({ brokers: 2 })
    for (const id of [1, 2]) stage.cluster.brokerDown(id)
    stage.dispatch()
    stage.send()
    await stage.clock.advance(30_000)
    for (const id of [1, 2]) await stage.cluster.brokerUp(id)
    await stage.reports(15_000)
    await stage.finish()
  })

  test('for good end messages with the last fault as cause', async () => {
    const stage = await Stage.set({ brokers: 2, config: { 'message.timeout.ms': 5000 } })
    for (const id of [1, 2]) stage.cluster.brokerDown(id)
    const call = stage.dispatch()
    const error = await stage.failure(call, 5100)
    expect(error).toMatchObject({ code: -192, cause: expect.any(ConnectionError) })
    expect(error.message).toMatch(/mock-[12]:9092/)
    expect(call.report?.status).toBe('not-persisted')
    await stage.finish()
  })

  test('where only the leader cannot be reached are the cause, too', async () => {
    const config = { 'message.timeout.ms': 3000 }
    const stage = await Stage.set({ brokers: 2, config, between: reaching('mock-1') })
    stage.cluster.moveLeader('t', 0, 2)
    const error = await stage.failure(stage.dispatch(), 3100)
    expect(error).toMatchObject({ code: -192, cause: expect.any(ConnectionError) })
    expect(error.message).toContain('mock-2:9092')
    await stage.finish()
  })

  test('while the leadership moves on are left', async () => {
    const stage = await Stage.set({ brokers: 2 })
    stage.dispatch()
    await stage.reports(1000)
    stage.cluster.rtt(20)
    await stage.dispatchBatches(3)
    stage.cluster.brokerDown(1)
    await stage.dispatchBatches(3)
    stage.cluster.moveLeader('t', 0, 2)
    await stage.dispatchBatches(3)
    await stage.reports(3000)
    expect(stage.log()).toEqual(ids(stage))
    await stage.finish()
  })
})

describe('a broker that asks for a pause (KIP-219)', () => {
  test.each(['newest', '2.1'])('gets it, and nothing is lost (%s)', async version => {
    const stage = await proven(version === 'newest' ? {} : { kafkaVersion: version })
    stage.cluster.throttle(1000, { api: 'Produce' })
    await stage.dispatchBatches(3)
    stage.cluster.throttle(0)
    await stage.dispatchBatches(3)
    await stage.reports(8000)
    expect(stage.log()).toEqual(ids(stage))
    await stage.finish()
  })

  test('and goes down meanwhile gets what waited when it is back', async () => {
    const stage = await Stage.set({ brokers: 2, topics: { t: { partitions: 2 } } })
    for (const partition of [0, 1]) stage.dispatch({ partition })
    await stage.reports(1000)
    stage.cluster.throttle(5000, { api: 'Produce' })
    stage.dispatch({ partition: 1 })
    await stage.clock.advance(100)
    stage.cluster.throttle(0)
    stage.dispatch({ partition: 1 })
    await stage.clock.advance(100)
    stage.cluster.brokerDown(2)
    await stage.clock.advance(1000)
    await stage.cluster.brokerUp(2)
    await stage.reports(3000)
    expect(stage.log(1)).toEqual([1, 2, 3])
    await stage.finish()
  })

  test('gets it although messages reach their deadline meanwhile', async () => {
    const stage = await proven({ config: { 'message.timeout.ms': 1000 } })
    stage.cluster.throttle(3000, { api: 'Produce' })
    stage.dispatch()
    await stage.reports(500)
    stage.cluster.throttle(0)
    const late = stage.dispatch()
    expect(await stage.failure(late, 1100)).toMatchObject({ code: -192 })
    expect(late.report?.status).toBe('not-persisted')
    await stage.clock.advance(3000)
    stage.dispatch()
    await stage.reports(1000)
    expect(stage.log()).toEqual([0, 1, 3])
    await stage.finish()
  })
})

describe('an answer that is not Kafka', () => {
  // Puts other bytes in the place of what the broker says, once `armed` is set.
  const spoiler = (bytes: Uint8Array) => {
    const state = { armed: false }
    const between = (transport: Transport): Transport => ({
      connect: (options, on) => {
        const data = (given: Uint8Array): void => {
          const spoil = state.armed
          state.armed = false
          on.data(spoil ? bytes : given)
        }
        return transport.connect(options, { data, drained: () => on.drained(), closed: error => on.closed(error) })
      },
    })
    return { state, between }
  }
  const strange = {
    'a correlation id that was never sent': Uint8Array.of(0, 0, 0, 8, 0x7f, 0, 0, 1, 0, 0, 0, 0),
    'a frame of 2 GiB': Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1),
    'a negative size': Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1),
    HTTP: new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\n'),
    noise: Uint8Array.from({ length: 64 }, (_, i) => (i * 73 + 41) & 0xff),
  }

  test.each(Object.entries(strange))('but %s costs a connection and no message', async (_, bytes) => {
    const { state, between } = spoiler(bytes)
    const stage = await proven({ between })
    await stage.dispatchBatches(3)
    state.armed = true
    await stage.dispatchBatches(3)
    await stage.reports(5000)
    expect(stage.log()).toEqual(ids(stage))
    await stage.finish()
  })

  test.each(Object.entries(strange))('but %s does not keep it from getting a producer id', async (_, bytes) => {
    const { state, between } = spoiler(bytes)
    const stage = await Stage.set({ between })
    let times = 0
    stage.cluster.control('InitProducerId', () => {
      state.armed = times++ === 0
      return undefined
    })
    const call = stage.dispatch()
    await stage.reports(5000)
    expect(call.report?.error).toBe(null)
    await stage.finish()
  })
})
