import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import { Producer } from '../../src/index.ts'
import { MockCluster } from '../../src/mock/index.ts'
import { initProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { txnOffsetCommit } from '../../src/protocol/apis/txn-offset-commit.ts'
import { batch } from './batches.ts'
import { produceBatch } from './produce-request.ts'
import { RawClient } from './raw-client.ts'

async function start(options: Parameters<typeof MockCluster.start>[0] = {}) {
  const cluster = await MockCluster.start({ topics: { orders: { partitions: 2 } }, ...options, transport: 'memory' })
  const [address = ''] = cluster.bootstrapServers.split(',')
  return { cluster, raw: await RawClient.connect(cluster.transport, address) }
}

test('waiting ends when what is waited for is there, with what the predicate gives', async () => {
  const { cluster, raw } = await start()
  const waiting = cluster.waitFor(({ records }) => records.call(cluster, 'orders').find(({ value }) => value !== null))
  await produceBatch(raw, batch([null]))
  await produceBatch(raw, batch(['here']))
  expect((await waiting).offset).toBe(1n)
  expect(await cluster.waitFor(() => 7)).toBe(7)
  await cluster.stop()
})

test('waiting in vain tells what was seen instead', async () => {
  const { cluster, raw } = await start()
  await produceBatch(raw, batch(['a', 'b']), { partition: 1 })
  const waiting = cluster.waitFor(() => cluster.records('orders').length === 3, { timeoutMs: 30 })
  const message = waiting.catch((error: Error) => error.message)
  expect(await message).toMatch(
    /within 30 ms: .*length === 3\ntopics:\n {2}orders: 2 records \(by partition: 0, 2\)\nrequests: 1, the last ones:\n {2}Produce v9 to broker 1 from raw at /,
  )
  await expect(cluster.waitFor(() => cluster.log('ordres', 0))).rejects.toThrow(
    "there is no topic 'ordres', there is 'orders'",
  )
  expect(() => cluster.log('orders', 5)).toThrow("there is no partition 5 of topic 'orders', it has 2")
  await cluster.stop()
})

test('a transaction is there while it is open, and when its time is over', async () => {
  const { cluster, raw } = await start()
  const wanted = { transactionalId: 'till-7', transactionTimeoutMs: 200 }
  const answer = await raw.call(initProducerId, 5, wanted)
  const { producerId = 0n, producerEpoch = 0 } = answer ?? {}
  const stamp = { producerId, producerEpoch, baseSequence: 0, attributes: 16 }
  await produceBatch(raw, batch(['a'], stamp), { version: 12, transactionalId: 'till-7' })
  const offset = { partitionIndex: 0, committedOffset: 5n, committedMetadata: 'm' }
  await raw.call(txnOffsetCommit, 5, {
    ...{ transactionalId: 'till-7', groupId: 'tills', producerId, producerEpoch },
    topics: [{ name: 'orders', partitions: [offset] }],
  })
  const open = {
    ...{ transactionalId: 'till-7', producerId, producerEpoch: 0 },
    ...{ partitions: [{ topic: 'orders', partition: 0 }], groups: ['tills'] },
    offsets: [{ groupId: 'tills', topic: 'orders', partition: 0, offset: 5n, metadata: 'm' }],
  }
  expect(cluster.transactions()).toEqual([{ ...open, outcome: 'open', endedBy: null }])
  expect(cluster.log('orders', 0)[0]?.transaction).toBe('open')

  const over = cluster.waitFor(() => cluster.transactions()[0]?.outcome !== 'open')
  expect(await over).toBe(true)
  expect(cluster.transactions()).toEqual([{ ...open, outcome: 'aborted', endedBy: 'timeout' }])
  expect(cluster.log('orders', 0)[0]?.transaction).toBe('aborted')
  expect(cluster.describe()).toContain('till-7, epoch 0: aborted, orders[0]')
  await cluster.stop()
})

test('a coordinator can be moved, and the others say that it is not them', async () => {
  const { cluster } = await start({ brokers: 2 })
  cluster.moveCoordinator('transaction', 'till-7', 2)
  const wanted = { transactionalId: 'till-7', transactionTimeoutMs: 60_000 }
  const codes = []
  for (const address of cluster.bootstrapServers.split(',')) {
    const raw = await RawClient.connect(cluster.transport, address)
    codes.push((await raw.call(initProducerId, 5, wanted))?.errorCode)
  }
  expect(codes).toEqual([16, 0])
  await cluster.stop()
})

test('acks all need the replicas that the topic asks for', async () => {
  const config = { 'min.insync.replicas': 2 }
  const { cluster, raw } = await start({ brokers: 3, topics: { orders: { config } } })
  expect(await produceBatch(raw, batch(['a']))).toMatchObject({ errorCode: 0 })
  cluster.brokerDown(2)
  expect(await produceBatch(raw, batch(['b']))).toMatchObject({ errorCode: 0 })
  cluster.brokerDown(3)
  expect(await produceBatch(raw, batch(['c']))).toMatchObject({ errorCode: 19 })
  expect(await produceBatch(raw, batch(['d']), { acks: 1 })).toMatchObject({ errorCode: 0 })
  await cluster.brokerUp(2)
  expect(await produceBatch(raw, batch(['e']))).toMatchObject({ errorCode: 0 })
  await cluster.stop()
})

test('a thousand clusters on real ports come and go, and leave nothing behind', { timeout: 60_000 }, async () => {
  const cycle = async () => {
    const cluster = await MockCluster.start({ brokers: 3, topics: { orders: { partitions: 6 } } })
    await cluster.stop()
  }
  for (let i = 0; i < 50; i++) await cycle()
  const handles = process.getActiveResourcesInfo().length
  for (let i = 0; i < 1000; i++) await cycle()
  expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(handles + 1)
})

test('a producer speaks to every release and product', async () => {
  for (const options of [
    ...['2.1', '2.8', '3.9', '4.0', '4.3', '4.4'].map(kafkaVersion => ({ kafkaVersion })),
    { like: 'redpanda' as const },
    { like: 'event-hubs' as const },
  ]) {
    const cluster = await MockCluster.start({ ...options, topics: { orders: {} } })
    const producer = new Producer({ 'bootstrap.servers': cluster.bootstrapServers })
    await producer.send({ topic: 'orders', value: 'v' })
    expect(Buffer.from(cluster.log('orders', 0)[0]?.value ?? []).toString(), JSON.stringify(options)).toBe('v')
    await producer.close()
    await cluster.stop()
  }
})
