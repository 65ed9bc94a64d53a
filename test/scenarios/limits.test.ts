// What becomes of a batch at the limits: of retries, of time, of a request, of its own size.

import { describe, expect, test } from 'vitest'
import { Stage } from './stage.ts'

describe('message.send.max.retries', () => {
  test.each([
    ['CORRUPT_MESSAGE', 'not-persisted'],
    ['REQUEST_TIMED_OUT', 'possibly-persisted'],
    ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'possibly-persisted'],
    ['NETWORK_EXCEPTION', 'possibly-persisted'],
  ])('is used up by %s, after which the message is %s', async (name, status) => {
    const stage = await Stage.set({ config: { 'enable.idempotence': false, 'message.send.max.retries': 1 } })
    stage.cluster.failPartition('t', 0, name, name)
    const call = stage.dispatch()
    expect(await stage.failure(call, 5000)).toMatchObject({ codeName: name })
    expect(call.report).toMatchObject({ attempts: 2, status })
    await stage.finish()
  })

  test.each([
    'NOT_ENOUGH_REPLICAS',
    'THROTTLING_QUOTA_EXCEEDED',
    'CONCURRENT_TRANSACTIONS',
    'COORDINATOR_LOAD_IN_PROGRESS',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'LEADER_NOT_AVAILABLE',
    'NOT_LEADER_OR_FOLLOWER',
    'BROKER_NOT_AVAILABLE',
    'REPLICA_NOT_AVAILABLE',
    'KAFKA_STORAGE_ERROR',
    'LISTENER_NOT_FOUND',
    'FENCED_LEADER_EPOCH',
    'UNKNOWN_LEADER_EPOCH',
    'UNKNOWN_TOPIC_ID',
    'INCONSISTENT_TOPIC_ID',
  ])('is not used up by %s', async name => {
    const stage = await Stage.set({ config: { 'enable.idempotence': false, 'message.send.max.retries': 0 } })
    stage.cluster.failPartition('t', 0, name, name)
    const call = stage.dispatch()
    await stage.reports(5000)
    expect(call.report).toMatchObject({ attempts: 3, status: 'persisted' })
    await stage.finish()
  })
})

test('RECORD_LIST_TOO_LARGE splits a batch, and fails a single record', async () => {
  const stage = await Stage.set()
  stage.cluster.failPartition('t', 0, 'RECORD_LIST_TOO_LARGE', 'RECORD_LIST_TOO_LARGE')
  for (let i = 0; i < 2; i++) stage.dispatch({ bytes: 100 })
  const reports = await stage.reports(5000)
  expect(reports.map(({ error }) => error?.codeName)).toEqual(['RECORD_LIST_TOO_LARGE', undefined])
  expect(stage.log()).toEqual([1])
  await stage.finish()
})

describe('a batch that has expired', () => {
  test.each(['NOT_ENOUGH_REPLICAS', 'MESSAGE_TOO_LARGE'])(
    'is not sent again after %s, others of its request are',
    async name => {
      const stage = await Stage.set({ topics: { t: { partitions: 2 } } })
      for (const partition of [0, 1]) stage.dispatch({ partition })
      await stage.reports(1000)
      stage.cluster.clearRequests()
      stage.cluster.rtt(500)
      const brief = stage.producer.with({ topicConfig: { 'message.timeout.ms': 200 } })
      const handles = [0, 1].map(i => brief.dispatch({ topic: 't', partition: 0, value: `${1000 + i}` }))
      for (let i = 0; i < 2; i++) stage.dispatch({ partition: 1 })
      for (const partition of [0, 1]) stage.cluster.failPartition('t', partition, name)
      await stage.reports(5000)
      for (const { report } of handles) {
        expect(report).toMatchObject({ error: { code: -192 }, status: 'possibly-persisted', attempts: 1 })
      }
      const sent = stage.cluster.requests({ api: 'Produce' }).map(({ body }) => {
        return body.topicData.flatMap(({ partitionData }) => partitionData.map(({ index }) => index))
      })
      expect(sent.filter(partitions => partitions.includes(0))).toEqual([[0, 1]])
      expect(stage.log(1)).toEqual([1, 2, 3])
      await stage.patiently(stage.producer.close(), 5000)
      await stage.cluster.stop()
    },
  )

  test('unsent leaves epoch and sequence as they are', async () => {
    const stage = await Stage.set({ config: { 'message.timeout.ms': 1000 } })
    stage.dispatch()
    await stage.reports(500)
    stage.cluster.brokerDown(1)
    expect(await stage.failure(stage.dispatch(), 1100)).toMatchObject({ code: -192 })
    await stage.cluster.brokerUp(1)
    await stage.clock.advance(1500)
    stage.dispatch()
    await stage.reports(1000)
    const [first, second] = stage.cluster.log('t', 0)
    expect(second?.producerId).toBe(first?.producerId)
    expect([second?.producerEpoch, second?.sequence]).toEqual([0, 1])
    await stage.finish()
  })

  test('is told of to a listener that may dispatch', async () => {
    const stage = await Stage.set({ config: { 'message.timeout.ms': 1000 } })
    stage.cluster.brokerDown(1)
    stage.producer.once('message.failed', () => void stage.dispatch())
    stage.dispatch()
    await stage.clock.advance(1000)
    await stage.cluster.brokerUp(1)
    await stage.reports(1000)
    expect(stage.calls.map(({ report }) => report?.status)).toEqual(['not-persisted', 'persisted'])
    await stage.finish()
  })
})

test('partitions that do not fit into one request take turns', async () => {
  const stage = await Stage.set({
    topics: { t: { partitions: 4 } },
    config: { 'message.max.bytes': 1000, 'max.request.size': 2000, 'max.in.flight': 1 },
  })
  for (let i = 0; i < 2; i++) for (const partition of [0, 1, 2, 3]) stage.dispatch({ partition, bytes: 800 })
  await stage.reports(1000)
  const sent = stage.cluster.requests({ api: 'Produce' }).map(({ body }) => {
    return body.topicData.flatMap(({ partitionData }) => partitionData.map(({ index }) => index))
  })
  expect(sent).toEqual([
    [0, 1],
    [2, 3],
    [0, 1],
    [2, 3],
  ])
  await stage.finish()
})

test('a message larger than a batch is compressed like any other', async () => {
  const stage = await Stage.set({ config: { 'batch.size': 1000, 'compression.codec': 'gzip' } })
  for (const bytes of [0, 5000, 0]) stage.dispatch({ bytes })
  await stage.reports(1000)
  expect(stage.log()).toEqual([0, 1, 2])
  expect(stage.cluster.batches('t', 0).map(({ codec, recordCount }) => [codec, recordCount])).toContainEqual([
    'gzip',
    1,
  ])
  await stage.finish()
})

test('close() without a producer id takes its time, or none by force', async () => {
  for (const force of [false, true]) {
    const stage = await Stage.set()
    stage.dispatch()
    await stage.reports(1000)
    stage.cluster.failPartition('t', 0, 'INVALID_PRODUCER_EPOCH')
    stage.cluster.control('InitProducerId', () => ({ error: 'COORDINATOR_LOAD_IN_PROGRESS' }), { times: 1e9 })
    const call = stage.dispatch()
    await stage.clock.advance(500)
    const closed = stage.producer.close(force ? { force } : { timeoutMs: 2000 })
    await stage.clock.advance(force ? 0 : 1999)
    expect(stage.producer.status).toBe(force ? 'closed' : 'closing')
    await stage.clock.advance(1)
    expect(await closed).toEqual({ lost: 1 })
    expect(call.report).toMatchObject({ status: 'not-persisted' })
    await stage.finish()
  }
})
