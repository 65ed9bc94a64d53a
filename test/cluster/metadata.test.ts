import { describe, expect, test } from 'vitest'
import { BrokerPool } from '../../src/cluster/broker-pool.ts'
import { Metadata, type MetadataOptions } from '../../src/cluster/metadata.ts'
import type { ClusterSnapshot } from '../../src/cluster/snapshot.ts'
import type { KafkaError } from '../../src/errors.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { type FakeRequest, FakeTransport } from '../support/fake-transport.ts'

interface Topic {
  id?: string
  errorCode?: number
  /** Leader, and epoch if it is not 0. */
  partitions?: [leader: number, epoch?: number][]
}

const idA = 'AAAAAAAAAAAAAAAAAAAAAQ'
const idB = 'AAAAAAAAAAAAAAAAAAAAAg'

/** A cluster whose answer the test changes as it goes on. */
function setUp(options: Partial<MetadataOptions> = {}) {
  const clock = new FakeClock()
  const cluster = {
    topics: new Map<string, Topic>(),
    brokers: [1, 2],
    errorCode: 0,
    silent: false,
  }
  const asked: { at: number; topics: string[] }[] = []
  const answer = (request: FakeRequest) => {
    const names = (request.body.topics as { name: string }[]).map(({ name }) => name)
    return {
      throttleTimeMs: 0,
      brokers: cluster.brokers.map(nodeId => ({ nodeId, host: `b${nodeId}`, port: 9092, rack: null })),
      clusterId: 'c',
      controllerId: 1,
      errorCode: cluster.errorCode,
      topics: names.map(name => {
        const { id = idA, errorCode, partitions } = cluster.topics.get(name) ?? { errorCode: 3 }
        return {
          errorCode: errorCode ?? 0,
          name,
          topicId: id,
          isInternal: false,
          partitions: (partitions ?? []).map(([leaderId, leaderEpoch = 0], partitionIndex) => ({
            errorCode: leaderId < 0 ? 5 : 0,
            partitionIndex,
            leaderId,
            leaderEpoch,
            replicaNodes: [1, 2],
            isrNodes: [1, 2],
          })),
        }
      }),
    }
  }
  const transport = new FakeTransport(request => {
    if (request.api !== 'Metadata') return undefined
    asked.push({ at: clock.now(), topics: (request.body.topics as { name: string }[]).map(({ name }) => name) })
    return cluster.silent ? null : answer(request)
  })
  const updates: ClusterSnapshot[] = []
  const failures: KafkaError[] = []
  const pool = new BrokerPool({
    bootstrapServers: [{ host: 's', port: 9092 }],
    connection: {
      clientId: 'me',
      transport,
      clock,
      setupTimeoutMs: 30_000,
      apiVersionTimeoutMs: 10_000,
      maxResponseBytes: 1_000_000,
      softwareName: 'odradek',
      softwareVersion: '1',
    },
    random: () => 0.5,
    reconnectBackoffMs: 10,
    reconnectBackoffMaxMs: 10,
    connectionsMaxIdleMs: 0,
    on: { ready() {}, drained() {}, connected() {}, disconnected() {}, throttled() {} },
  })
  const metadata = new Metadata({
    pool,
    clock,
    random: () => 0.5,
    refreshIntervalMs: 300_000,
    maxAgeMs: 900_000,
    retryBackoffMs: 100,
    retryBackoffMaxMs: 1000,
    requestTimeoutMs: 5000,
    allowAutoTopicCreation: true,
    on: { updated: snapshot => updates.push(snapshot), failed: error => failures.push(error) },
    ...options,
  })
  return { clock, cluster, transport, pool, metadata, asked, updates, failures, answer }
}

async function knowing(topic: Topic, options: Partial<MetadataOptions> = {}) {
  const parts = setUp(options)
  parts.cluster.topics.set('t', topic)
  parts.metadata.want('t')
  await parts.clock.settle()
  expect(parts.updates).toHaveLength(1)
  const leaders = () => parts.metadata.snapshot.topics.get('t')?.partitions.map(({ leader }) => leader)
  return { ...parts, leaders }
}

describe('a refresh', () => {
  test('asks for all topics wanted in one turn at once', async () => {
    const { clock, metadata, asked, cluster, updates } = setUp()
    cluster.topics.set('a', { partitions: [[1], [2]] }).set('b', { partitions: [[2]] })
    metadata.want('a')
    metadata.want('b')
    metadata.want('a')
    metadata.refresh()
    await clock.settle()
    expect(asked).toEqual([{ at: 0, topics: ['a', 'b'] }])
    expect(updates).toEqual([metadata.snapshot])
    expect(metadata.snapshot).toMatchObject({ version: 1, clusterId: 'c', controllerId: 1 })
    expect(metadata.snapshot.brokers.get(2)).toEqual({ nodeId: 2, host: 'b2', port: 9092, rack: null })
    expect(metadata.snapshot.topics.get('a')).toEqual({
      name: 'a',
      topicId: idA,
      errorCode: 0,
      available: [0, 1],
      partitions: [
        { partition: 0, leader: 1, leaderEpoch: 0, errorCode: 0, replicas: [1, 2], isr: [1, 2] },
        { partition: 1, leader: 2, leaderEpoch: 0, errorCode: 0, replicas: [1, 2], isr: [1, 2] },
      ],
    })
  })

  test('gives a snapshot that cannot be changed', async () => {
    const { metadata } = await knowing({ partitions: [[1]] })
    const topic = metadata.snapshot.topics.get('t')
    for (const part of [metadata.snapshot, topic, topic?.partitions, topic?.partitions[0], topic?.available]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
    expect(Object.isFrozen(topic?.partitions[0]?.replicas)).toBe(true)
    expect(Object.isFrozen(metadata.snapshot.brokers.get(1))).toBe(true)
  })

  test('is one for all who ask while it is under way', async () => {
    const { clock, metadata, asked, cluster } = setUp()
    cluster.topics.set('t', { partitions: [[1]] })
    metadata.want('t')
    const all = [metadata.next(), metadata.next()]
    await Promise.resolve()
    metadata.refresh()
    all.push(metadata.next())
    await clock.settle()
    expect(new Set(await Promise.all(all))).toEqual(new Set([metadata.snapshot]))
    expect(asked).toHaveLength(1)
  })

  test('is followed by another one at once for a topic that became wanted meanwhile', async () => {
    const { clock, metadata, asked, cluster, transport, answer } = setUp()
    cluster.topics.set('a', { partitions: [[1]] }).set('b', { partitions: [[1]] })
    cluster.silent = true
    metadata.want('a')
    await clock.settle()
    metadata.want('b')
    const next = metadata.next()
    cluster.silent = false
    const request = transport.peer.requests.at(-1) ?? expect.unreachable()
    transport.peer.answer(request, answer(request))
    await clock.settle()
    expect(asked.map(({ topics }) => topics)).toEqual([['a'], ['a', 'b']])
    expect((await next).topics.has('b')).toBe(true)
  })

  test('is not repeated faster than the backoff, however often it is asked for', async () => {
    const { clock, metadata, asked } = await knowing({ partitions: [[1]] })
    for (let i = 0; i < 29; i++) {
      metadata.refresh()
      metadata.refresh()
      await clock.advance(10)
    }
    expect(asked.map(({ at }) => at)).toEqual([0, 100, 200])
  })

  test('comes by itself when the interval is over, and not before', async () => {
    const { clock, asked } = await knowing({ partitions: [[1]] })
    await clock.advance(299_999)
    expect(asked).toHaveLength(1)
    await clock.advance(1)
    expect(asked).toHaveLength(2)
  })

  test('comes by itself when the snapshot is too old, if that is earlier', async () => {
    const { clock, asked } = await knowing({ partitions: [[1]] }, { maxAgeMs: 60_000 })
    await clock.advance(60_000)
    expect(asked).toHaveLength(2)
  })

  test('never comes by itself where the interval is off', async () => {
    const { clock, asked } = await knowing({ partitions: [[1]] }, { refreshIntervalMs: -1 })
    await clock.advance(10_000_000)
    expect(asked).toHaveLength(1)
    expect(clock.pendingTimers).toBe(0)
  })

  test('goes on with backoff while a wanted topic is not there or has no leader', async () => {
    const { clock, metadata, cluster, asked } = setUp()
    metadata.want('t')
    await clock.advance(300)
    expect(metadata.snapshot.topics.get('t')).toMatchObject({ errorCode: 3, partitions: [] })
    cluster.topics.set('t', { partitions: [[1], [-1]] })
    await clock.advance(400)
    expect(metadata.snapshot.topics.get('t')?.available).toEqual([0])
    cluster.topics.set('t', { partitions: [[1], [2, 1]] })
    await clock.advance(800)
    expect(metadata.snapshot.topics.get('t')?.available).toEqual([0, 1])
    await clock.advance(100_000)
    expect(asked.map(({ at }) => at)).toEqual([0, 100, 300, 700, 1500])
  })

  test('does not go on for a topic that was given up, or that we may not see', async () => {
    const { clock, metadata, cluster, asked } = setUp()
    cluster.topics.set('secret', { errorCode: 29 })
    metadata.want('secret')
    metadata.want('nowhere')
    await clock.settle()
    metadata.forget('nowhere')
    await clock.advance(100_000)
    expect(asked.map(({ topics }) => topics)).toEqual([['secret', 'nowhere'], ['secret']])
    expect([...metadata.snapshot.topics.keys()]).toEqual(['secret'])
    expect(metadata.snapshot.topics.get('secret')).toMatchObject({ errorCode: 29, partitions: [] })
  })
})

describe('a partition', () => {
  test('keeps its leader against an answer with an older epoch', async () => {
    const { clock, metadata, cluster, leaders } = await knowing({
      partitions: [
        [1, 5],
        [1, 5],
      ],
    })
    cluster.topics.set('t', {
      partitions: [
        [2, 4],
        [2, 6],
      ],
    })
    metadata.refresh()
    await clock.advance(100)
    expect(leaders()).toEqual([1, 2])
  })

  test('of a topic that was made anew takes its new leader whatever the epoch', async () => {
    const { clock, metadata, cluster, leaders } = await knowing({
      partitions: [
        [1, 5],
        [1, 5],
      ],
    })
    cluster.topics.set('t', { id: idB, partitions: [[2, 0]] })
    metadata.refresh()
    await clock.advance(100)
    expect(leaders()).toEqual([2])
    expect(metadata.snapshot.topics.get('t')?.topicId).toBe(idB)
  })

  test('is not forgotten because an answer leaves it out', async () => {
    const { clock, metadata, cluster, leaders } = await knowing({ partitions: [[1], [2]] })
    cluster.topics.set('t', { partitions: [[1]] })
    metadata.refresh()
    await clock.advance(100)
    expect(leaders()).toEqual([1, 2])
  })

  test('keeps its leader through a passing fault of its topic', async () => {
    const { clock, metadata, cluster, leaders } = await knowing({ partitions: [[1]] })
    cluster.topics.set('t', { errorCode: 5 })
    metadata.refresh()
    await clock.advance(100)
    expect(leaders()).toEqual([1])
    expect(metadata.snapshot.topics.get('t')?.errorCode).toBe(5)
    cluster.topics.set('t', { errorCode: 3 })
    await clock.advance(100)
    expect(leaders()).toEqual([])
  })

  test('follows the hint of a broker, to a broker not known before, too', async () => {
    const { metadata, pool, updates, leaders, clock } = await knowing({
      partitions: [
        [1, 5],
        [1, 5],
      ],
    })
    const b9 = { nodeId: 9, host: 'b9', port: 9092, rack: null }
    expect(metadata.leaderHint('t', 1, 9, 6, [b9])).toBe(true)
    expect(leaders()).toEqual([1, 9])
    expect(updates.at(-1)).toBe(metadata.snapshot)
    expect(metadata.snapshot.version).toBe(2)
    expect(Object.isFrozen(metadata.snapshot.topics.get('t')?.partitions)).toBe(true)
    pool.connection(9)
    await clock.settle()
    expect(pool.connection(9)?.label).toBe('b9:9092/9')
  })

  test('does not follow a hint that is old, or that leads nowhere', async () => {
    const { metadata, leaders } = await knowing({ partitions: [[1, 5]] })
    expect(metadata.leaderHint('t', 0, 2, 5, [])).toBe(false)
    expect(metadata.leaderHint('t', 0, 7, 6, [])).toBe(false)
    expect(metadata.leaderHint('t', 0, -1, 6, [])).toBe(false)
    expect(metadata.leaderHint('t', 3, 2, 6, [])).toBe(false)
    expect(metadata.leaderHint('u', 0, 2, 6, [])).toBe(false)
    expect(leaders()).toEqual([1])
    expect(metadata.snapshot.version).toBe(1)
  })
})

describe('a broker', () => {
  test('that the cluster has lost is not dialled any more', async () => {
    const { clock, metadata, cluster, pool } = await knowing({ partitions: [[1]] })
    pool.connection(2)
    await clock.settle()
    expect(pool.connection(2)).not.toBeNull()
    cluster.brokers = [1]
    metadata.refresh()
    await clock.advance(100)
    expect(pool.connection(2)).toBeNull()
    expect(metadata.snapshot.brokers.has(2)).toBe(false)
  })

  test('that knows no brokers yet is not believed', async () => {
    const { clock, metadata, cluster, failures } = setUp()
    cluster.brokers = []
    const next = expect(metadata.next()).rejects.toMatchObject({ code: 8, retriable: true })
    await clock.settle()
    await next
    expect(failures).toHaveLength(1)
    expect(metadata.snapshot.version).toBe(0)
  })

  test('that asks for a re-bootstrap is left, and the bootstrap servers are asked', async () => {
    const { clock, metadata, cluster, pool, transport, failures } = await knowing({ partitions: [[1]] })
    pool.connection(1)
    await clock.settle()
    cluster.errorCode = 129
    metadata.refresh()
    await clock.advance(100)
    expect(failures.map(({ code }) => code)).toEqual([129])
    expect(transport.open).toEqual([])
    cluster.errorCode = 0
    await clock.advance(100)
    expect(transport.dialled.at(-1)).toBe('s:9092')
    expect(metadata.snapshot.version).toBe(2)
  })
})

describe('failure', () => {
  test('is told to all who wait and tried again with backoff while something is wanted', async () => {
    const { clock, metadata, cluster, transport, failures, updates } = setUp()
    cluster.topics.set('t', { partitions: [[1]] })
    transport.refusals.set('s:9092', new Error('down'))
    metadata.want('t')
    const next = expect(metadata.next()).rejects.toMatchObject({ name: 'ConnectionError' })
    await clock.settle()
    await next
    expect(failures).toHaveLength(1)
    await clock.advance(1500)
    expect(failures).toHaveLength(5) // at 0, 100, 300, 700, 1500 ms
    transport.refusals.clear()
    await clock.advance(1000)
    expect(updates).toHaveLength(1)
    expect(failures).toHaveLength(5)
  })

  test('is not repeated where nothing is wanted', async () => {
    const { clock, metadata, transport, failures } = setUp()
    transport.refusals.set('s:9092', new Error('down'))
    const next = metadata.next().catch((error: KafkaError) => error)
    await clock.advance(100_000)
    expect(await next).toBe(failures[0])
    expect(failures).toHaveLength(1)
    expect(clock.pendingTimers).toBe(0)
  })

  test('to answer in time is such a failure, and another broker is asked', async () => {
    const { clock, metadata, cluster, failures, updates, pool, transport } = await knowing({ partitions: [[1]] })
    pool.connection(1)
    await clock.settle()
    cluster.silent = true
    metadata.refresh()
    await clock.advance(100 + 4999)
    expect(failures).toEqual([])
    await clock.advance(1)
    expect(failures[0]?.message).toMatch(/b1:9092.*Metadata v13.*5000 ms/)
    cluster.silent = false
    await clock.advance(100)
    expect(updates).toHaveLength(2)
    expect(transport.dialled.at(-1)).toBe('b2:9092')
  })

  test('to find any known broker leads back to the bootstrap servers', async () => {
    const { clock, metadata, transport, pool, updates } = await knowing({ partitions: [[1]] })
    pool.connection(1)
    await clock.settle()
    for (const label of ['b1:9092', 'b2:9092']) transport.refusals.set(label, new Error('down'))
    for (const peer of transport.open) peer.close()
    metadata.refresh()
    await clock.advance(100)
    expect(transport.dialled.at(-1)).toBe('s:9092')
    expect(updates).toHaveLength(2)
  })
})

describe('stopping', () => {
  test('leaves no timer and nobody waiting', async () => {
    const { clock, metadata, asked, cluster } = setUp()
    cluster.silent = true
    metadata.want('t')
    await clock.settle()
    const [served, later] = [metadata.next(), metadata.next()].map(next =>
      expect(next).rejects.toMatchObject({ name: 'StateError' }),
    )
    metadata.stop()
    metadata.refresh()
    metadata.want('u')
    await Promise.all([served, later])
    await expect(metadata.next()).rejects.toMatchObject({ name: 'StateError' })
    await clock.advance(4999)
    expect(asked).toHaveLength(1)
  })
})
