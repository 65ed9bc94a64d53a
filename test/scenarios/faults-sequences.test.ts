// Producer ids, epochs and sequences when they do not match what a broker remembers (KIP-98, KIP-360).

import { describe, expect, test } from 'vitest'
import { Stage, type StageOptions } from './stage.ts'

async function proven(options: StageOptions = {}): Promise<Stage> {
  const stage = await Stage.set(options)
  stage.dispatch()
  await stage.reports(1000)
  stage.cluster.rtt(50)
  return stage
}

const ids = (stage: Stage): number[] => stage.calls.map(({ id }) => id)
const stamps = (stage: Stage, partition = 0): (readonly [bigint, number, number])[] =>
  stage.cluster.log('t', partition).map(({ producerId, producerEpoch, sequence }) => {
    return [producerId, producerEpoch, sequence] as const
  })

describe.each([1, 5])('with %i in flight', maxInFlight => {
  const config = { 'max.in.flight': maxInFlight }

  test.each(['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID'])(
    '%s begins a new epoch and sends the same batches in order',
    async name => {
      const stage = await proven({ config })
      stage.cluster.failPartition('t', 0, name)
      await stage.dispatchBatches(4)
      await stage.reports(5000)
      expect(stage.log()).toEqual(ids(stage))
      const [[producerId, epoch] = [0n, 0], ...rest] = stamps(stage)
      expect(rest[0]).toEqual([producerId, epoch + 1, 0])
      await stage.finish()
    },
  )

  test.each(['INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING'])('%s takes a new producer id', async name => {
    const stage = await proven({ config })
    stage.cluster.failPartition('t', 0, name)
    await stage.dispatchBatches(4)
    await stage.reports(5000)
    expect(stage.log()).toEqual(ids(stage))
    expect(stage.cluster.requests({ api: 'InitProducerId' }).length).toBe(2)
    await stage.finish()
  })

  test('a broker that forgot the producer is told everything in order', async () => {
    const stage = await proven({ config })
    await stage.dispatchBatches(3)
    await stage.reports(1000)
    stage.cluster.expireProducerState()
    await stage.dispatchBatches(4)
    await stage.reports(5000)
    expect(stage.log()).toEqual(ids(stage))
    await stage.finish()
  })

  test('a batch that fails for good leaves no gap to those behind it', async () => {
    const stage = await proven({ config })
    stage.cluster.failPartition('t', 0, 'POLICY_VIOLATION')
    await stage.dispatchBatches(6)
    await stage.reports(5000)
    expect(stage.log()).toEqual([0, 2, 3, 4, 5, 6])
    await stage.finish()
  })

  test('a batch purged in flight leaves none, either', async () => {
    const stage = await proven({ config })
    stage.cluster.disconnectNext('Produce', 'beforeProcessing')
    stage.dispatch()
    await stage.clock.advance(6)
    expect(stage.producer.purge({ inFlight: true })).toBe(1)
    await stage.dispatchBatches(4)
    await stage.reports(5000)
    expect(stage.calls[1]?.report).toMatchObject({ error: { code: -151 }, status: 'possibly-persisted' })
    expect(stage.log()).toEqual([0, 2, 3, 4, 5])
    await stage.finish()
  })

  test('a new epoch in one partition reaches the others when they are idle', async () => {
    const stage = await Stage.set({ topics: { t: { partitions: 2 } }, config })
    for (const partition of [0, 1]) stage.dispatch({ partition })
    await stage.reports(1000)
    stage.cluster.rtt(50)
    stage.cluster.failPartition('t', 0, 'OUT_OF_ORDER_SEQUENCE_NUMBER')
    for (let i = 0; i < 6; i++) {
      for (const partition of [0, 1]) stage.dispatch({ partition })
      await stage.clock.advance(5)
    }
    await stage.reports(5000)
    stage.dispatch({ partition: 1 })
    await stage.reports(1000)
    expect(stamps(stage, 1).at(-1)?.[1]).toBe(stamps(stage, 0).at(-1)?.[1])
    await stage.finish()
  })
})

describe('the epoch', () => {
  test('after the last one is a new producer id', async () => {
    const stage = await Stage.set()
    stage.cluster.control('InitProducerId', async (_request, { process }) => {
      return { respond: { ...(await process()), producerEpoch: 32766 } }
    })
    stage.dispatch()
    await stage.reports(1000)
    for (let i = 0; i < 3; i++) {
      stage.cluster.failPartition('t', 0, 'OUT_OF_ORDER_SEQUENCE_NUMBER')
      stage.dispatch()
      await stage.reports(5000)
    }
    const [first, second, third, fourth] = stamps(stage)
    expect(first?.[1]).toBe(32766)
    expect(second?.[1]).toBe(32767)
    expect(third?.[0]).not.toBe(first?.[0])
    expect(third?.[1]).toBe(0)
    expect(fourth).toEqual([third?.[0], 1, 0])
    await stage.finish()
  })

  test('is raised once for all batches that one break has failed', async () => {
    const stage = await proven()
    stage.cluster.failPartition('t', 0, ...Array<string>(4).fill('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    await stage.dispatchBatches(4)
    await stage.reports(5000)
    expect(stamps(stage).map(([, epoch]) => epoch)).toEqual([0, 1, 1, 1, 1])
    await stage.finish()
  })
})

describe('a producer id', () => {
  test.each(['COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR', 'REQUEST_TIMED_OUT', 'COORDINATOR_NOT_AVAILABLE'])(
    'is asked for again after %s, with longer and longer pauses',
    async name => {
      const stage = await Stage.set()
      stage.cluster.failNext('InitProducerId', ...Array<string>(4).fill(name))
      stage.dispatch()
      stage.send()
      await stage.reports(5000)
      const times = stage.cluster.requests({ api: 'InitProducerId' }).map(({ time }) => time)
      const pauses = times.slice(1).map((time, i) => time - (times[i] as number))
      expect(pauses.length).toBe(4)
      for (const [i, mean] of [100, 200, 400, 800].entries()) expect(pauses[i]).toBeGreaterThanOrEqual(mean * 0.8 - 1)
      await stage.finish()
    },
  )

  test('that is refused for good ends the producer', async () => {
    const stage = await Stage.set()
    stage.cluster.failNext('InitProducerId', 'CLUSTER_AUTHORIZATION_FAILED')
    const error = await stage.failure(stage.dispatch(), 1000)
    expect(error).toMatchObject({ code: -150, fatal: true, cause: { code: 31 } })
    expect(stage.producer.status).toBe('fatal')
    await expect(stage.producer.send({ topic: 't', value: 'x' })).rejects.toMatchObject({ code: -150 })
    await stage.finish()
  })

  test('that no broker offers ends the producer', async () => {
    const stage = await Stage.set()
    stage.cluster.setApiVersion('InitProducerId', -1, -1)
    const error = await stage.failure(stage.dispatch(), 1000)
    expect(error).toMatchObject({ code: -150, fatal: true })
    expect(error.message).toContain('mock-1:9092')
    await stage.finish()
  })

  test('that does not come lets messages expire', async () => {
    const stage = await Stage.set({ config: { 'message.timeout.ms': 3000 } })
    stage.cluster.control('InitProducerId', () => ({ error: 'COORDINATOR_LOAD_IN_PROGRESS' }), { times: 1e9 })
    const told: unknown[] = []
    stage.producer.on('error.occurred', event => told.push(event))
    const call = stage.dispatch()
    expect(await stage.failure(call, 3100)).toMatchObject({ code: -192, cause: { code: 14 } })
    expect(call.report?.status).toBe('not-persisted')
    expect(told[0]).toMatchObject({ type: 'idempotence', error: { code: 14, broker: 'mock-1:9092/1' } })
    await stage.finish()
  })

  test('is asked for again when the connection drops', async () => {
    const stage = await Stage.set()
    stage.cluster.disconnectNext('InitProducerId', 'afterProcessing')
    stage.dispatch()
    await stage.reports(2000)
    await stage.finish()
  })

  test('is not asked for without idempotence', async () => {
    const stage = await Stage.set({ config: { 'enable.idempotence': false } })
    stage.dispatch()
    await stage.reports(2000)
    expect(stage.cluster.requests({ api: 'InitProducerId' })).toEqual([])
    expect(stamps(stage)).toEqual([[-1n, -1, -1]])
    await stage.finish()
  })
})

describe('the deadline of a message', () => {
  const config = { 'message.timeout.ms': 1000 }

  test('ends what is queued: it is in no log', async () => {
    const stage = await Stage.set({ config })
    stage.cluster.control('Produce', () => ({ error: 'NOT_ENOUGH_REPLICAS' }), { times: 1e9 })
    const call = stage.dispatch()
    expect(await stage.failure(call, 1100)).toMatchObject({ code: -192, cause: { codeName: 'NOT_ENOUGH_REPLICAS' } })
    expect(call.report).toMatchObject({ status: 'not-persisted', latencyMs: 1000 })
    await stage.finish()
  })

  test('ends what is in flight: it may be in the log', async () => {
    const stage = await proven({ config })
    stage.cluster.rtt(3000)
    const call = stage.dispatch()
    expect(await stage.failure(call, 1100)).toMatchObject({ code: -192 })
    expect(call.report?.status).toBe('possibly-persisted')
    stage.cluster.rtt(10)
    await stage.clock.advance(4000)
    await stage.dispatchBatches(3)
    await stage.reports(2000)
    expect(stage.log().slice(-3)).toEqual([2, 3, 4])
    await stage.finish()
  })

  test('of all messages of a request ends the wait for its answer, and so for what is behind it', async () => {
    const stage = await proven({ config })
    stage.cluster.hangNext('Produce')
    const call = stage.dispatch()
    expect(await stage.failure(call, 1100)).toMatchObject({ code: -192 })
    stage.dispatch()
    await stage.reports(500)
    await stage.finish()
  })

  test('ends what is tried again after an uncertain attempt: it may be in the log', async () => {
    const stage = await proven({ config })
    stage.cluster.control('Produce', async (_request, { process }) => {
      await process()
      return { drop: true }
    })
    stage.cluster.control('Produce', () => ({ error: 'NOT_ENOUGH_REPLICAS' }), { times: 1e9 })
    const call = stage.dispatch()
    expect(await stage.failure(call, 1100)).toMatchObject({ code: -192 })
    expect(call.report?.status).toBe('possibly-persisted')
    await stage.finish()
  })

  test.each(['beforeProcessing', 'afterProcessing'] as const)(
    'of a batch lost %s leaves no gap to those behind it',
    async when => {
      const stage = await proven({ config: { 'message.timeout.ms': 5000 } })
      const brief = stage.producer.with({ topicConfig: { 'message.timeout.ms': 400 } })
      stage.cluster.control('Produce', async (_request, { process }) => {
        if (when === 'afterProcessing') await process()
        return { hang: true }
      })
      const lost = brief.dispatch({ topic: 't', partition: 0, value: '1000' })
      await stage.clock.advance(6)
      await stage.dispatchBatches(3)
      await stage.clock.advance(500)
      expect(lost.report).toMatchObject({ error: { code: -192 }, status: 'possibly-persisted' })
      stage.cluster.brokerDown(1)
      await stage.clock.advance(10)
      await stage.cluster.brokerUp(1)
      await stage.reports(4000)
      const expected = when === 'afterProcessing' ? [0, 1000, 1, 2, 3] : [0, 1, 2, 3]
      expect(stage.log()).toEqual(expected)
      await stage.patiently(stage.producer.close(), 1000)
      await stage.cluster.stop()
    },
  )

  test('runs from the call, not from the first attempt', async () => {
    const stage = await Stage.set({ config, topics: {} })
    const call = stage.dispatch()
    await stage.clock.advance(999)
    expect(call.report).toBe(null)
    await stage.clock.advance(1)
    expect(call.report).toMatchObject({ error: { code: -192 }, status: 'not-persisted', latencyMs: 1000 })
    await stage.finish()
  })

  test('of 0 is none', async () => {
    const stage = await Stage.set({ config: { 'message.timeout.ms': 0 } })
    stage.cluster.brokerDown(1)
    stage.dispatch()
    await stage.clock.advance(3_600_000)
    await stage.cluster.brokerUp(1)
    await stage.reports(15_000)
    await stage.finish()
  })
})
