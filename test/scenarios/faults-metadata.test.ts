// Leaders that move or are gone, topics that change, and metadata that is behind: messages find their way, in order.

import { describe, expect, test } from 'vitest'
import { Stage, type StageOptions } from './stage.ts'

async function started(options: StageOptions = {}): Promise<Stage> {
  const stage = await Stage.set({ brokers: 3, ...options })
  stage.dispatch()
  await stage.reports(1000)
  return stage
}

describe('a leader that moved', () => {
  test('is followed at once where the old one names it (KIP-951)', async () => {
    const stage = await started()
    stage.cluster.moveLeader('t', 0, 2)
    const before = stage.cluster.requests({ api: 'Metadata' }).length
    stage.dispatch()
    await stage.reports(20)
    expect(stage.cluster.requests({ api: 'Metadata' }).length).toBe(before)
    expect(stage.log()).toEqual([0, 1])
    await stage.finish()
  })

  test('is found by metadata where the old one does not name it', async () => {
    const stage = await started({ kafkaVersion: '2.8' })
    stage.cluster.moveLeader('t', 0, 2)
    stage.dispatch()
    await stage.reports(1000)
    expect(stage.log()).toEqual([0, 1])
    await stage.finish()
  })

  test.each(['newest', '2.8'])('keeps the order of what was in flight to the old one (%s)', async version => {
    const stage = await started(version === 'newest' ? {} : { kafkaVersion: version })
    stage.cluster.rtt(50)
    await stage.dispatchBatches(3)
    stage.cluster.moveLeader('t', 0, 2)
    await stage.dispatchBatches(3)
    stage.cluster.moveLeader('t', 0, 3)
    await stage.dispatchBatches(3)
    await stage.reports(5000)
    expect(stage.log()).toEqual(stage.calls.map(({ id }) => id))
    await stage.finish()
  })

  test('gets one batch at a time until it has accepted one, whatever the old one still answers', async () => {
    const topics = { t: { partitions: 3 }, u: {} }
    const stage = await Stage.set({ brokers: 3, topics, config: { 'batch.num.messages': 1 } })
    for (const partition of [0, 1, 2]) stage.dispatch({ partition })
    await stage.reports(1000)
    stage.cluster.rtt(1, 200)
    stage.cluster.rtt(2, 50)
    await stage.dispatchBatches(2)
    stage.cluster.moveLeader('t', 0, 2)
    await stage.patiently(stage.producer.partitionCount('u'), 150)
    stage.cluster.clearRequests()
    for (let i = 0; i < 3; i++) stage.dispatch()
    await stage.reports(1000)
    const [first, second] = stage.cluster.requests({ api: 'Produce', broker: 2 }).map(({ time }) => time)
    expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(50)
    await stage.finish()
  })

  test('is found when it moved while nothing was sent and the old one died', async () => {
    const stage = await started()
    stage.cluster.brokerDown(1)
    stage.cluster.moveLeader('t', 0, 2)
    await stage.clock.advance(10_000)
    stage.dispatch()
    await stage.reports(1000)
    await stage.finish()
  })

  test('is found when it moves long after the old one died', async () => {
    const stage = await started()
    stage.cluster.brokerDown(1)
    await stage.clock.advance(10_000)
    stage.dispatch()
    await stage.clock.advance(20_000)
    stage.cluster.moveLeader('t', 0, 2)
    await stage.reports(20_000)
    await stage.finish()
  })

  test('is found with acks 0, where a closed connection is all that a broker says', async () => {
    const stage = await started({ config: { acks: 0, 'enable.idempotence': false } })
    stage.cluster.moveLeader('t', 0, 2)
    stage.dispatch()
    await stage.clock.advance(2000)
    const third = stage.dispatch()
    await stage.reports(2000)
    expect(third.report).toMatchObject({ offset: -1n, status: 'possibly-persisted', error: null })
    await stage.clock.advance(1000)
    expect(stage.log()).toEqual([0, 2])
    await stage.finish()
  })
})

describe('a partition without a leader', () => {
  test('waits for one', async () => {
    const stage = await started()
    stage.cluster.leaderless('t', 0)
    await stage.dispatchBatches(5)
    await stage.clock.advance(20_000)
    expect(stage.log()).toEqual([0])
    stage.cluster.moveLeader('t', 0, 3)
    await stage.reports(3000)
    expect(stage.log()).toEqual([0, 1, 2, 3, 4, 5])
    await stage.finish()
  })

  test('does not hold up its siblings', async () => {
    const stage = await Stage.set({ brokers: 3, topics: { t: { partitions: 3 } } })
    stage.cluster.leaderless('t', 1)
    stage.dispatch({ partition: 1 })
    const others = [stage.dispatch({ partition: 0 }), stage.dispatch({ partition: 2 })]
    await stage.patiently(Promise.all(others.map(({ ended }) => ended)), 1000)
    stage.cluster.moveLeader('t', 1, 2)
    await stage.reports(3000)
    await stage.finish()
  })

  test('gets the batch that waits before one that was given up', async () => {
    const stage = await started({ config: { 'max.in.flight': 1 } })
    stage.cluster.rtt(50)
    stage.cluster.failPartition('t', 0, 'NOT_LEADER_OR_FOLLOWER')
    stage.dispatch()
    await stage.clock.advance(10)
    const purged = stage.dispatch()
    stage.producer.purge({ queued: true })
    stage.cluster.leaderless('t', 0)
    await stage.clock.advance(2000)
    stage.cluster.moveLeader('t', 0, 2)
    await stage.reports(3000)
    expect(purged.report?.error?.code).toBe(-152)
    expect(stage.log()).toEqual([0, 1])
    await stage.finish()
  })

  test('from the start takes messages once it has one', async () => {
    const stage = await Stage.set({ brokers: 2 })
    stage.cluster.leaderless('t', 0)
    stage.send()
    stage.dispatch()
    await stage.clock.advance(5000)
    stage.cluster.moveLeader('t', 0, 1)
    await stage.reports(3000)
    await stage.finish()
  })

  test('reports the lack of a leader as the cause of an expired message', async () => {
    const stage = await Stage.set({ brokers: 2, config: { 'message.timeout.ms': 2000 } })
    stage.cluster.leaderless('t', 0)
    const error = await stage.failure(stage.dispatch(), 3000)
    expect(error).toMatchObject({ code: -192, topic: 't' })
    await stage.finish()
  })
})

describe('metadata that is behind', () => {
  test('never takes a partition back to the former leader', async () => {
    const stage = await started()
    stage.cluster.moveLeader('t', 0, 2)
    stage.cluster.staleMetadataOnce(3)
    await stage.dispatchBatches(5)
    await stage.reports(5000)
    expect(stage.log()).toEqual([0, 1, 2, 3, 4, 5])
    await stage.finish()
  })

  test('is asked again until it is right', async () => {
    const stage = await started({ kafkaVersion: '2.1' })
    stage.cluster.moveLeader('t', 0, 2)
    stage.cluster.staleMetadataOnce(3)
    await stage.dispatchBatches(5)
    await stage.reports(5000)
    expect(stage.log()).toEqual([0, 1, 2, 3, 4, 5])
    await stage.finish()
  })

  test('that leaves a partition out for once does not fail its messages', async () => {
    const stage = await started({ topics: { t: { partitions: 3 } } })
    stage.cluster.failPartition('t', 2, 'NOT_LEADER_OR_FOLLOWER')
    stage.cluster.omitPartitionOnce('t', 2)
    stage.dispatch({ partition: 2 })
    await stage.reports(3000)
    await stage.finish()
  })

  test('that tells of no partition at all is asked again', async () => {
    const stage = await started({ kafkaVersion: '2.1' })
    stage.cluster.omitPartitionOnce('t', 0)
    stage.cluster.failPartition('t', 0, 'NOT_LEADER_OR_FOLLOWER')
    stage.dispatch()
    await stage.clock.advance(500)
    stage.dispatch()
    await stage.reports(3000)
    expect(stage.log()).toEqual([0, 1, 2])
    await stage.finish()
  })

  test('that does not list the leader yet is waited for', async () => {
    const stage = await Stage.set({ brokers: 2, topics: { t: { partitions: 2 } } })
    stage.cluster.control(
      'Metadata',
      async (_request, { process }) => {
        const answer = await process()
        return { respond: { ...answer, brokers: answer.brokers.filter(({ nodeId }) => nodeId === 1) } }
      },
      { times: 1 },
    )
    stage.dispatch({ partition: 1 })
    stage.dispatch({ partition: 0 })
    await stage.reports(5000)
    await stage.finish()
  })

  test.each(['UNKNOWN_SERVER_ERROR', 'LEADER_NOT_AVAILABLE', 'REQUEST_TIMED_OUT', 'UNKNOWN_TOPIC_OR_PARTITION'])(
    'that answers %s for a while delays messages, no more',
    async name => {
      const stage = await Stage.set()
      stage.cluster.failNext('Metadata', name, name, name)
      stage.dispatch()
      stage.send()
      await stage.reports(5000)
      await stage.finish()
    },
  )

  test.each(['INVALID_TOPIC_EXCEPTION', 'TOPIC_AUTHORIZATION_FAILED'])('that answers %s fails them', async name => {
    const stage = await Stage.set()
    stage.cluster.failNext('Metadata', name)
    const error = await stage.failure(stage.dispatch(), 2000)
    expect(error).toMatchObject({ codeName: name, topic: 't' })
    await stage.finish()
  })
})

describe('a topic that changes', () => {
  test.each(['newest', '3.9', '2.1'])('when created again takes what follows (%s)', async version => {
    const stage = await started(version === 'newest' ? {} : { kafkaVersion: version })
    await stage.dispatchBatches(3)
    await stage.reports(1000)
    stage.cluster.recreateTopic('t')
    await stage.dispatchBatches(4)
    await stage.reports(5000)
    expect(stage.log()).toEqual([4, 5, 6, 7])
    expect(stage.calls.at(-1)?.report?.offset).toBe(3n)
    await stage.finish({ losses: true })
  })

  test('when created again while batches are in flight keeps their order', async () => {
    const stage = await started()
    stage.cluster.rtt(50)
    await stage.dispatchBatches(3)
    stage.cluster.recreateTopic('t')
    await stage.dispatchBatches(6)
    await stage.reports(5000)
    await stage.finish({ losses: true })
  })

  test('when created again with fewer partitions fails messages to those that are gone', async () => {
    const stage = await started({ topics: { t: { partitions: 3 } } })
    stage.dispatch({ partition: 2 })
    await stage.reports(1000)
    stage.cluster.recreateTopic('t', 1)
    const gone = stage.dispatch({ partition: 2 })
    const there = stage.dispatch({ partition: 0 })
    expect(await stage.failure(gone, 5000)).toMatchObject({ code: -190, topic: 't', partition: 2 })
    await stage.reports(5000)
    expect(there.report?.error).toBe(null)
    expect(() => stage.producer.dispatch({ topic: 't', partition: 2, value: 'x' })).toThrow(/partition 2/)
    await stage.finish({ losses: true })
  })

  test('when it gets partitions, they are used after the next refresh', async () => {
    const stage = await started({ config: { 'topic.metadata.refresh.interval.ms': 1000 } })
    stage.cluster.addPartitions('t', 2)
    await stage.clock.advance(1100)
    stage.dispatch({ partition: 2 })
    stage.send({ partition: 1 })
    await stage.reports(1000)
    await stage.finish()
  })

  test('when it does not exist is waited for, and served once it does', async () => {
    const stage = await Stage.set({ topics: {} })
    stage.dispatch()
    stage.send()
    await stage.clock.advance(20_000)
    stage.cluster.createTopic('t')
    await stage.reports(3000)
    await stage.finish()
  })

  test('when it never exists fails after the wait for it, then at once, and is asked for again after a refresh', async () => {
    const stage = await Stage.set({ topics: {}, config: { 'topic.metadata.refresh.interval.ms': 60_000 } })
    const call = stage.dispatch()
    await stage.clock.advance(29_000)
    expect(call.report).toBe(null)
    expect(await stage.failure(call, 3000)).toMatchObject({ code: -188, topic: 't' })
    stage.cluster.clearRequests()
    await stage.clock.advance(50_000)
    expect(stage.cluster.requests({ api: 'Metadata' })).toEqual([])
    expect(() => stage.producer.dispatch({ topic: 't', value: 'x' })).toThrow(/'t'/)
    await stage.clock.advance(15_000)
    expect(stage.cluster.requests({ api: 'Metadata' }).map(({ body }) => body.topics)).toEqual([[]])
    stage.dispatch()
    await stage.clock.advance(5000)
    stage.cluster.createTopic('t')
    await stage.patiently(Promise.all(stage.calls.map(({ ended }) => ended)), 3000)
    expect(stage.log()).toEqual([1])
    await stage.finish()
  })

  test('when it is deleted fails what is queued after the wait', async () => {
    const stage = await started({ config: { 'topic.metadata.propagation.max.ms': 3000 } })
    const remove = stage.cluster.control('Metadata', () => ({ error: 'UNKNOWN_TOPIC_OR_PARTITION' }), { times: 1e9 })
    const removeProduce = stage.cluster.control('Produce', () => ({ error: 'UNKNOWN_TOPIC_OR_PARTITION' }), {
      times: 1e9,
    })
    const call = stage.dispatch()
    expect(await stage.failure(call, 6000)).toMatchObject({ code: -188 })
    remove()
    removeProduce()
    await stage.clock.advance(300_000)
    stage.dispatch()
    await stage.reports(2000)
    expect(stage.log()).toEqual([0, 2])
    await stage.finish()
  })

  // A broker that has the first sequences under this epoch would take new ones with the same numbers for repetitions.
  test('when it was only out of sight begins its sequences in a new epoch', async () => {
    const config = { 'topic.metadata.propagation.max.ms': 0, 'topic.metadata.refresh.interval.ms': 1000 }
    const stage = await started({ config })
    stage.cluster.failNext('Metadata', 'UNKNOWN_TOPIC_OR_PARTITION')
    await stage.clock.advance(2500)
    stage.dispatch()
    await stage.reports(1000)
    expect(stage.log()).toEqual([0, 1])
    await stage.finish()
  })
})

describe('brokers that come and go', () => {
  test('a broker that leaves the cluster hands over', async () => {
    const stage = await started({ topics: { t: { partitions: 3 } } })
    stage.cluster.rtt(20)
    for (const partition of [0, 1, 2]) await stage.dispatchBatches(3, { partition })
    const gone = stage.cluster.removeBroker(1)
    for (const partition of [0, 1, 2]) await stage.dispatchBatches(3, { partition })
    await gone
    await stage.reports(10_000)
    await stage.finish()
  })

  test('a broker that joins leads', async () => {
    const stage = await started()
    const id = await stage.cluster.addBroker()
    stage.cluster.moveLeader('t', 0, id)
    stage.dispatch()
    await stage.reports(1000)
    await stage.finish()
  })
})
