import { describe, expect, test } from 'vitest'
import {
  ConfigError,
  type DeliveryReport,
  errnoOf,
  InvalidMessageError,
  UnknownPartitionError,
  UnknownTopicError,
} from '../../src/index.ts'
import { Rig, thrownBy, watch } from '../support/rig.ts'

const message = { topic: 't', value: 'v' }

describe('a topic that is not known yet', () => {
  test('takes messages, which go out in the order of their calls once it is', async () => {
    const rig = await Rig.start({ topics: { t: { partitions: 3 } } })
    const values = Array.from({ length: 30 }, (_, i) => `${i}`)
    for (const [i, value] of values.entries()) rig.producer.dispatch({ topic: 't', value, partition: i % 3 })
    await rig.until(rig.producer.flush())
    for (let partition = 0; partition < 3; partition++) {
      expect(rig.log('t', partition)).toEqual(values.filter((_, i) => i % 3 === partition))
    }
  })

  test('places them as it would have placed them at once', async () => {
    const topics = { t: { partitions: 16 } }
    const late = await Rig.start({ topics })
    const early = await Rig.connected({ topics })
    for (const { producer } of [late, early]) {
      for (let i = 0; i < 20; i++) producer.dispatch({ topic: 't', key: `k${i}`, value: 'key' })
      for (let i = 0; i < 20; i++) producer.dispatch({ topic: 't', partitionKey: `p${i}`, value: 'partition key' })
      producer.dispatch({ topic: 't', value: 'explicit', partition: 5 })
      producer.dispatch({ topic: 't', value: 'own partitioner' }, { partitioner: () => 7 })
    }
    await late.until(late.producer.flush())
    await early.until(early.producer.flush())
    for (let partition = 0; partition < 16; partition++) {
      expect(late.log('t', partition)).toEqual(early.log('t', partition))
    }
  })

  test('fails a partition that it turns out not to have, and delivers the rest', async () => {
    const rig = await Rig.start({ topics: { t: { partitions: 2 } } })
    const handles = [0, 2, 1, 99].map(partition => rig.producer.dispatch({ ...message, partition, opaque: partition }))
    await rig.until(rig.producer.flush())
    expect(handles.map(({ report }) => report?.error?.code)).toEqual([undefined, -190, undefined, -190])
    expect(handles[1]?.report).toMatchObject({ partition: 2, status: 'not-persisted', opaque: 2, attempts: 0 })
    expect(rig.producer.queueSize).toBe(0)
  })

  test('waits for a topic that is created later', async () => {
    const rig = await Rig.start({ topics: {} })
    const sent = watch(rig.producer.send(message))
    await rig.clock.advance(20_000)
    expect(sent.state).toBe('pending')
    rig.cluster.createTopic('t')
    await rig.clock.advance(1300)
    expect(sent.value).toMatchObject({ status: 'persisted', offset: 0n })
  })

  test('fails with -188 after topic.metadata.propagation.max.ms, and is remembered', async () => {
    const rig = await Rig.start({ topics: {}, producer: { 'topic.metadata.propagation.max.ms': 5000 } })
    const sent = watch(rig.producer.send(message))
    await rig.clock.advance(4900)
    expect(sent.state).toBe('pending')
    await rig.clock.advance(1500)
    expect(sent.error).toBeInstanceOf(UnknownTopicError)
    expect(sent.error).toMatchObject({ code: -188, topic: 't', errno: 'ENOENT' })
    expect(errnoOf(sent.error as UnknownTopicError)).toBe(2)
    expect(thrownBy(() => rig.producer.dispatch(message))).toBeInstanceOf(UnknownTopicError)
    expect(await rig.failure(rig.producer.sendMany([message]), 0)).toBeInstanceOf(UnknownTopicError)
    rig.cluster.createTopic('t')
    await rig.clock.advance(300_000)
    await rig.until(rig.producer.send(message))
  })

  test('is nothing to remember for ever', async () => {
    const refresh = { 'topic.metadata.refresh.interval.ms': 1000, 'topic.metadata.propagation.max.ms': 0 }
    const rig = await Rig.start({ producer: refresh })
    for (let i = 0; i < 5; i++) {
      expect(await rig.failure(rig.producer.send({ topic: `mistyped-${i}`, value: 'v' }))).toMatchObject({ code: -188 })
    }
    rig.cluster.clearRequests()
    await rig.clock.advance(3500)
    expect(rig.cluster.requests({ api: 'Metadata' }).map(({ body }) => body.topics)).toEqual([[], [], []])
    expect(await rig.until(rig.producer.send(message))).toMatchObject({ status: 'persisted' })
  })

  test('after 30 s by default', async () => {
    const rig = await Rig.start({ topics: {} })
    const sent = watch(rig.producer.send(message))
    await rig.clock.advance(29_900)
    expect(sent.state).toBe('pending')
    await rig.clock.advance(1500)
    expect(sent.error).toMatchObject({ code: -188 })
  })

  test('with topic.metadata.propagation.max.ms 0 at the first answer', async () => {
    const rig = await Rig.start({ topics: {}, producer: { 'topic.metadata.propagation.max.ms': 0 } })
    expect(await rig.failure(rig.producer.send(message), 0)).toMatchObject({ code: -188 })
  })

  test('fails at once when it may not be used', async () => {
    const rig = await Rig.start()
    rig.cluster.failNext('Metadata', 'TOPIC_AUTHORIZATION_FAILED', 'TOPIC_AUTHORIZATION_FAILED')
    expect(await rig.failure(rig.producer.send(message))).toMatchObject({ code: 29, topic: 't' })
  })

  test('is asked for again by every message that finds it refused', async () => {
    const rig = await Rig.start()
    rig.cluster.failNext('Metadata', 'TOPIC_AUTHORIZATION_FAILED', 'TOPIC_AUTHORIZATION_FAILED')
    for (let i = 0; i < 2; i++) {
      expect(await rig.failure(rig.producer.send(message))).toMatchObject({ code: 29, topic: 't' })
    }
    expect(await rig.until(rig.producer.send(message))).toMatchObject({ status: 'persisted' })
  })

  test('is created by asking for it, unless allow.auto.create.topics says no', async () => {
    const creating = await Rig.start({ topics: {}, autoCreateTopics: true, defaultPartitions: 4 })
    expect(await creating.until(creating.producer.send(message), 2000)).toMatchObject({ status: 'persisted' })
    expect(creating.cluster.requests({ api: 'Metadata' })[0]?.body).toMatchObject({ allowAutoTopicCreation: true })
    const strict = await Rig.start({
      topics: {},
      autoCreateTopics: true,
      producer: { 'allow.auto.create.topics': false, 'topic.metadata.propagation.max.ms': 100 },
    })
    expect(await strict.failure(strict.producer.send(message), 2000)).toMatchObject({ code: -188 })
  })
})

describe('a topic that is known', () => {
  test('refuses a partition that it does not have', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 2 } } })
    const error = thrownBy(() => rig.producer.dispatch({ ...message, partition: 2 }))
    expect(error).toBeInstanceOf(UnknownPartitionError)
    expect(error).toMatchObject({ code: -190, topic: 't', partition: 2, errno: 'ESRCH' })
    expect(errnoOf(error as UnknownPartitionError)).toBe(3)
    expect(await rig.failure(rig.producer.send({ ...message, partition: 2 }), 0)).toMatchObject({ code: -190 })
  })

  test('takes partitions that were added', async () => {
    const rig = await Rig.connected()
    rig.cluster.addPartitions('t', 1)
    await rig.clock.advance(300_000)
    expect(await rig.until(rig.producer.send({ ...message, partition: 1 }))).toMatchObject({ partition: 1 })
  })

  test('with a partition that nobody leads: its messages wait, others go on', async () => {
    const rig = await Rig.connected({ brokers: 2, topics: { t: { partitions: 2 } } })
    rig.cluster.leaderless('t', 1)
    const stuck = watch(rig.producer.send({ ...message, partition: 1 }))
    await rig.until(rig.producer.send({ ...message, partition: 0 }))
    await rig.clock.advance(60_000)
    expect(stuck.state).toBe('pending')
    rig.cluster.moveLeader('t', 1, 1)
    await rig.clock.advance(2500)
    expect(stuck.value).toMatchObject({ status: 'persisted' })
  })

  test('with a partition that nobody leads from the start: no message goes there by itself', async () => {
    const rig = await Rig.start({ topics: { t: { partitions: 4 } } })
    rig.cluster.leaderless('t', 2)
    const reports = await rig.until(rig.producer.sendMany(Array.from({ length: 100 }, () => message)), 3000)
    expect(reports.every(({ partition }) => partition !== 2)).toBe(true)
  })
})

describe('topic.blacklist', () => {
  const topics = { orders: {}, secrets: {}, 'my-secrets': {} }
  const hidden = { 'topic.blacklist': '^secret, -sec' }

  test('hides topics as if there were none', async () => {
    const rig = await Rig.start({ topics, producer: hidden })
    for (const topic of ['secrets', 'my-secrets']) {
      expect(thrownBy(() => rig.producer.dispatch({ topic, value: 'v' }))).toMatchObject({ code: -188, topic })
      expect(await rig.failure(rig.producer.sendMany([{ topic, value: 'v' }]))).toMatchObject({ cause: { code: -188 } })
      expect(await rig.failure(rig.producer.partitionCount(topic))).toBeInstanceOf(UnknownTopicError)
    }
    await rig.until(rig.producer.send({ topic: 'orders', value: 'v' }))
    const asked = rig.cluster.requests({ api: 'Metadata' }).flatMap(({ body }) => body.topics?.map(({ name }) => name))
    expect(new Set(asked)).toEqual(new Set(['orders']))
  })

  test('hides them from connect(), too', async () => {
    const rig = await Rig.start({ topics, producer: { ...hidden, topics: ['orders', 'secrets'] } })
    expect(await rig.failure(rig.producer.connect())).toMatchObject({ code: -188, topic: 'secrets' })
    await rig.until(rig.producer.send({ topic: 'orders', value: 'v' }))
  })
})

test('topic.metadata.refresh.fast.interval.ms is the first wait for a topic that is not there', async () => {
  const rig = await Rig.start({ topics: {}, producer: { 'topic.metadata.refresh.fast.interval.ms': 20 } })
  rig.producer.dispatch(message)
  await rig.clock.advance(500)
  const [first = 0, second = 0] = rig.cluster.requests({ api: 'Metadata' }).map(({ time }) => time)
  expect(second - first).toBeGreaterThanOrEqual(16)
  expect(second - first).toBeLessThanOrEqual(25)
})

describe('a bad topic name', () => {
  test.each(['', '.', '..', 'a b', 'ü', 'a/b', 'x'.repeat(250)])('%j is refused by every call', async name => {
    const { producer } = await Rig.connected()
    expect(thrownBy(() => producer.dispatch({ topic: name, value: 'v' }))).toMatchObject({ field: 'topic', code: -186 })
    expect(thrownBy(() => producer.bufferMany([{ topic: name, value: 'v' }]))).toMatchObject({
      field: 'topic',
      index: 0,
    })
    expect(thrownBy(() => producer.topic(name))).toMatchObject({ field: 'topic' })
    await expect(producer.partitionCount(name)).rejects.toMatchObject({ field: 'topic' })
  })

  test('249 letters are allowed', async () => {
    const name = 'x'.repeat(249)
    const rig = await Rig.connected({ topics: { [name]: {} } })
    await rig.until(rig.producer.send({ topic: name, value: 'v' }))
  })

  test('one that means something to an object is allowed, and reaches no prototype', async () => {
    const names = ['__proto__', 'constructor', 'toString']
    const rig = await Rig.connected({ topics: Object.fromEntries(names.map(name => [name, {}])) })
    for (const name of names) {
      rig.producer.topic(name, { 'message.timeout.ms': 5000 })
      await rig.until(rig.producer.send({ topic: name, value: name, headers: JSON.parse('{"__proto__": "h"}') }))
      expect(rig.log(name)).toEqual([name])
    }
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})

describe('the default topic', () => {
  test('is the first of `topics`', async () => {
    const rig = await Rig.start({ topics: { t: {}, u: {} }, producer: { topics: ['u', 't'] } })
    expect(await rig.until(rig.producer.send({ value: 'v' }))).toMatchObject({ topic: 'u' })
    expect(await rig.until(rig.producer.tombstone({ key: 'k' }))).toMatchObject({ topic: 'u' })
  })

  test('without one a message has to say', async () => {
    const { producer } = await Rig.start()
    expect(thrownBy(() => producer.dispatch({ value: 'v' }))).toBeInstanceOf(InvalidMessageError)
  })
})

describe('partitionCount', () => {
  test('asks once, then knows', async () => {
    const rig = await Rig.start({ topics: { t: { partitions: 7 } } })
    expect(await rig.until(rig.producer.partitionCount('t'))).toBe(7)
    const asked = rig.cluster.requests({ api: 'Metadata' }).length
    expect(await rig.until(rig.producer.partitionCount('t'), 0)).toBe(7)
    expect(rig.cluster.requests({ api: 'Metadata' })).toHaveLength(asked)
  })

  test('rejects for a topic that does not exist', async () => {
    const rig = await Rig.start()
    expect(await rig.failure(rig.producer.partitionCount('nowhere'))).toMatchObject({ code: -188, topic: 'nowhere' })
  })

  test('rejects with the fault that keeps it from being known', async () => {
    const rig = await Rig.start()
    rig.cluster.brokerDown(1)
    expect(await rig.failure(rig.producer.partitionCount('t'))).toMatchObject({ code: -195 })
  })
})

describe('topic()', () => {
  test('sends without a promise of its own', async () => {
    const rig = await Rig.connected()
    const sent = Promise.resolve({} as DeliveryReport)
    rig.producer.send = () => sent
    expect(rig.producer.topic('t').send({ value: 'v' })).toBe(sent)
  })

  test('gives a handle, and remembers the name until it is removed', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 3 } } })
    const topic = rig.producer.topic('t')
    expect(topic.name).toBe('t')
    expect(await rig.until(topic.send({ value: 'v', partition: 1 }))).toMatchObject({ topic: 't', partition: 1 })
    expect(await rig.until(topic.dispatch({ value: 'v' }).wait())).toMatchObject({ topic: 't' })
    expect(await topic.partitionCount()).toBe(3)
    expect(rig.producer.hasTopic('t')).toBe(true)
    expect(rig.producer.removeTopic('t')).toBe(true)
    expect(rig.producer.hasTopic('t')).toBe(false)
    expect(rig.producer.removeTopic('t')).toBe(false)
  })

  test('its configuration holds for every message of that name, a second one is ignored', async () => {
    const rig = await Rig.connected()
    const value = 'x'.repeat(1000)
    rig.producer.topic('t', { 'compression.codec': 'gzip' })
    rig.producer.topic('t', { 'compression.codec': 'lz4' })
    await rig.until(rig.producer.send({ topic: 't', value }), 1000)
    rig.producer.removeTopic('t')
    await rig.until(rig.producer.send({ topic: 't', value }))
    rig.producer.topic('t', { 'compression.codec': 'snappy' })
    await rig.until(rig.producer.send({ topic: 't', value }))
    expect(rig.cluster.batches('t', 0).map(({ codec }) => codec)).toEqual(['gzip', 'none', 'snappy'])
  })

  test('its configuration outlives a disconnect', async () => {
    const rig = await Rig.connected()
    rig.producer.topic('t', { 'compression.codec': 'gzip' })
    await rig.until(rig.producer.disconnect())
    await rig.until(rig.producer.send({ topic: 't', value: 'x'.repeat(1000) }))
    expect(rig.cluster.batches('t', 0)).toMatchObject([{ codec: 'gzip' }])
  })

  test('throws for bad values at once, and then names nothing', async () => {
    const { producer } = await Rig.start()
    expect(thrownBy(() => producer.topic('t', { 'compression.codec': 'zip' as 'gzip' }))).toBeInstanceOf(ConfigError)
    expect(thrownBy(() => producer.topic('t', { acks: 1 }))).toBeInstanceOf(ConfigError)
    expect(thrownBy(() => producer.topic('t', { nonsense: 1 } as never))).toBeInstanceOf(ConfigError)
    expect(producer.hasTopic('t')).toBe(false)
    expect(producer.status).toBe('initial')
  })

  test('says what has no effect, in an event', async () => {
    const { producer } = await Rig.start()
    const told: string[] = []
    producer.on('config.warning', ({ property }) => told.push(property))
    producer.topic('t', { 'produce.offset.report': true })
    const view = producer.with({ topicConfig: { 'queuing.strategy': 'fifo' } })
    view.with({ topicConfig: { 'compression.codec': 'gzip' } })
    expect(told).toEqual(['produce.offset.report', 'queuing.strategy'])
  })

  test('messages that are queued when it is removed finish', async () => {
    const rig = await Rig.connected()
    const handle = rig.producer.topic('t', { 'compression.codec': 'gzip' }).dispatch({ value: 'x'.repeat(1000) })
    rig.producer.removeTopic('t')
    await rig.until(handle.wait())
    expect(rig.cluster.batches('t', 0)).toMatchObject([{ codec: 'gzip' }])
  })
})

describe('with()', () => {
  test('is a view of the same queue, events and buffer, with other terms', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 4 } } })
    const reports = rig.reports()
    const view = rig.producer.with({ topicConfig: { 'message.timeout.ms': 1000 }, partitioner: () => 2 })
    expect(await rig.until(view.send(message))).toMatchObject({ partition: 2 })
    view.dispatch(message)
    view.buffer(message)
    expect(rig.producer).toMatchObject({ queueSize: 1, buffered: 1 })
    await rig.until(view.flushBuffer())
    expect(reports.map(({ partition }) => partition)).toEqual([2, 2, 2])
    expect('close' in view).toBe(false)
    rig.cluster.control('Produce', () => ({ hang: true }), { times: 9 })
    expect(await rig.failure(view.send(message), 1001)).toMatchObject({ code: -192 })
  })

  test('stands over the topic’s own configuration, and a view of a view over the view', async () => {
    const rig = await Rig.connected()
    const value = 'x'.repeat(1000)
    rig.producer.topic('t', { 'compression.codec': 'gzip' })
    const lz4 = rig.producer.with({ topicConfig: { 'compression.codec': 'lz4' } })
    const snappy = lz4.with({ topicConfig: { 'compression.codec': 'snappy' } })
    for (const view of [rig.producer, lz4, snappy]) await rig.until(view.send({ topic: 't', value }))
    expect(rig.cluster.batches('t', 0).map(({ codec }) => codec)).toEqual(['gzip', 'lz4', 'snappy'])
  })

  test('keeps the order of a partition across profiles', async () => {
    const rig = await Rig.connected({ producer: { 'linger.ms': 50 } })
    const gzip = rig.producer.with({ topicConfig: { 'compression.codec': 'gzip' } })
    const values = Array.from({ length: 30 }, (_, i) => `${i}`.padEnd(200))
    for (const [i, value] of values.entries()) (i % 3 === 0 ? gzip : rig.producer).dispatch({ topic: 't', value })
    await rig.until(rig.producer.flush())
    expect(rig.log()).toEqual(values)
  })

  test('throws for bad values at once', async () => {
    const { producer } = await Rig.start()
    expect(thrownBy(() => producer.with({ topicConfig: { acks: 1 } }))).toBeInstanceOf(ConfigError)
    expect(thrownBy(() => producer.with({ topicConfig: { 'message.timeout.ms': -1 } }))).toBeInstanceOf(ConfigError)
    expect(thrownBy(() => producer.with({ partitioner: 'nonsense' as 'java' }))).toBeInstanceOf(ConfigError)
    expect(thrownBy(() => producer.with({ topicConfig: { 'client.id': 'x' } as never }))).toBeInstanceOf(ConfigError)
  })
})
