import { afterEach, describe, expect, test } from 'vitest'
import { nodeTransport } from '../../src/cluster/node-transport.ts'
import { MockCluster, type MockClusterOptions } from '../../src/mock/index.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { createTopics } from '../../src/protocol/apis/create-topics.ts'
import { initProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/header.ts'
import { zeroUuid } from '../../src/protocol/schema.ts'
import { batch } from './batches.ts'
import { produceBatch } from './produce-request.ts'
import { RawClient } from './raw-client.ts'

const open: { cluster?: MockCluster } = {}
afterEach(async () => {
  await open.cluster?.stop()
  delete open.cluster
})

async function start(options: MockClusterOptions = {}): Promise<MockCluster> {
  open.cluster = await MockCluster.start({ transport: 'memory', ...options })
  return open.cluster
}

async function client(cluster: MockCluster, broker = 1): Promise<RawClient> {
  return RawClient.connect(cluster.transport, cluster.bootstrapServers.split(',')[broker - 1] ?? '')
}

const software = { clientSoftwareName: 'raw', clientSoftwareVersion: '1' }

function askFor(...names: string[]) {
  return { topics: names.map(name => ({ name })), allowAutoTopicCreation: false }
}

describe('starting and stopping', () => {
  test('three brokers on real sockets are there within 20 ms', async () => {
    const times: number[] = []
    for (let i = 0; i < 5; i++) {
      const before = performance.now()
      const cluster = await MockCluster.start({ brokers: 3, topics: { orders: { partitions: 6 } } })
      times.push(performance.now() - before)
      await cluster.stop()
    }
    expect(Math.min(...times)).toBeLessThan(20)
  })

  test('the same addresses work over sockets and in memory', async () => {
    const cluster = await start({ transport: 'tcp', brokers: 2, topics: { orders: { partitions: 2 } } })
    for (const [partition, transport] of [nodeTransport(), cluster.transport].entries()) {
      const address = cluster.bootstrapServers.split(',')[partition] ?? ''
      const raw = await RawClient.connect(transport, address)
      expect(await produceBatch(raw, batch(['one', 'two']), { partition })).toMatchObject({ errorCode: 0 })
      raw.destroy()
    }
    expect(cluster.records('orders').map(({ partition, offset }) => [partition, offset])).toEqual([
      [0, 0n],
      [0, 1n],
      [1, 0n],
      [1, 1n],
    ])
  })

  test('stopping closes every connection and every port, and may be asked for twice', async () => {
    const cluster = await start({ transport: 'tcp', brokers: 2 })
    const address = cluster.bootstrapServers.split(',')[0] ?? ''
    const clients = [
      await RawClient.connect(nodeTransport(), address),
      await RawClient.connect(cluster.transport, address),
    ]
    await Promise.all([cluster.stop(), cluster.stop()])
    await Promise.all(clients.map(({ closed }) => closed))
    expect(cluster.connections).toBe(0)
    await expect(RawClient.connect(nodeTransport(), address)).rejects.toThrow('ECONNREFUSED')
    await expect(RawClient.connect(cluster.transport, address)).rejects.toThrow('refused')
  })

  test('a port that is taken is said at the start', async () => {
    const first = await start({ transport: 'tcp' })
    const port = Number(first.bootstrapServers.split(':')[1])
    await expect(MockCluster.start({ ports: [port] })).rejects.toThrow('EADDRINUSE')
  })

  test('an unknown Kafka release is refused', async () => {
    await expect(MockCluster.start({ kafkaVersion: '1.0' })).rejects.toThrow('1.0')
    await expect(MockCluster.start({ kafkaVersion: 'newest' })).rejects.toThrow('newest')
  })

  test('connections are counted as they come and go', async () => {
    const cluster = await start()
    const raw = await client(cluster)
    expect(cluster.connections).toBe(1)
    raw.destroy()
    await raw.closed
    expect(cluster.connections).toBe(0)
  })
})

describe('ApiVersions', () => {
  test('lists what is served, old versions too as Kafka 4 does, and the Fetch that librdkafka looks for', async () => {
    const raw = await client(await start())
    const answer = await raw.call(apiVersions, 4, software)
    const offered = Object.fromEntries(answer?.apiKeys.map(k => [k.apiKey, [k.minVersion, k.maxVersion]]) ?? [])
    expect(offered).toMatchObject({ 0: [0, 13], 1: [4, 18], 3: [0, 13], 18: [0, 5], 19: [2, 7], 22: [0, 5] })
  })

  test('offers what a release offered', async () => {
    const raw = await client(await start({ kafkaVersion: '2.4.1' }))
    const answer = await raw.call(apiVersions, 2, {})
    const offered = Object.fromEntries(answer?.apiKeys.map(k => [k.apiKey, [k.minVersion, k.maxVersion]]) ?? [])
    expect(offered).toMatchObject({ 0: [0, 8], 1: [0, 11], 3: [0, 9], 18: [0, 3], 19: [0, 5], 22: [0, 2] })
  })

  test('offers what other products offer, which have no features', async () => {
    const offered = async (options: MockClusterOptions) => {
      const raw = await client(await start(options))
      const answer = await raw.call(apiVersions, 3, software)
      const ranges = Object.fromEntries(answer?.apiKeys.map(k => [k.apiKey, k.maxVersion]) ?? [])
      return [ranges[0], ranges[22], ranges[24], answer?.finalizedFeatures]
    }
    expect(await offered({ like: 'redpanda' })).toEqual([7, 3, 3, []])
    expect(await offered({ like: 'event-hubs' })).toEqual([7, 1, undefined, []])
    expect((await offered({ apiVersions: { Produce: { min: 3, max: 5 }, InitProducerId: null } })).slice(0, 2)).toEqual(
      [5, undefined],
    )
    const [feature] = (await offered({ kafkaVersion: '4.0', features: { 'transaction.version': 1 } })).slice(3)
    expect(feature).toEqual([{ name: 'transaction.version', maxVersionLevel: 1, minVersionLevel: 1 }])
  })

  test('of Event Hubs ends the connection when asked in a version that it does not know', async () => {
    const raw = await client(await start({ like: 'event-hubs' }))
    expect(await raw.exchange(encodeRequest(apiVersions, 4, 1, 'raw', software))).toBeNull()
  })

  test('answers a version that it does not know in version 0, with its own range', async () => {
    const raw = await client(await start({ kafkaVersion: '2.4' }))
    const frame = await raw.exchange(encodeRequest(apiVersions, 5, 77, 'raw', software))
    const { correlationId, body } = decodeResponse(apiVersions, 0, frame ?? new Uint8Array())
    expect(correlationId).toBe(77)
    expect(body).toMatchObject({ errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 3 }] })
    expect((await raw.call(apiVersions, 3, software))?.errorCode).toBe(0)
  })

  test('refuses a software name that is none', async () => {
    const raw = await client(await start())
    expect((await raw.call(apiVersions, 3, { ...software, clientSoftwareName: '-' }))?.errorCode).toBe(42)
  })

  test('asks for a new bootstrap when the client means another cluster or node', async () => {
    const raw = await client(await start({ clusterId: 'here' }))
    const ask = (clusterId: string, nodeId: number) => raw.call(apiVersions, 5, { ...software, clusterId, nodeId })
    expect((await ask('here', 1))?.errorCode).toBe(0)
    expect((await ask('here', 2))?.errorCode).toBe(129)
    expect((await ask('there', 1))?.errorCode).toBe(129)
  })

  test('an API or a version that is not offered closes the connection', async () => {
    const cluster = await start({ kafkaVersion: '2.4' })
    const tooNew = await client(cluster)
    expect(await tooNew.call(metadata, 12, askFor('orders'))).toBeNull()
    const unknown = await client(cluster)
    expect(await unknown.call({ ...metadata, key: 999 }, 4, askFor('orders'))).toBeNull()
    expect(cluster.requests()).toEqual([])
  })

  test('ranges can be set for all brokers or for one, and an API taken away', async () => {
    const cluster = await start({ brokers: 2 })
    cluster.setApiVersion('Metadata', 5, 6)
    cluster.setApiVersion('Metadata', 7, 8, 2)
    cluster.setApiVersion('InitProducerId', -1, -1)
    for (const [broker, range] of [
      [1, [5, 6]],
      [2, [7, 8]],
    ] as const) {
      const raw = await client(cluster, broker)
      const keys = (await raw.call(apiVersions, 3, software))?.apiKeys ?? []
      expect(keys.find(({ apiKey }) => apiKey === 3)).toMatchObject({ minVersion: range[0], maxVersion: range[1] })
      expect(keys.find(({ apiKey }) => apiKey === 22)).toBeUndefined()
      expect(await raw.call(metadata, range[1], askFor())).not.toBeNull()
      expect(await raw.call(metadata, range[1] + 1, askFor())).toBeNull()
    }
  })
})

describe('Metadata', () => {
  test('describes the cluster and spreads leaders over the brokers, in every version', async () => {
    const cluster = await start({ brokers: 3, topics: { orders: { partitions: 4 } } })
    for (let version = 4; version <= 13; version++) {
      const answer = await (await client(cluster)).call(metadata, version, askFor('orders'))
      expect(answer).toMatchObject({ clusterId: 'odradek-mock-cluster', controllerId: 1, errorCode: 0 })
      expect(answer?.brokers.map(({ nodeId, host, port }) => [nodeId, `${host}:${port}`])).toEqual([
        [1, 'mock-1:9092'],
        [2, 'mock-2:9092'],
        [3, 'mock-3:9092'],
      ])
      expect(answer?.topics[0]?.partitions.map(({ leaderId }) => leaderId)).toEqual([1, 2, 3, 1])
      expect(answer?.topics[0]?.partitions[1]?.replicaNodes).toEqual([2, 3, 1])
    }
  })

  test('null asks for all topics, an empty list for none', async () => {
    const raw = await client(await start({ topics: { a: {}, b: {} } }))
    const all = await raw.call(metadata, 9, { topics: null, allowAutoTopicCreation: false })
    expect(all?.topics.map(({ name }) => name)).toEqual(['a', 'b'])
    expect((await raw.call(metadata, 9, askFor()))?.topics).toEqual([])
  })

  test('a topic can be asked for by its id', async () => {
    const raw = await client(await start({ topics: { orders: { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' } } }))
    const topics = ['AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAg'].map(topicId => ({ topicId, name: null }))
    const answer = await raw.call(metadata, 12, { topics, allowAutoTopicCreation: false })
    expect(answer?.topics).toMatchObject([
      { errorCode: 0, name: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' },
      { errorCode: 100, name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAAg' },
    ])
  })

  test('an unknown topic and an illegal name are told apart', async () => {
    const raw = await client(await start())
    const answer = await raw.call(metadata, 9, askFor('nowhere', 'not/legal', '..'))
    expect(answer?.topics.map(({ errorCode }) => errorCode)).toEqual([3, 17, 17])
  })

  test('creates a topic only if cluster and client both want it, and knows it one answer later', async () => {
    const wanting = { ...askFor('fresh'), allowAutoTopicCreation: true }
    const strict = await client(await start())
    for (let i = 0; i < 2; i++) expect((await strict.call(metadata, 9, wanting))?.topics[0]?.errorCode).toBe(3)
    await open.cluster?.stop()

    const generous = await client(await start({ autoCreateTopics: true, defaultPartitions: 5 }))
    expect((await generous.call(metadata, 9, askFor('fresh')))?.topics[0]?.errorCode).toBe(3)
    expect((await generous.call(metadata, 9, wanting))?.topics[0]?.errorCode).toBe(3)
    const created = (await generous.call(metadata, 9, wanting))?.topics[0]
    expect(created?.errorCode).toBe(0)
    expect(created?.partitions).toHaveLength(5)
  })

  test('shows a new leader with a higher epoch, and no leader as LEADER_NOT_AVAILABLE', async () => {
    const cluster = await start({ brokers: 2, topics: { orders: {} } })
    const raw = await client(cluster)
    const partition = async () => (await raw.call(metadata, 9, askFor('orders')))?.topics[0]?.partitions[0]
    expect(await partition()).toMatchObject({ errorCode: 0, leaderId: 1, leaderEpoch: 0 })
    cluster.moveLeader('orders', 0, 2)
    expect(await partition()).toMatchObject({ errorCode: 0, leaderId: 2, leaderEpoch: 1 })
    cluster.leaderless('orders', 0)
    expect(await partition()).toMatchObject({ errorCode: 5, leaderId: -1, leaderEpoch: 2 })
    expect(cluster.leader('orders', 0)).toBe(-1)
  })

  test('can be stale once, and can leave a partition out once', async () => {
    const cluster = await start({ brokers: 2, topics: { orders: { partitions: 2 } } })
    const raw = await client(cluster)
    const leaders = async () =>
      (await raw.call(metadata, 9, askFor('orders')))?.topics[0]?.partitions.map(p => [p.partitionIndex, p.leaderId])
    cluster.moveLeader('orders', 0, 2)
    cluster.staleMetadataOnce()
    expect(await leaders()).toEqual([
      [0, 1],
      [1, 2],
    ])
    cluster.omitPartitionOnce('orders', 0)
    expect(await leaders()).toEqual([[1, 2]])
    expect(await leaders()).toEqual([
      [0, 2],
      [1, 2],
    ])
  })

  test('follows partitions added, topics re-created, brokers added and removed', async () => {
    const cluster = await start({ brokers: 2, topics: { orders: { partitions: 2 } } })
    const raw = await client(cluster)
    const describeOrders = async () => {
      const answer = await raw.call(metadata, 12, askFor('orders'))
      const [topic] = answer?.topics ?? []
      const leaders = topic?.partitions.map(({ leaderId }) => leaderId)
      return { brokers: answer?.brokers.map(({ nodeId }) => nodeId), topicId: topic?.topicId, leaders }
    }
    const before = await describeOrders()
    cluster.addPartitions('orders', 1)
    expect((await describeOrders()).leaders).toEqual([1, 2, 1])
    expect(await cluster.addBroker()).toBe(3)
    await cluster.removeBroker(2)
    expect(await describeOrders()).toEqual({ brokers: [1, 3], topicId: before.topicId, leaders: [1, 1, 1] })
    cluster.recreateTopic('orders', 2)
    const after = await describeOrders()
    const old = { topics: [{ topicId: before.topicId, name: null }], allowAutoTopicCreation: false }
    expect((await raw.call(metadata, 12, old))?.topics[0]?.errorCode).toBe(100)
    expect(after.topicId).not.toBe(before.topicId)
    expect(after.leaders).toEqual([1, 3])
  })
})

describe('CreateTopics', () => {
  const wanted = (name: string, rest: object = {}) => ({
    name,
    numPartitions: 3,
    replicationFactor: 1,
    assignments: [],
    configs: [],
    ...rest,
  })
  const request = (topics: ReturnType<typeof wanted>[], validateOnly = false) => ({
    topics,
    timeoutMs: 1000,
    validateOnly,
  })

  test('creates what Metadata then shows, in every version', async () => {
    const cluster = await start()
    const raw = await client(cluster)
    for (let version = 2; version <= 7; version++) {
      const name = `made-${version}`
      expect((await raw.call(createTopics, version, request([wanted(name)])))?.topics).toMatchObject([
        { name, errorCode: 0 },
      ])
      expect((await raw.call(metadata, 9, askFor(name)))?.topics[0]?.partitions).toHaveLength(3)
    }
  })

  test('takes the defaults for -1, from version 4 on', async () => {
    const raw = await client(await start({ defaultPartitions: 4 }))
    const defaults = { numPartitions: -1, replicationFactor: -1 }
    expect((await raw.call(createTopics, 7, request([wanted('new', defaults)])))?.topics[0]).toMatchObject({
      errorCode: 0,
      numPartitions: 4,
      replicationFactor: 1,
    })
    expect((await raw.call(createTopics, 3, request([wanted('old', defaults)])))?.topics[0]?.errorCode).toBe(37)
  })

  test('refuses what Kafka refuses, and creates nothing when it is only asked', async () => {
    const cluster = await start({ topics: { taken: {} } })
    const raw = await client(cluster)
    const topics = [
      wanted('taken'),
      wanted('not legal'),
      wanted('none', { numPartitions: 0 }),
      wanted('wide', { replicationFactor: 2 }),
      wanted('huge', { numPartitions: 2 ** 31 - 1 }),
    ]
    expect((await raw.call(createTopics, 5, request(topics)))?.topics.map(t => t.errorCode)).toEqual([
      36, 17, 37, 38, 44,
    ])
    expect((await raw.call(createTopics, 5, request([wanted('dry')], true)))?.topics[0]?.errorCode).toBe(0)
    expect((await raw.call(metadata, 9, askFor('dry')))?.topics[0]?.errorCode).toBe(3)
  })

  test('keeps the configuration that the broker acts upon', async () => {
    const raw = await client(await start())
    const configs = [{ name: 'max.message.bytes', value: '80' }]
    await raw.call(createTopics, 5, request([wanted('small', { configs })]))
    expect(await produceBatch(raw, batch(['a value beyond eighty bytes']), { topic: 'small' })).toMatchObject({
      errorCode: 10,
    })
  })
})

describe('InitProducerId', () => {
  test('gives every producer an id of its own, in every version', async () => {
    const raw = await client(await start())
    const ids = new Set<bigint | undefined>()
    for (let version = 0; version <= 5; version++) {
      const answer = await raw.call(initProducerId, version, { transactionalId: null, transactionTimeoutMs: 0 })
      expect(answer).toMatchObject({ errorCode: 0, producerEpoch: 0 })
      ids.add(answer?.producerId)
    }
    expect(ids.size).toBe(6)
  })
})

describe('topic ids', () => {
  test('are all different and never zero', async () => {
    const raw = await client(await start({ topics: { a: {}, b: {} } }))
    const answer = await raw.call(metadata, 12, { topics: null, allowAutoTopicCreation: false })
    const ids = answer?.topics.map(({ topicId }) => topicId) ?? []
    expect(new Set([...ids, zeroUuid]).size).toBe(3)
    const response = await raw.call(produce, 13, {
      transactionalId: null,
      acks: 1,
      timeoutMs: 1000,
      topicData: [{ topicId: ids[1], partitionData: [{ index: 0, records: [batch(['x'])] }] }],
    })
    expect(response?.responses[0]).toMatchObject({ topicId: ids[1], partitionResponses: [{ errorCode: 0 }] })
    expect(open.cluster?.log('b', 0)).toHaveLength(1)
  })
})
