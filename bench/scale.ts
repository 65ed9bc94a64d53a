// What a message costs when there is much of everything: partitions, each with a hundred records in a batch, brokers,
// messages in the queue, calls that wait for room in it. CPU of this process. Run it with `npm run bench -- scale`.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Producer } from '../src/index.ts'
import { MockCluster } from '../src/mock/index.ts'
import { leave } from './support/figures.ts'
import { compare } from './support/measure.ts'
import { isSink, runSink, startSink } from './support/sink.ts'

const value = Buffer.alloc(100, 'x')

const perPartition = 100

// Bursts with a flush behind them fill the batches; linger would cut them short by the clock.
async function producerAt(servers: string, queueMessages = 0): Promise<Producer> {
  const limits = { 'queue.buffering.max.messages': queueMessages, 'linger.ms': 1000 }
  const producer = new Producer({ 'bootstrap.servers': servers, ...limits })
  await producer.connect()
  return producer
}

/**
 * So many at once, spread evenly, and then all of them answered. Nothing can be answered before they are all queued, so
 * this is how long the queue gets. Each message goes to another partition, or `inARow` of them to the same.
 */
const bursts =
  (producer: Producer, topic: string, partitions: number, length: number, inARow = 1) =>
  async (messages: number) => {
    for (let i = 0; i < messages; i++) {
      producer.dispatch({ topic, value, partition: Math.floor(i / inARow) % partitions })
      if (i % length === length - 1) await producer.flush()
    }
  }

/** So many calls at once, each with a promise of its own. */
const calls = (producer: Producer, length: number) => async (messages: number) => {
  for (let sent = 0; sent < messages; sent += length) {
    const call = (_: unknown, i: number) => producer.send({ topic: 't3', value, partition: i % 3 })
    await Promise.all(Array.from({ length }, call))
  }
}

async function serveMock(): Promise<void> {
  const config = { 'retention.bytes': 1 << 16 }
  const topics = { few: { partitions: 3, config }, many: { partitions: 10_000, config } }
  const cluster = await MockCluster.start({ brokers: 50, topics, recordRequests: false })
  process.on('disconnect', () => process.exit())
  process.send?.(cluster.bootstrapServers)
}

async function main(): Promise<void> {
  const sink = await startSink()
  const producer = await producerAt(`127.0.0.1:${sink.port}`)
  const quotient = (costs: number[]): number => (costs[1] ?? NaN) / (costs[0] ?? NaN)

  const partitions = await compare(
    [
      { name: '3 partitions', run: bursts(producer, 't3', 3, 1000 * perPartition) },
      { name: '1,000 partitions', run: bursts(producer, 't1000', 1000, 1000 * perPartition) },
      {
        name: '1,000 partitions, one after the other',
        run: bursts(producer, 't1000', 1000, 1000 * perPartition, perPartition),
      },
    ],
    500_000,
  )
  const queue = await compare(
    [
      { name: 'a queue of 10,000', run: bursts(producer, 't3', 3, 10_000) },
      { name: 'a queue of 1,000,000', run: bursts(producer, 't3', 3, 1_000_000) },
    ],
    1_000_000,
    3,
  )
  const narrow = await producerAt(`127.0.0.1:${sink.port}`, 10_000)
  await compare(
    [
      { name: '100,000 calls, room for all', run: calls(producer, 100_000) },
      { name: '100,000 calls, room for 10,000', run: calls(narrow, 100_000) },
    ],
    500_000,
    3,
  )
  await narrow.close()
  await producer.close()
  sink.stop()

  const mock = fork(process.argv[1] as string, ['mock'], { execArgv: [] })
  const [servers] = (await once(mock, 'message')) as [string]
  const wide = await producerAt(servers)
  const brokers = await compare(
    [
      { name: '50 mock brokers, 3 partitions', run: bursts(wide, 'few', 3, 10_000 * perPartition) },
      { name: '50 mock brokers, 10,000 partitions', run: bursts(wide, 'many', 10_000, 10_000 * perPartition) },
      {
        name: '50 mock brokers, 10,000, one after the other',
        run: bursts(wide, 'many', 10_000, 10_000 * perPartition, perPartition),
      },
    ],
    1_000_000,
    2,
  )
  await wide.close()
  mock.disconnect()
  leave({ partitions1000: quotient(partitions), queue1000000: quotient(queue), partitions10000: quotient(brokers) })
}

if (isSink) runSink()
else if (process.argv[2] === 'mock') await serveMock()
else await main()
