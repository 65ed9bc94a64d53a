// The mock cluster: what it takes from a producer in another process, how fast it starts, what a thousand of them leave.
// Run it with `npm run bench mock`.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Producer } from '../src/index.ts'
import { MockCluster } from '../src/mock/index.ts'

const rounds = 5
const messages = 2_000_000
// Text as programs make it: in one piece.
const value = JSON.stringify({ id: 4711, text: 'x'.repeat(79) })
const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[times.length >> 1] ?? 0
const seconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1e6

async function serve(): Promise<void> {
  const config = { 'retention.bytes': 1 << 24 }
  const topics = { orders: { partitions: 6, config } }
  const cluster = await MockCluster.start({ brokers: 3, topics, recordRequests: false })
  const start = process.cpuUsage()
  process.on('message', () => {
    const stored = cluster.topics()[0]?.partitions.reduce((sum, { endOffset }) => sum + Number(endOffset), 0)
    process.send?.({ stored, cpu: seconds(process.cpuUsage(start)), rssMb: process.memoryUsage().rss / 1e6 })
  })
  process.on('disconnect', () => process.exit())
  process.send?.(cluster.bootstrapServers)
}

async function throughput(): Promise<void> {
  const child = fork(process.argv[1] as string, ['serve'], { execArgv: [] })
  const [servers] = (await once(child, 'message')) as [string]
  const producer = new Producer({ 'bootstrap.servers': servers, topics: ['orders'], 'linger.ms': 5 })
  await producer.connect()
  const message = { topic: 'orders', value }
  const rates: number[] = []
  const cpuStart = process.cpuUsage()
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    for (let i = 0; i < messages; ) {
      const room = Math.min(messages - i, 100_000 - producer.queueSize)
      for (const end = i + room; i < end; i++) producer.dispatch(message)
      await new Promise(setImmediate)
    }
    await producer.flush()
    rates.push((messages / (performance.now() - start)) * 1000)
  }
  const cpu = seconds(process.cpuUsage(cpuStart))
  child.send('report')
  const [report] = (await once(child, 'message')) as [{ stored: number; cpu: number; rssMb: number }]
  await producer.close()
  child.disconnect()
  const all = rounds * messages
  if (report.stored !== all) throw new Error(`${report.stored} of ${all} messages are there`)
  const shown = (rate: number): string => Math.round(rate).toLocaleString('en')
  console.log(
    `${shown(median(rates))} messages/s of ${value.length} bytes, the best of ${rounds} rounds ${shown(Math.max(...rates))}; idempotent, 6 partitions`,
  )
  const perMillion = (cpuSeconds: number): string => (cpuSeconds / (all / 1e6)).toFixed(2)
  console.log(`CPU seconds per million messages: the mock ${perMillion(report.cpu)}, the producer ${perMillion(cpu)}`)
  console.log(`the mock's memory: ${Math.round(report.rssMb)} MB`)
}

async function starts(): Promise<void> {
  const options = { brokers: 3, topics: { orders: { partitions: 6 } } }
  const cycle = async (): Promise<number> => {
    const start = performance.now()
    const cluster = await MockCluster.start(options)
    const took = performance.now() - start
    await cluster.stop()
    return took
  }
  const first = await cycle()
  for (let i = 0; i < 200; i++) await cycle()
  const measure = async (): Promise<{ heap: number; handles: number }> => {
    // What is closed goes over some turns of the event loop.
    for (let i = 0; i < 5; i++) {
      await new Promise(resolve => setTimeout(resolve, 20))
      gc?.()
    }
    return { heap: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().length }
  }
  const before = await measure()
  const times = []
  for (let i = 0; i < 1000; i++) times.push(await cycle())
  const after = await measure()
  console.log(
    `start of 3 brokers on real ports: the first ${first.toFixed(1)} ms, later ${median(times).toFixed(2)} ms`,
  )
  const kilobytes = (after.heap - before.heap) / 1000
  console.log(
    `1,000 starts and stops: ${kilobytes.toFixed(0)} KB of heap and ${after.handles - before.handles} handles more`,
  )
}

if (process.argv[2] === 'serve') await serve()
else {
  await starts()
  await throughput()
}
