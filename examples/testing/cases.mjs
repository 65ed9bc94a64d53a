// What the four test files have in common, so that they differ in nothing but their runner.

import { Producer } from 'odradek'
import { MockCluster, RecordingProducer } from 'odradek/mock'
import { Shop } from './orders.mjs'

/** A unit test: no cluster, no socket, no waiting. */
export async function recorded() {
  const producer = new RecordingProducer()
  const shop = new Shop(producer)
  await shop.sell('ada', 'spool')
  producer.failNext('NOT_ENOUGH_REPLICAS')
  const failed = await shop.sell('bob', 'thread')
  return { sent: producer.sent.map(({ key }) => key), failed, unreported: shop.unreported }
}

/** The whole way: a real producer, a cluster that checks what a broker checks, and a leader that moves meanwhile. */
export async function delivered() {
  const cluster = await MockCluster.start({ brokers: 3, topics: { orders: { partitions: 1 } } })
  const producer = new Producer({ 'bootstrap.servers': cluster.bootstrapServers, 'retry.backoff.ms': 1 })
  try {
    const shop = new Shop(producer)
    const first = await shop.sell('ada', 'spool')
    cluster.moveLeader('orders', 0, 2)
    const second = await shop.sell('ada', 'thread')
    const last = await cluster.waitFor(() => cluster.log('orders', 0)[1])
    return { first, second, last: Buffer.from(last.value).toString(), unreported: shop.unreported }
  } finally {
    await producer.close()
    await cluster.stop()
  }
}
