// Ends without process.exit(): closed producers and clusters must not hold the process, nor may idle ones.
import { Producer } from 'odradek'
import { MockCluster } from 'odradek/mock'

const cluster = await MockCluster.start({ brokers: 3, topics: { orders: { partitions: 3 } } })
const used = new Producer({ 'bootstrap.servers': cluster.bootstrapServers })
await used.connect()
await used.send({ topic: 'orders', value: 'v' })
await used.close()

// Never connected, and nobody there to connect to.
const unused = new Producer({ 'bootstrap.servers': 'localhost:1' })
await unused.close()
await cluster.stop()
process.once('exit', () => console.log('left by itself'))
