// What a broker's answer to Produce leads to: again in its place, smaller, or a verdict.

import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../src/index.ts'
import { Stage, type StageOptions } from './stage.ts'

/** A stage whose partition has accepted a batch, so that several may be in flight; answers take 50 ms. */
async function proven(options: StageOptions = {}): Promise<Stage> {
  const stage = await Stage.set(options)
  stage.dispatch()
  await stage.reports(1000)
  stage.cluster.rtt(50)
  return stage
}

const inPlace = [
  'CORRUPT_MESSAGE',
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'THROTTLING_QUOTA_EXCEEDED',
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
]
const afterALook = [
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'KAFKA_STORAGE_ERROR',
  'LISTENER_NOT_FOUND',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
]

describe.each([1, 5])('with %i in flight', maxInFlight => {
  const config = { 'max.in.flight': maxInFlight }

  test.each([...inPlace, ...afterALook])('%s sends the same batch again before those behind it', async name => {
    const stage = await proven({ config })
    stage.cluster.failPartition('t', 0, name)
    await stage.dispatchBatches(4)
    const [, second] = await stage.reports(3000)
    expect(second).toMatchObject({ attempts: 2, status: 'persisted', error: null })
    expect(stage.log()).toEqual([0, 1, 2, 3, 4])
    await stage.finish()
  })

  test.each(inPlace)('%s again and again makes the pauses longer', async name => {
    const stage = await Stage.set({ config: { ...config, 'retry.backoff.ms': 100, 'retry.backoff.max.ms': 1000 } })
    stage.cluster.failPartition('t', 0, ...Array<string>(5).fill(name))
    stage.dispatch()
    await stage.reports(10_000)
    const times = stage.cluster.requests({ api: 'Produce' }).map(({ time }) => time)
    const pauses = times.slice(1).map((time, i) => time - (times[i] as number))
    for (const [i, mean] of [100, 200, 400, 800, 1000].entries()) {
      expect(pauses[i]).toBeGreaterThanOrEqual(mean * 0.8 - 1)
      expect(pauses[i]).toBeLessThanOrEqual(mean * 1.2 + 1)
    }
    await stage.finish()
  })

  test.each(afterALook)('%s asks for new metadata', async name => {
    const stage = await proven({ config })
    const before = stage.cluster.requests({ api: 'Metadata' }).length
    stage.cluster.failPartition('t', 0, name)
    stage.dispatch()
    await stage.reports(3000)
    expect(stage.cluster.requests({ api: 'Metadata' }).length).toBeGreaterThan(before)
    await stage.finish()
  })

  test.each([
    'INVALID_TOPIC_EXCEPTION',
    'INVALID_REQUIRED_ACKS',
    'TOPIC_AUTHORIZATION_FAILED',
    'INVALID_TIMESTAMP',
    'UNSUPPORTED_FOR_MESSAGE_FORMAT',
    'POLICY_VIOLATION',
    'INVALID_RECORD',
    'UNSUPPORTED_COMPRESSION_TYPE',
    'UNKNOWN_SERVER_ERROR',
  ])('%s fails the batch and lets those behind it pass', async name => {
    const stage = await proven({ config })
    stage.cluster.failPartition('t', 0, name)
    const [refused] = await stage.dispatchBatches(4)
    await stage.reports(3000)
    const error = refused?.report?.error
    expect(error).toBeInstanceOf(BrokerError)
    expect(error).toMatchObject({ codeName: name, topic: 't', partition: 0, broker: 'mock-1:9092/1' })
    expect(refused?.report).toMatchObject({ status: 'not-persisted', offset: -1n, attempts: 1 })
    expect(stage.log()).toEqual([0, 2, 3, 4])
    await stage.finish()
  })

  test('DUPLICATE_SEQUENCE_NUMBER is success at an offset that is not known', async () => {
    const stage = await proven({ config })
    stage.cluster.control('Produce', async (_request, { process }) => {
      const answer = await process()
      return { respond: withCode(answer, 46) }
    })
    stage.dispatch()
    const [, second] = await stage.reports(3000)
    expect(second).toMatchObject({ error: null, offset: -1n, status: 'persisted' })
    expect(stage.log()).toEqual([0, 1])
    await stage.finish()
  })

  test('NOT_ENOUGH_REPLICAS holds everything back until it is over', async () => {
    const stage = await proven({ config })
    const remove = stage.cluster.control('Produce', () => ({ error: 'NOT_ENOUGH_REPLICAS' }), { times: 1e9 })
    await stage.dispatchBatches(6)
    await stage.clock.advance(20_000)
    expect(stage.log()).toEqual([0])
    remove()
    await stage.reports(2000)
    expect(stage.log()).toEqual([0, 1, 2, 3, 4, 5, 6])
    await stage.finish()
  })

  test('NOT_ENOUGH_REPLICAS_AFTER_APPEND does not write the batch twice', async () => {
    const stage = await proven({ config })
    stage.cluster.control('Produce', async (_request, { process }) => ({ respond: withCode(await process(), 20) }))
    await stage.dispatchBatches(3)
    await stage.reports(3000)
    expect(stage.log()).toEqual([0, 1, 2, 3])
    expect(stage.calls[1]?.report).toMatchObject({ attempts: 2, offset: 1n })
    await stage.finish()
  })

  test('judges the partitions of a request one by one', async () => {
    const stage = await Stage.set({ topics: { t: { partitions: 4 } }, config })
    for (const partition of [0, 1, 2, 3]) stage.dispatch({ partition })
    await stage.reports(1000)
    stage.cluster.clearRequests()
    stage.cluster.failPartition('t', 1, 'NOT_ENOUGH_REPLICAS')
    stage.cluster.failPartition('t', 2, 'TOPIC_AUTHORIZATION_FAILED')
    for (const partition of [0, 1, 2, 3]) stage.dispatch({ partition })
    const reports = (await stage.reports(3000)).slice(4)
    expect(reports.map(({ attempts }) => attempts)).toEqual([1, 2, 1, 1])
    expect(reports.map(({ error }) => error?.code ?? 0)).toEqual([0, 0, 29, 0])
    const sent = stage.cluster.requests({ api: 'Produce' }).map(({ body }) => {
      return body.topicData.flatMap(({ partitionData }) => partitionData.map(({ index }) => index))
    })
    expect(sent).toEqual([[0, 1, 2, 3], [1]])
    await stage.finish()
  })
})

describe('a batch that is too large', () => {
  const small = { t: { config: { 'max.message.bytes': 1000 } } }

  test.each([1, 5])('is split in order until it fits, with %i in flight', async maxInFlight => {
    const stage = await Stage.set({ topics: small, config: { 'max.in.flight': maxInFlight } })
    for (let i = 0; i < 50; i++) stage.dispatch({ bytes: 80 })
    for (let i = 0; i < 10; i++) stage.send({ bytes: 80 })
    await stage.clock.advance(5)
    for (let i = 0; i < 10; i++) stage.send({ bytes: 80 })
    const reports = await stage.reports(5000)
    expect(reports.map(({ offset }) => Number(offset))).toEqual(stage.calls.map(({ id }) => id))
    expect(stage.log()).toEqual(stage.calls.map(({ id }) => id))
    await stage.finish()
  })

  test('is split with its codec', async () => {
    const stage = await Stage.set({
      topics: { t: { config: { 'max.message.bytes': 150 } } },
      config: { 'compression.codec': 'lz4' },
    })
    for (let i = 0; i < 40; i++) stage.dispatch({ bytes: 100 })
    await stage.reports(5000)
    expect(stage.log()).toEqual(stage.calls.map(({ id }) => id))
    expect(stage.cluster.batches('t', 0).length).toBeGreaterThan(1)
    await stage.finish()
  })

  test('fails when it is a single record, and only that', async () => {
    const stage = await Stage.set({ topics: small })
    stage.dispatch()
    const big = stage.dispatch({ bytes: 2000 })
    stage.dispatch()
    const error = await stage.failure(big, 5000)
    expect(error).toMatchObject({ code: 10, topic: 't', partition: 0 })
    await stage.reports(5000)
    expect(stage.log()).toEqual([0, 2])
    await stage.finish()
  })

  test('keeps its deadline when it is split', async () => {
    const stage = await Stage.set({ topics: small, config: { 'message.timeout.ms': 1500 } })
    const remove = stage.cluster.control('Produce', () => ({ error: 'NOT_ENOUGH_REPLICAS' }), { times: 1e9 })
    for (let i = 0; i < 30; i++) stage.dispatch({ bytes: 80 })
    await stage.clock.advance(1000)
    remove()
    stage.cluster.control('Produce', async (_request, { process }) => {
      const answer = await process()
      stage.cluster.control('Produce', () => ({ error: 'NOT_ENOUGH_REPLICAS' }), { times: 1e9 })
      return { respond: answer }
    })
    const reports = await stage.reports(600)
    expect(reports.every(({ error }) => error?.code === -192)).toBe(true)
    await stage.finish()
  })
})

describe('errors of single records', () => {
  test('go to the records they name, the batch error to the others', async () => {
    const stage = await Stage.set()
    stage.cluster.perRecordErrors('t', 0, [{ index: 1, message: 'no colour' }, { index: 3 }], { message: 'look there' })
    for (let i = 0; i < 5; i++) stage.dispatch()
    const reports = await stage.reports(2000)
    expect(reports.map(({ error }) => error?.code)).toEqual([87, 87, 87, 87, 87])
    expect(reports[1]?.error?.message).toContain('no colour')
    expect(reports[0]?.error?.message).toContain('look there')
    expect(reports[3]?.error?.message).toContain('look there')
    stage.dispatch()
    await stage.reports(2000)
    expect(stage.log()).toEqual([5])
    await stage.finish()
  })
})

describe('limits of trying again', () => {
  test('message.send.max.retries ends a batch that counts its attempts', async () => {
    const stage = await Stage.set({ config: { 'enable.idempotence': false, 'message.send.max.retries': 2 } })
    stage.cluster.failPartition('t', 0, ...Array<string>(3).fill('REQUEST_TIMED_OUT'))
    const call = stage.dispatch()
    expect(await stage.failure(call, 5000)).toMatchObject({ codeName: 'REQUEST_TIMED_OUT' })
    expect(call.report).toMatchObject({ attempts: 3, status: 'possibly-persisted' })
    await stage.finish()
  })

  test('without retries the first such error is the last', async () => {
    const stage = await Stage.set({ config: { 'enable.idempotence': false, 'message.send.max.retries': 0 } })
    stage.cluster.failPartition('t', 0, 'REQUEST_TIMED_OUT')
    const call = stage.dispatch()
    expect(await stage.failure(call, 5000)).toMatchObject({ codeName: 'REQUEST_TIMED_OUT' })
    expect(call.report).toMatchObject({ attempts: 1 })
    await stage.finish()
  })

  test('PRODUCER_FENCED ends the producer', async () => {
    const stage = await proven()
    stage.cluster.failPartition('t', 0, 'PRODUCER_FENCED')
    await stage.dispatchBatches(3)
    const reports = await stage.reports(2000)
    expect(reports[1]?.error?.code).toBe(90)
    expect(reports[2]?.error).toMatchObject({ code: -150, fatal: true })
    expect(stage.producer.status).toBe('fatal')
    expect(() => stage.producer.dispatch({ topic: 't', value: 'x' })).toThrow(/cannot go on/)
    await stage.finish()
  })
})

describe('an answer that is not about what was sent', () => {
  test('is no verdict on the partition it leaves out', async () => {
    const stage = await proven()
    stage.cluster.control('Produce', async (_request, { process }) => {
      await process()
      return { respond: { responses: [], throttleTimeMs: 0 } }
    })
    stage.dispatch()
    const [, second] = await stage.reports(3000)
    expect(second).toMatchObject({ attempts: 2, offset: 1n })
    await stage.finish()
  })
})

function withCode<T extends { responses: readonly { partitionResponses: readonly object[] }[] }>(
  answer: T,
  errorCode: number,
): T {
  const responses = answer.responses.map(topic => ({
    ...topic,
    partitionResponses: topic.partitionResponses.map(partition => ({ ...partition, errorCode })),
  }))
  return { ...answer, responses }
}
