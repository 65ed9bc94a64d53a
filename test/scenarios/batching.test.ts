import { describe, expect, test } from 'vitest'
import { Rig, watch } from '../support/rig.ts'

const message = { topic: 't', value: 'v' }

describe('a batch goes out', () => {
  test('after queue.buffering.max.ms, not before', async () => {
    const rig = await Rig.connected({ producer: { 'queue.buffering.max.ms': 50 } })
    rig.producer.dispatch(message)
    await rig.clock.advance(20)
    rig.producer.dispatch(message)
    await rig.clock.advance(29)
    expect(rig.produceRequests).toBe(0)
    await rig.clock.advance(1)
    expect(rig.cluster.batches('t', 0)).toMatchObject([{ recordCount: 2 }])
  })

  test('after 5 ms by default', async () => {
    const rig = await Rig.connected()
    const start = rig.clock.now()
    await rig.until(rig.producer.dispatch(message).wait())
    expect(rig.clock.now() - start).toBe(5)
  })

  test('at the end of the turn with linger.ms 0', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 0 } })
    rig.producer.dispatchMany([message, message])
    await rig.clock.settle()
    expect(rig.cluster.batches('t', 0)).toMatchObject([{ recordCount: 2 }])
  })

  test('within linger.ms of 10 s, with message.timeout.ms above it', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 10_000 } })
    rig.producer.dispatch(message)
    await rig.clock.advance(9_999)
    expect(rig.produceRequests).toBe(0)
    await rig.clock.advance(1)
    expect(rig.log()).toEqual(['v'])
  })

  test('when it has batch.num.messages', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 1000, 'batch.num.messages': 3 } })
    for (let i = 0; i < 7; i++) rig.producer.dispatch(message)
    await rig.clock.settle()
    expect(rig.cluster.batches('t', 0).map(({ recordCount }) => recordCount)).toEqual([3, 3])
    await rig.clock.advance(1000)
    expect(rig.cluster.batches('t', 0).map(({ recordCount }) => recordCount)).toEqual([3, 3, 1])
  })

  test('when the next message would bring it over batch.size', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 1000, 'batch.size': 1000 } })
    for (let i = 0; i < 10; i++) rig.producer.dispatch({ topic: 't', value: Buffer.alloc(300) })
    await rig.clock.advance(1000)
    const batches = rig.cluster.batches('t', 0)
    expect(batches.map(({ recordCount }) => recordCount)).toEqual([3, 3, 3, 1])
    for (const { sizeBytes } of batches) expect(sizeBytes).toBeLessThanOrEqual(1000)
  })

  test('alone when a single message is larger than batch.size', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 1000, 'batch.size': 1000 } })
    rig.producer.dispatch({ topic: 't', value: 'before' })
    rig.producer.dispatch({ topic: 't', value: Buffer.alloc(2000) })
    rig.producer.dispatch({ topic: 't', value: 'after' })
    await rig.clock.advance(1000)
    expect(rig.cluster.batches('t', 0).map(({ recordCount }) => recordCount)).toEqual([1, 1, 1])
  })

  test('never larger than message.max.bytes', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 1000, 'message.max.bytes': 2000 } })
    for (let i = 0; i < 10; i++) rig.producer.dispatch({ topic: 't', value: Buffer.alloc(450) })
    await rig.clock.advance(1000)
    expect(rig.cluster.batches('t', 0).map(({ recordCount }) => recordCount)).toEqual([4, 4, 2])
  })

  test('together with those of other partitions of its leader, in one request', async () => {
    const rig = await Rig.connected({ brokers: 2, topics: { t: { partitions: 4 }, u: { partitions: 2 } } })
    for (let partition = 0; partition < 4; partition++) rig.producer.dispatch({ ...message, partition })
    rig.producer.dispatch({ topic: 'u', value: 'v', partition: 0 })
    await rig.clock.advance(5)
    const requests = rig.cluster.requests({ api: 'Produce' })
    expect(requests.map(({ broker }) => broker).sort()).toEqual([1, 2])
    expect(rig.cluster.records('t')).toHaveLength(4)
    expect(rig.log('u', 0)).toEqual(['v'])
  })

  test('when flushEvery messages wait, of all topics together', async () => {
    const topics = { t: { partitions: 2 }, u: {} }
    const rig = await Rig.connected({ topics, producer: { 'linger.ms': 10_000, flushEvery: 3 } })
    rig.producer.dispatch({ ...message, partition: 0 })
    rig.producer.dispatch({ ...message, partition: 1 })
    await rig.clock.settle()
    expect(rig.produceRequests).toBe(0)
    rig.producer.dispatch({ topic: 'u', value: 'v' })
    await rig.clock.settle()
    expect(rig.producer.queueSize).toBe(0)
    rig.producer.dispatch({ ...message, partition: 0 })
    await rig.clock.settle()
    expect(rig.producer.queueSize).toBe(1)
  })

  test('when flushEvery messages wait for a topic that becomes known', async () => {
    const rig = await Rig.start({ producer: { 'linger.ms': 10_000, flushEvery: 2 } })
    rig.producer.dispatchMany([message, message])
    await rig.clock.advance(10)
    expect(rig.log()).toEqual(['v', 'v'])
  })

  test('before a message of another profile, whose batch follows it', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 100 } })
    const gzip = rig.producer.with({ topicConfig: { 'compression.codec': 'gzip' } })
    const value = 'x'.repeat(500)
    for (const view of [rig.producer, gzip, rig.producer, gzip, gzip]) view.dispatch({ topic: 't', value })
    await rig.clock.advance(100)
    await rig.until(rig.producer.flush())
    expect(rig.cluster.batches('t', 0).map(({ codec, recordCount }) => [codec, recordCount])).toEqual([
      ['none', 1],
      ['gzip', 1],
      ['none', 1],
      ['gzip', 2],
    ])
  })
})

describe('awaited sends', () => {
  test('a lone send does not linger', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 1000 } })
    const start = rig.clock.now()
    await rig.until(rig.producer.send(message), 0)
    await rig.until(rig.producer.sendMany([message, message]), 0)
    await rig.until(rig.producer.tombstone({ topic: 't', key: 'k' }), 0)
    expect(rig.clock.now()).toBe(start)
  })

  test('one after the other have no linger in them', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 1000 } })
    await rig.until(rig.producer.send(message))
    rig.cluster.rtt(2)
    const start = rig.clock.now()
    for (let i = 0; i < 20; i++) await rig.until(rig.producer.send(message))
    expect(rig.clock.now() - start).toBe(40)
    expect(rig.produceRequests).toBe(21)
  })

  test('sends of one turn go together', async () => {
    const rig = await Rig.connected()
    await rig.until(Promise.all(Array.from({ length: 100 }, () => rig.producer.send(message))), 0)
    expect(rig.produceRequests).toBe(1)
  })

  test('20,000 concurrent sends make at most 200 Produce requests', async () => {
    const rig = await Rig.connected({ brokers: 3, topics: { t: { partitions: 6 } } })
    rig.cluster.rtt(1)
    await rig.until(
      Promise.all(Array.from({ length: 20_000 }, (_, i) => rig.producer.send({ topic: 't', key: `${i}`, value: 'v' }))),
    )
    expect(rig.produceRequests).toBeLessThanOrEqual(200)
    expect(rig.cluster.records('t')).toHaveLength(20_000)
  })

  test('20,000 sends without a key, in many turns, make at most 200 Produce requests, too', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 12 } } })
    rig.cluster.rtt(2)
    const sent: Promise<unknown>[] = []
    for (let turn = 0; turn < 200; turn++) {
      for (let i = 0; i < 100; i++) sent.push(rig.producer.send(message))
      await rig.clock.settle()
      if (turn % 10 === 9) await rig.clock.advance(1)
    }
    await rig.until(Promise.all(sent))
    expect(rig.produceRequests).toBeLessThanOrEqual(200)
  })

  test('while a Produce is in flight to the leader they wait for its answer', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 1000 } })
    await rig.until(rig.producer.send(message))
    rig.cluster.rtt(20)
    const first = rig.producer.send(message)
    await rig.clock.settle()
    const others = [rig.producer.send(message)]
    await rig.clock.advance(10)
    others.push(rig.producer.send(message))
    await rig.clock.advance(9)
    expect(rig.produceRequests).toBe(2)
    await rig.clock.advance(1)
    await first
    expect(rig.produceRequests).toBe(3)
    await rig.until(Promise.all(others))
    expect(rig.cluster.batches('t', 0).map(({ recordCount }) => recordCount)).toEqual([1, 1, 2])
  })

  test('while a Produce is in flight they go when the batch is full', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 1000, 'batch.num.messages': 2 } })
    await rig.until(rig.producer.send(message))
    rig.holdAnswers()
    watch(rig.producer.send(message))
    await rig.clock.settle()
    watch(rig.producer.send(message))
    await rig.clock.settle()
    expect(rig.producer).toMatchObject({ inFlight: 1, unsent: 1 })
    watch(rig.producer.send(message))
    await rig.clock.settle()
    expect(rig.producer).toMatchObject({ inFlight: 3, unsent: 0 })
  })

  test('while a Produce is in flight they go when linger ends', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 50 } })
    await rig.until(rig.producer.send(message))
    rig.holdAnswers()
    watch(rig.producer.send(message))
    await rig.clock.advance(10)
    watch(rig.producer.send(message))
    await rig.clock.advance(49)
    expect(rig.producer).toMatchObject({ inFlight: 1, unsent: 1 })
    await rig.clock.advance(1)
    expect(rig.producer).toMatchObject({ inFlight: 2, unsent: 0 })
  })

  test('take what was dispatched before them along', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 1000 } })
    const handle = rig.producer.dispatch(message)
    await rig.clock.advance(1)
    expect(handle.settled).toBe(false)
    await rig.until(rig.producer.send(message), 0)
    expect(handle.report).toMatchObject({ offset: 0n })
  })

  test('of a topic that becomes known do not linger', async () => {
    const rig = await Rig.start({ producer: { 'linger.ms': 1000 } })
    await rig.until(rig.producer.send(message), 5)
  })

  test('dispatch and wait() never shorten linger', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 1000 } })
    const waits = [
      watch(rig.producer.dispatch(message).wait()),
      watch(rig.producer.dispatchWait(message).then(handle => handle.wait())),
      watch(rig.producer.dispatchMany([message])[0]?.wait() ?? Promise.reject()),
    ]
    await rig.clock.advance(999)
    expect(rig.produceRequests).toBe(0)
    expect(waits.map(({ state }) => state)).toEqual(['pending', 'pending', 'pending'])
    await rig.clock.advance(1)
    expect(waits.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
  })

  test('leave the linger of other partitions alone', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 2 } }, producer: { 'linger.ms': 1000 } })
    const handle = rig.producer.dispatch({ ...message, partition: 1 })
    await rig.until(rig.producer.send({ ...message, partition: 0 }), 0)
    await rig.clock.advance(999)
    expect(handle.settled).toBe(false)
    await rig.clock.advance(1)
    expect(handle.settled).toBe(true)
  })
})

describe('messages without a key', () => {
  const topics = { t: { partitions: 16 } }

  function used(rig: Rig): number {
    return new Set(rig.cluster.records('t').map(({ partition }) => partition)).size
  }

  test('stick to a partition for sticky.partitioning.linger.ms', async () => {
    const rig = await Rig.connected({ topics, producer: { 'sticky.partitioning.linger.ms': 100, 'linger.ms': 5 } })
    for (let i = 0; i < 99; i++) {
      rig.producer.dispatch(message)
      await rig.clock.advance(1)
    }
    await rig.until(rig.producer.flush())
    expect(used(rig)).toBe(1)
  })

  test('leave it for another afterwards', async () => {
    const rig = await Rig.connected({ topics, producer: { 'sticky.partitioning.linger.ms': 10, 'linger.ms': 5 } })
    for (let i = 0; i < 100; i++) {
      rig.producer.dispatch(message)
      await rig.clock.advance(20)
    }
    expect(used(rig)).toBeGreaterThan(8)
  })

  test('go anywhere with sticky.partitioning.linger.ms 0', async () => {
    const rig = await Rig.connected({ topics, producer: { 'sticky.partitioning.linger.ms': 0 } })
    for (let i = 0; i < 200; i++) rig.producer.dispatch(message)
    await rig.until(rig.producer.flush())
    expect(used(rig)).toBeGreaterThan(8)
  })
})
