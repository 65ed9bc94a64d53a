import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { nodeTransport } from '../../src/cluster/node-transport.ts'
import { MockCluster, type MockResponse } from '../../src/mock/index.ts'
import { createTopics } from '../../src/protocol/apis/create-topics.ts'
import { initProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { encodeRequest } from '../../src/protocol/header.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { batch, sequenced } from './batches.ts'
import { produceBatch, produceBody } from './produce-request.ts'
import { RawClient } from './raw-client.ts'

const askForOrders = { topics: [{ name: 'orders' }], allowAutoTopicCreation: false }
const askForId = { transactionalId: null, transactionTimeoutMs: 0 }

describe.each(['memory', 'tcp'] as const)('over %s', way => {
  let cluster: MockCluster
  let raw: RawClient

  beforeEach(async () => {
    cluster = await MockCluster.start({ brokers: 2, transport: way, topics: { orders: { partitions: 2 } } })
    raw = await connect()
  })
  afterEach(() => cluster.stop())

  const address = (broker: number) => cluster.bootstrapServers.split(',')[broker - 1] ?? ''
  const transport = () => (way === 'tcp' ? nodeTransport() : cluster.transport)
  const connect = (broker = 1) => RawClient.connect(transport(), address(broker))
  const errorOf = async (client = raw, partition = 0) => {
    const answer = await produceBatch(client, batch(['x']), { partition })
    return answer === null ? 'closed' : answer.errorCode
  }

  test('errors meant for the next requests are answered one by one, and nothing is appended', async () => {
    cluster.failNext('Produce', 'NOT_LEADER_OR_FOLLOWER', 'REQUEST_TIMED_OUT')
    expect([await errorOf(), await errorOf(), await errorOf()]).toEqual([6, 7, 0])
    expect(cluster.log('orders', 0)).toHaveLength(1)
  })

  test('every API has its own way of saying nothing but an error', async () => {
    const apis = ['Metadata', 'InitProducerId', 'CreateTopics', 'Produce'] as const
    for (const api of apis) cluster.failNext(api, 'CLUSTER_AUTHORIZATION_FAILED')
    expect((await raw.call(metadata, 9, askForOrders))?.topics).toMatchObject([{ errorCode: 31, name: 'orders' }])
    expect(await raw.call(initProducerId, 4, askForId)).toMatchObject({ errorCode: 31, producerId: -1n })
    const creation = { name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    const created = await raw.call(createTopics, 5, { topics: [creation], timeoutMs: 0, validateOnly: false })
    expect(created?.topics[0]?.errorCode).toBe(31)
    expect(await errorOf()).toBe(31)
  })

  test('an error can be meant for one broker, or for one partition', async () => {
    cluster.failNextOn(2, 'Produce', 'KAFKA_STORAGE_ERROR')
    cluster.failPartition('orders', 0, 'NOT_ENOUGH_REPLICAS', 'INVALID_TXN_STATE')
    const other = await connect(2)
    expect([await errorOf(), await errorOf(), await errorOf()]).toEqual([19, 48, 0])
    expect([await errorOf(other, 1), await errorOf(other, 1)]).toEqual([56, 0])
  })

  test('_TRANSPORT among the errors closes the connection', async () => {
    cluster.failNext('Produce', '_TRANSPORT')
    expect([await errorOf(), await errorOf(await connect())]).toEqual(['closed', 0])
  })

  test('an error that Kafka does not have is refused at once', () => {
    expect(() => cluster.failNext('Produce', 'NO_SUCH_ERROR')).toThrow('NO_SUCH_ERROR')
    expect(() => cluster.failPartition('orders', 0, '_QUEUE_FULL')).toThrow('_QUEUE_FULL')
    expect(() => cluster.failPartition('orders', 7, 'NONE')).toThrow('partition 7')
    expect(() => cluster.failNextOn(9, 'Produce', 'NONE')).toThrow('broker 9')
    expect(() => cluster.brokerDown(9)).toThrow('broker 9')
    expect(() => cluster.log('nowhere', 0)).toThrow("'nowhere'")
  })

  test('records can be named as the reason of a refusal', async () => {
    cluster.perRecordErrors('orders', 0, [{ index: 1, message: 'too odd' }, { index: 2 }], { message: 'two are odd' })
    expect(await produceBatch(raw, batch(['a', 'b', 'c']))).toMatchObject({
      errorCode: 87,
      errorMessage: 'two are odd',
      recordErrors: [
        { batchIndex: 1, batchIndexErrorMessage: 'too odd' },
        { batchIndex: 2, batchIndexErrorMessage: null },
      ],
    })
  })

  test('a disconnect before processing loses the batch, one after processing makes the retry a duplicate', async () => {
    cluster.disconnectNext('Produce', 'beforeProcessing')
    expect(await produceBatch(raw, sequenced(0))).toBeNull()
    expect(cluster.log('orders', 0)).toHaveLength(0)
    cluster.disconnectNext('Produce', 'afterProcessing')
    expect(await produceBatch(await connect(), sequenced(0))).toBeNull()
    expect(cluster.log('orders', 0)).toHaveLength(1)
    expect(await produceBatch(await connect(), sequenced(0))).toMatchObject({ errorCode: 0, baseOffset: 0n })
    expect(cluster.log('orders', 0)).toHaveLength(1)
  })

  test('a broker that is down closes its connections and refuses new ones until it is up again', async () => {
    const before = cluster.bootstrapServers
    cluster.brokerDown(1)
    await raw.closed
    await expect(connect(1)).rejects.toMatchObject({ code: -195 })
    expect(await errorOf(await connect(2), 1)).toBe(0)
    await cluster.brokerUp(1)
    expect(await errorOf(await connect(1))).toBe(0)
    expect(cluster.bootstrapServers).toBe(before)
  })

  test('a broker that is removed hands over what it led', async () => {
    await cluster.removeBroker(1)
    await raw.closed
    expect(cluster.leader('orders', 0)).toBe(2)
    expect(await errorOf(await connect(1))).toBe(0)
  })

  test('requests are answered in their order, whatever each takes', async () => {
    let release = () => {}
    cluster.control(
      'Produce',
      () =>
        new Promise(resolve => {
          release = () => resolve(undefined)
        }),
    )
    const order: string[] = []
    const slow = raw.call(produce, 9, produceBody(batch(['x']))).then(() => order.push('Produce'))
    const fast = raw.call(metadata, 9, askForOrders).then(() => order.push('Metadata'))
    await errorOf(await connect(2), 1) // another connection does not wait
    expect(order).toEqual([])
    release()
    await Promise.all([slow, fast])
    expect(order).toEqual(['Produce', 'Metadata'])
  })

  test('many requests sent at once all get their answers', async () => {
    const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => produceBatch(raw, sequenced(i))))
    expect(answers.map(answer => answer?.baseOffset)).toEqual(answers.map((_, i) => BigInt(i)))
  })

  test('requests are remembered, decoded, with time and place', async () => {
    await errorOf()
    await raw.call(metadata, 12, askForOrders)
    await errorOf(await connect(2), 1)
    expect(cluster.requests().map(({ api, broker, version }) => [api, broker, version])).toEqual([
      ['Produce', 1, 9],
      ['Metadata', 1, 12],
      ['Produce', 2, 9],
    ])
    expect(cluster.requests({ api: 'Produce', broker: 2 })[0]?.body.topicData[0]?.partitionData[0]?.index).toBe(1)
    expect(cluster.requests({ broker: 1 })[0]).toMatchObject({ clientId: 'raw', connection: 1 })
    cluster.clearRequests()
    expect(cluster.requests()).toEqual([])
  })
})

describe('controls', () => {
  let cluster: MockCluster
  let raw: RawClient

  beforeEach(async () => {
    cluster = await MockCluster.start({ transport: 'memory', topics: { orders: {} } })
    raw = await RawClient.connect(cluster.transport, cluster.bootstrapServers)
  })
  afterEach(() => cluster.stop().catch(() => {}))

  const nextId = async () => (await raw.call(initProducerId, 4, askForId))?.producerId
  const idAnswer = (producerId: bigint): MockResponse<'InitProducerId'> => ({
    throttleTimeMs: 0,
    errorCode: 0,
    producerId,
    producerEpoch: 0,
  })

  test('a control that answers is gone, unless it is to stay for more', async () => {
    cluster.control('InitProducerId', () => ({ respond: idAnswer(1n) }))
    cluster.control('InitProducerId', () => ({ respond: idAnswer(2n) }), { times: 2 })
    expect([await nextId(), await nextId(), await nextId(), await nextId()]).toEqual([1n, 2n, 2n, 1000n])
  })

  test('a control that gives nothing only looks on, and stays', async () => {
    const seen: string[] = []
    const remove = cluster.control('*', (_request, { api, version, broker, clientId }) => {
      seen.push(`${api} ${version} ${broker} ${clientId}`)
      return undefined
    })
    await nextId()
    await raw.call(metadata, 9, askForOrders)
    remove()
    await nextId()
    expect(seen).toEqual(['InitProducerId 4 1 raw', 'Metadata 9 1 raw'])
  })

  test('a control can change what the broker would answer', async () => {
    cluster.control('InitProducerId', async (_request, { process }) => {
      const answer = await process()
      return { respond: { ...answer, producerEpoch: 9 } }
    })
    expect(await raw.call(initProducerId, 4, askForId)).toMatchObject({ producerId: 1000n, producerEpoch: 9 })
  })

  test('a control that is still thinking is not asked again', async () => {
    let release = () => {}
    cluster.control(
      'InitProducerId',
      () =>
        new Promise(resolve => {
          release = () => resolve({ error: 'COORDINATOR_NOT_AVAILABLE' })
        }),
    )
    const held = nextId()
    const other = await RawClient.connect(cluster.transport, cluster.bootstrapServers)
    expect(await other.call(initProducerId, 4, askForId)).toMatchObject({ errorCode: 0 })
    release()
    expect(await held).toBe(-1n)
  })

  test('errors that come from acks 0 still close the connection', async () => {
    cluster.failNext('Produce', 'NOT_LEADER_OR_FOLLOWER')
    expect(await produceBatch(raw, batch(['x']), { acks: 0 })).toBeNull()
  })

  test('a control that throws closes the connection and fails stop()', async () => {
    cluster.control('InitProducerId', () => {
      throw new Error('a mistake in a test')
    })
    expect(await nextId()).toBeUndefined()
    await expect(cluster.stop()).rejects.toThrow('a mistake in a test')
  })
})

describe('time', () => {
  const clock = new FakeClock()
  let cluster: MockCluster
  let raw: RawClient

  async function connect(): Promise<RawClient> {
    const connecting = RawClient.connect(cluster.transport, cluster.bootstrapServers.split(',')[0] ?? '')
    await clock.settle()
    return connecting
  }
  beforeEach(async () => {
    cluster = await MockCluster.start({ transport: 'memory', brokers: 2, clock, topics: { orders: {} } })
    raw = await connect()
  })
  afterEach(async () => {
    await cluster.stop()
    await clock.settle()
    expect(clock.pendingTimers).toBe(0)
  })

  /** Sends and lists the milliseconds until each answer, as they come in. */
  function times(...versions: number[]): number[] {
    const started = clock.now()
    const took: number[] = []
    for (const version of versions) {
      void raw.call(produce, version, produceBody(batch(['x']))).then(answer => {
        took.push(answer === null ? -1 : clock.now() - started)
      })
    }
    return took
  }

  test('a round trip delays the answer, not the work, and requests on their way overlap', async () => {
    cluster.rtt(100)
    const took = times(9, 9)
    await clock.advance(10)
    expect(cluster.log('orders', 0)).toHaveLength(2)
    took.push(...times(9))
    await clock.advance(89)
    expect(took).toEqual([])
    await clock.advance(100)
    expect(took).toEqual([100, 100])
  })

  test('a round trip can be that of one broker, and an answer never overtakes another', async () => {
    cluster.rtt(2, 500)
    const near = times(9)
    await clock.settle()
    expect(near).toEqual([0])
    cluster.rtt(1, 50)
    const slow = times(9)
    await clock.settle()
    cluster.rtt(1, 0)
    const fast = times(9)
    await clock.settle()
    expect(fast).toEqual([])
    await clock.advance(50)
    expect([slow, fast]).toEqual([[50], [50]])
  })

  test('a request that hangs is never answered, nor is the next on that connection', async () => {
    cluster.hangNext('Produce')
    const took = times(9, 9)
    await clock.advance(600_000)
    expect(took).toEqual([])
    expect(cluster.log('orders', 0)).toEqual([])
    raw = await connect()
    const after = times(9)
    await clock.settle()
    expect(after).toEqual([0])
  })

  test('a throttle answers at once and then stops serving the connection', async () => {
    cluster.throttle(300)
    const answering = raw.call(produce, 9, produceBody(batch(['x'])))
    await clock.settle()
    expect((await answering)?.throttleTimeMs).toBe(300)
    cluster.throttle(0)
    const took = times(9)
    await clock.advance(299)
    expect(took).toEqual([])
    await clock.advance(1)
    expect(took).toEqual([300])
  })

  test('a throttle of old holds the answer back instead', async () => {
    cluster.throttle(300)
    const took = times(5)
    await clock.advance(299)
    expect(took).toEqual([])
    await clock.advance(1)
    expect(took).toEqual([300])
  })

  test('a throttle can be meant for one API', async () => {
    cluster.throttle(300, { api: 'Produce' })
    const answering = raw.call(metadata, 9, askForOrders)
    await clock.settle()
    expect((await answering)?.throttleTimeMs).toBe(0)
  })

  test('requests carry the time by that clock', async () => {
    times(9)
    await clock.advance(5)
    times(9)
    await clock.settle()
    const [first = 0, second = 0] = cluster.requests().map(({ time }) => time)
    expect(second - first).toBe(5)
  })

  test('a client that writes on while nothing is served is told to wait, and later to go on', async () => {
    let release = () => {}
    const held = new Promise<undefined>(resolve => {
      release = () => resolve(undefined)
    })
    cluster.control('Metadata', () => held)
    const small = encodeRequest(metadata, 9, 1, 'raw', askForOrders)
    const large = encodeRequest(produce, 9, 1, 'raw', produceBody(batch(['x'.repeat(300_000)])))
    const { socket, drained } = await openSocket()
    expect(socket.write(Array.from({ length: 100 }, () => small).flat(), () => {})).toBe(true)
    await clock.settle()
    expect(socket.write(large, () => {})).toBe(false)
    await clock.settle()
    expect(drained()).toBe(0)
    release()
    await clock.settle()
    expect(drained()).toBe(1)
    expect(cluster.log('orders', 0)).toHaveLength(1)
  })

  async function openSocket() {
    let drained = 0
    const [host = '', port] = cluster.bootstrapServers.split(',')[0]?.split(':') ?? []
    const on = { data: () => {}, drained: () => drained++, closed: () => {} }
    const connecting = cluster.transport.connect({ host, port: Number(port) }, on)
    await clock.settle()
    return { socket: await connecting, drained: () => drained }
  }
})
