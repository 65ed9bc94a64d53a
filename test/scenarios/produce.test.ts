import { describe, expect, test } from 'vitest'
import { Producer } from '../../src/index.ts'
import { MockCluster } from '../../src/mock/index.ts'

describe('a producer on a mock cluster', () => {
  test('delivers what send() was given and reports where it is', async () => {
    const cluster = await MockCluster.start({ brokers: 3, topics: { orders: { partitions: 6 } } })
    const producer = new Producer({ 'bootstrap.servers': cluster.bootstrapServers })
    const report = await producer.send({ topic: 'orders', key: 'k1', value: 'v1', partition: 2 })
    expect(report).toMatchObject({
      topic: 'orders',
      partition: 2,
      offset: 0n,
      status: 'persisted',
      error: null,
      attempts: 1,
    })
    const more = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => producer.send({ topic: 'orders', value: `v${i}` })),
    )
    expect(more.length).toBe(1000)
    const handle = producer.dispatch({ topic: 'orders', value: null, key: 'x', partition: 2 })
    expect(handle.settled).toBe(false)
    await producer.flush()
    expect(handle.report?.error).toBe(null)
    expect(await producer.close()).toEqual({ lost: 0 })
    expect(cluster.records('orders').length).toBe(1002)
    await cluster.stop()
  })
})
