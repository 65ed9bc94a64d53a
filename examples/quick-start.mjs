// node examples/quick-start.mjs [HOST:PORT]      without an address, to a mock cluster in this process
import { Producer } from 'odradek'
import { MockCluster } from 'odradek/mock'

const [address] = process.argv.slice(2)
const cluster = address ? null : await MockCluster.start({ brokers: 1, topics: { orders: { partitions: 3 } } })
const producer = new Producer({ 'bootstrap.servers': address ?? cluster.bootstrapServers })

// One message, and where it went.
const report = await producer.send({ topic: 'orders', key: 'customer-1', value: JSON.stringify({ item: 'lamp' }) })
console.log(`${report.topic}[${report.partition}] at offset ${report.offset}`)

// Many, without waiting for each: the handles know the verdicts.
const handles = Array.from({ length: 1000 }, (_, n) => producer.dispatch({ topic: 'orders', value: `order ${n}` }))
await producer.flush()
console.log(
  `${handles.filter(handle => handle.report?.status === 'persisted').length} of ${handles.length} are persisted`,
)

const { lost } = await producer.close()
await cluster?.stop()
process.exitCode = lost === 0 ? 0 : 1
