import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { ConfigError, KafkaError, Producer } from 'odradek'
import { MockCluster } from 'odradek/mock'

const cluster = await MockCluster.start({ brokers: 2, topics: { orders: { partitions: 2 } } })
const producer = new Producer({ 'bootstrap.servers': cluster.bootstrapServers })
const report = await producer.send({ topic: 'orders', key: 'k', value: 'imported' })
assert.equal(report.status, 'persisted')
const [record] = cluster.log('orders', report.partition)
assert.equal(new TextDecoder().decode(record.value), 'imported')
await producer.close()
await cluster.stop()

// The two copies in one process recognise each other's errors.
const copy = createRequire(import.meta.url)('odradek')
assert.notEqual(copy.Producer, Producer)
assert.throws(
  () => new copy.Producer({ 'linger.ms': 'soon' }),
  error => error instanceof ConfigError && error instanceof KafkaError,
)
console.log('import works')
