import { describe, expect, test } from 'vitest'
import type { BrokerAddress } from '../../src/cluster/addresses.ts'
import { BrokerPool, type BrokerPoolOptions } from '../../src/cluster/broker-pool.ts'
import { AuthenticationError, ConnectionError, type KafkaError } from '../../src/errors.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeTransport, type Script } from '../support/fake-transport.ts'

const noTopics = { topics: [], allowAutoTopicCreation: false }
const emptyMetadata = { throttleTimeMs: 0, brokers: [], clusterId: null, controllerId: 1, topics: [] }
const refused = (label: string) => new ConnectionError(-195, `${label}: refused`, { broker: label })

function broker(nodeId: number, host = `b${nodeId}`): BrokerAddress {
  return { nodeId, host, port: 9092, rack: null }
}

function brokers(...list: BrokerAddress[]): Map<number, BrokerAddress> {
  return new Map(list.map(address => [address.nodeId, address]))
}

function setUp(options: Partial<BrokerPoolOptions> & { script?: Script; authenticate?: () => Promise<never> } = {}) {
  const { script = () => undefined, authenticate, ...rest } = options
  const clock = new FakeClock()
  const transport = new FakeTransport(script)
  const log: string[] = []
  const pool = new BrokerPool({
    bootstrapServers: [
      { host: 's1', port: 9092 },
      { host: 's2', port: 9092 },
    ],
    connection: {
      clientId: 'me',
      transport,
      clock,
      setupTimeoutMs: 30_000,
      apiVersionTimeoutMs: 10_000,
      maxResponseBytes: 1_000_000,
      softwareName: 'odradek',
      softwareVersion: '1',
      authenticate,
    },
    random: () => 0.5,
    reconnectBackoffMs: 100,
    reconnectBackoffMaxMs: 10_000,
    connectionsMaxIdleMs: 0,
    on: {
      ready: nodeId => log.push(`ready ${nodeId}`),
      drained: nodeId => log.push(`drained ${nodeId}`),
      connected: ({ host }) => log.push(`connected ${host}`),
      disconnected: ({ host }, error) =>
        log.push(`disconnected ${host}${error === undefined ? '' : `: ${error.codeName}`}`),
      throttled: ({ host }, ms) => log.push(`throttled ${host} ${ms}`),
    },
    ...rest,
  })
  const refuse = (host: string, error: Error | 'hang' = refused(`${host}:9092`)) =>
    transport.refusals.set(`${host}:9092`, error)
  const accept = (host: string) => transport.refusals.delete(`${host}:9092`)
  return { clock, transport, log, pool, refuse, accept }
}

describe('a connection to one broker', () => {
  test('is dialled when it is asked for, and announced when it is there', async () => {
    const { clock, transport, log, pool } = setUp()
    pool.setBrokers(brokers(broker(1), broker(2)))
    await clock.settle()
    expect(transport.dialled).toEqual([])
    expect(pool.connection(1)).toBeNull()
    expect(pool.connection(1)).toBeNull()
    await clock.settle()
    expect(log).toEqual(['connected b1', 'ready 1'])
    expect(pool.connection(1)?.label).toBe('b1:9092/1')
    expect(transport.dialled).toEqual(['b1:9092'])
  })

  test('is nothing for a broker that nobody knows', () => {
    const { pool, transport } = setUp()
    expect(pool.connection(7)).toBeNull()
    expect(pool.connection(-1)).toBeNull()
    expect(transport.dialled).toEqual([])
  })

  test('is dialled until it is there, slower with every failure', async () => {
    const { clock, transport, pool, log, refuse, accept } = setUp()
    refuse('b1')
    pool.setBrokers(brokers(broker(1)))
    pool.connection(1)
    const attempts: number[] = []
    for (let ms = 0; ms <= 1600; ms += 50) {
      await (ms === 0 ? clock.settle() : clock.advance(50))
      if (transport.dialled.length > attempts.length) attempts.push(ms)
    }
    expect(attempts).toEqual([0, 100, 300, 700, 1500])
    expect(pool.lastError(1)).toMatchObject({ code: -195, broker: 'b1:9092' })
    accept('b1')
    await clock.advance(1600)
    expect(log.at(-1)).toBe('ready 1')
    expect(pool.lastError(1)).toBeUndefined()
  })

  test('that had worked is dialled again at once', async () => {
    const { clock, transport, pool, log } = setUp({
      script: ({ api }) => (api === 'Metadata' ? emptyMetadata : undefined),
    })
    pool.setBrokers(brokers(broker(1)))
    pool.connection(1)
    await clock.settle()
    await pool.connection(1)?.request(metadata, noTopics, { timeoutMs: 1000 })
    transport.peer.close()
    await clock.settle()
    expect(log.splice(0)).toEqual(['connected b1', 'ready 1', 'disconnected b1: _TRANSPORT'])
    expect(transport.dialled).toHaveLength(1)
    expect(pool.connection(1)).toBeNull()
    await clock.settle()
    expect(log).toEqual(['connected b1', 'ready 1'])
  })

  test('after nobody could be reached is dialled again as soon as the cluster names its broker', async () => {
    const { clock, transport, pool, log, refuse, accept } = setUp()
    for (const host of ['b1', 'b2', 's1', 's2']) refuse(host)
    pool.setBrokers(brokers(broker(1), broker(2)))
    for (const nodeId of [1, 2]) pool.connection(nodeId)
    const search = pool.any().catch((error: KafkaError) => error.codeName)
    await clock.advance(5_000)
    expect(await search).toBe('_TRANSPORT')
    for (const host of ['b1', 'b2']) accept(host)
    const dialled = transport.dialled.length
    pool.setBrokers(brokers(broker(1), broker(2)))
    await clock.settle()
    expect(transport.dialled.slice(dialled)).toEqual(['b1:9092', 'b2:9092'])
    expect(log.slice(-4)).toEqual(['connected b1', 'ready 1', 'connected b2', 'ready 2'])
  })

  test('while others can be reached keeps its backoff, whatever the cluster says', async () => {
    const { clock, transport, pool, refuse } = setUp()
    refuse('b2')
    pool.setBrokers(brokers(broker(1), broker(2)))
    for (const nodeId of [1, 2]) pool.connection(nodeId)
    await clock.advance(1_000)
    const dialled = transport.dialled.length
    pool.setBrokers(brokers(broker(1), broker(2)))
    await clock.settle()
    expect(transport.dialled).toHaveLength(dialled)
  })

  test('that is ended after every handshake is not dialled without a pause', async () => {
    const { clock, transport, pool } = setUp()
    pool.setBrokers(brokers(broker(1)))
    for (let i = 0; i < 5; i++) {
      pool.connection(1)
      await clock.settle()
      if (transport.open.length > 0) transport.peer.close()
      await clock.settle()
    }
    expect(transport.dialled).toHaveLength(1)
    await clock.advance(100)
    expect(transport.dialled).toHaveLength(2)
  })

  test('is closed when its broker is gone, and made anew when it has moved', async () => {
    const { clock, transport, pool, log } = setUp()
    pool.setBrokers(brokers(broker(1), broker(2)))
    pool.connection(1)
    pool.connection(2)
    await clock.settle()
    log.length = 0
    pool.setBrokers(brokers(broker(2, 'moved')))
    await clock.settle()
    expect(log).toEqual(['disconnected b1', 'disconnected b2'])
    expect(transport.open).toEqual([])
    expect(pool.connection(1)).toBeNull()
    pool.connection(2)
    await clock.settle()
    expect(transport.dialled).toEqual(['b1:9092', 'b2:9092', 'moved:9092'])
  })

  test('of a broker that is gone still answers what is in flight', async () => {
    const { clock, transport, pool } = setUp()
    pool.setBrokers(brokers(broker(1)))
    pool.connection(1)
    await clock.settle()
    const answer = pool.connection(1)?.request(metadata, noTopics, { timeoutMs: 1000 })
    await clock.settle()
    pool.setBrokers(brokers(broker(2)))
    expect(transport.open).toHaveLength(1)
    transport.peer.answer(transport.peer.requests[1] ?? expect.unreachable(), emptyMetadata)
    await expect(answer).resolves.toMatchObject({ controllerId: 1 })
    expect(transport.open).toEqual([])
  })

  test('a broker that is gone is not dialled any more', async () => {
    const { clock, transport, pool, refuse } = setUp()
    refuse('b1')
    pool.setBrokers(brokers(broker(1)))
    pool.connection(1)
    await clock.settle()
    pool.setBrokers(new Map())
    expect(clock.pendingTimers).toBe(0)
    await clock.advance(60_000)
    expect(transport.dialled).toHaveLength(1)
  })

  test('that is idle for too long is closed', async () => {
    const { clock, transport, pool, log } = setUp({
      connectionsMaxIdleMs: 60_000,
      script: ({ api }) => (api === 'Metadata' ? emptyMetadata : undefined),
    })
    pool.setBrokers(brokers(broker(1)))
    pool.connection(1)
    await clock.advance(30_000)
    void pool.connection(1)?.request(metadata, noTopics, { timeoutMs: 1000 })
    await clock.advance(59_999)
    expect(transport.open).toHaveLength(1)
    await clock.advance(1)
    expect(transport.open).toHaveLength(0)
    expect(log.at(-1)).toBe('disconnected b1')
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('any connection', () => {
  test('is the first bootstrap server that answers, for all who ask', async () => {
    const { clock, transport, pool, refuse } = setUp()
    refuse('s1')
    const [a, b] = [pool.any(), pool.any()]
    await clock.settle()
    expect((await a).label).toBe('s2:9092/bootstrap')
    expect(await b).toBe(await a)
    expect(await pool.any()).toBe(await a)
    await clock.advance(60_000)
    expect(transport.dialled).toEqual(['s1:9092', 's2:9092'])
    expect(clock.pendingTimers).toBe(0)
  })

  test('is the least loaded of those that are ready', async () => {
    const { clock, pool } = setUp()
    pool.setBrokers(brokers(broker(1), broker(2)))
    pool.connection(1)
    pool.connection(2)
    await clock.settle()
    pool.connection(1)?.send(metadata, noTopics, { timeoutMs: 1000, settled: () => {} })
    expect((await pool.any()).nodeId).toBe(2)
  })

  test('is sought among known brokers first, then among the bootstrap servers', async () => {
    const { clock, transport, pool, refuse } = setUp()
    for (const host of ['b1', 'b2', 's1']) refuse(host)
    pool.setBrokers(brokers(broker(1), broker(2)))
    const found = pool.any()
    await clock.settle()
    expect((await found).label).toBe('s2:9092/bootstrap')
    expect(transport.dialled).toEqual(['b2:9092', 'b1:9092', 's1:9092', 's2:9092'])
  })

  test('does not wait for a slow one longer than a second before it asks the next', async () => {
    const { clock, transport, pool, refuse } = setUp()
    refuse('s1', 'hang')
    const found = pool.any()
    await clock.advance(999)
    expect(transport.dialled).toEqual(['s1:9092'])
    await clock.advance(1)
    expect((await found).host).toBe('s2')
  })

  test('leaves a slow candidate without a word once it is not needed', async () => {
    const { clock, pool, log, refuse } = setUp()
    refuse('s1', 'hang')
    pool.any()
    await clock.advance(1000)
    pool.setBrokers(brokers(broker(2, 's2')))
    await clock.advance(60_000)
    expect(log).toEqual(['connected s2'])
  })

  test('is refused with the last fault as cause when everyone has failed once', async () => {
    const { clock, pool, refuse } = setUp()
    refuse('s1')
    refuse('s2', new ConnectionError(-193, 's2:9092: the name does not resolve'))
    const failed = expect(pool.any()).rejects.toMatchObject({
      name: 'ConnectionError',
      message: expect.stringMatching(/s1:9092: refused; s2:9092: the name does not resolve/),
      cause: { code: -193 },
    })
    await clock.settle()
    await failed
  })

  test('after a failure it respects the backoff', async () => {
    const { clock, transport, pool, refuse } = setUp()
    refuse('s1')
    refuse('s2')
    const first = pool.any().catch((error: KafkaError) => error)
    await clock.settle()
    await first
    const second = pool.any().catch((error: KafkaError) => error)
    await clock.advance(99)
    expect(transport.dialled).toHaveLength(2)
    await clock.advance(1)
    expect(transport.dialled).toHaveLength(3)
    expect(await second).toMatchObject({ code: -195 })
  })

  test('finds a broker within a second of their return, however long nobody could be reached', async () => {
    const { clock, pool, refuse, accept } = setUp()
    for (const host of ['b1', 'b2', 's1', 's2']) refuse(host)
    pool.setBrokers(brokers(broker(1), broker(2)))
    for (const nodeId of [1, 2]) pool.connection(nodeId)
    for (let failed = 0; failed < 60; failed++) {
      const search = pool.any().catch((error: KafkaError) => error.codeName)
      await clock.advance(1_000)
      expect(await search).toBe('_TRANSPORT')
    }
    for (const host of ['b1', 'b2', 's1', 's2']) accept(host)
    const found = pool.any()
    await clock.advance(1_000)
    expect((await found).port).toBe(9092)
  })

  test.each<KafkaError>([new AuthenticationError('wrong password'), new ConnectionError(-181, 'unknown authority')])(
    'is refused with the refusal itself when all bootstrap servers refuse for good: $message',
    async refusal => {
      const { clock, pool } = setUp({ authenticate: () => Promise.reject(refusal) })
      const failed = expect(pool.any()).rejects.toBe(refusal)
      await clock.settle()
      await failed
    },
  )

  test('a refusal by some of the bootstrap servers is not final', async () => {
    const { clock, pool, refuse } = setUp({ authenticate: () => Promise.reject(new AuthenticationError('no')) })
    refuse('s1')
    const failed = expect(pool.any()).rejects.toMatchObject({
      name: 'ConnectionError',
      cause: { name: 'AuthenticationError' },
    })
    await clock.settle()
    await failed
  })
})

describe('bootstrap connections', () => {
  test('are kept by the broker that turns out to have that address', async () => {
    const { clock, transport, pool } = setUp()
    const found = pool.any()
    await clock.settle()
    pool.setBrokers(brokers(broker(1, 's1'), broker(2)))
    expect(pool.connection(1)).toBe(await found)
    expect((await found).label).toBe('s1:9092/1')
    expect(transport.dialled).toEqual(['s1:9092'])
  })

  test('are left as soon as a known broker is connected', async () => {
    const { clock, transport, pool } = setUp()
    const found = pool.any()
    await clock.settle()
    pool.setBrokers(brokers(broker(1)))
    expect((await found).closed).toBe(false)
    pool.connection(1)
    await clock.settle()
    expect((await found).closed).toBe(true)
    expect(transport.open).toHaveLength(1)
  })

  test('are made anew after a re-bootstrap', async () => {
    const { clock, transport, pool } = setUp()
    pool.setBrokers(brokers(broker(1)))
    pool.connection(1)
    await clock.settle()
    pool.rebootstrap()
    const found = pool.any()
    await clock.settle()
    expect((await found).host).toBe('s1')
    expect(transport.open).toHaveLength(1)
  })
})

describe('closing the pool', () => {
  test('leaves no socket, no timer and nobody waiting', async () => {
    const { clock, transport, pool, refuse } = setUp({ connectionsMaxIdleMs: 60_000 })
    refuse('b2')
    refuse('b3', 'hang')
    pool.setBrokers(brokers(broker(1), broker(2), broker(3)))
    for (const nodeId of [1, 2, 3]) pool.connection(nodeId)
    await clock.settle()
    pool.close()
    pool.close()
    await clock.settle()
    expect(transport.open).toEqual([])
    expect(clock.pendingTimers).toBe(0)
    expect(pool.connection(1)).toBeNull()
    pool.setBrokers(brokers(broker(4)))
    await expect(pool.any()).rejects.toMatchObject({ name: 'StateError' })
    expect(transport.dialled).toHaveLength(3)
  })

  test('ends a search', async () => {
    const { clock, pool, refuse } = setUp()
    refuse('s1', 'hang')
    const failed = expect(pool.any()).rejects.toMatchObject({ name: 'StateError' })
    await clock.settle()
    pool.close()
    await failed
    expect(clock.pendingTimers).toBe(0)
  })
})
