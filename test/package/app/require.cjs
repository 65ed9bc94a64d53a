const assert = require('node:assert/strict')
const { Producer } = require('odradek')
const { MockCluster } = require('odradek/mock')

async function main() {
  const cluster = await MockCluster.start({ brokers: 2, topics: { orders: { partitions: 2 } } })
  const producer = new Producer({ 'bootstrap.servers': cluster.bootstrapServers })
  const report = await producer.send({ topic: 'orders', key: 'k', value: 'required' })
  assert.equal(report.status, 'persisted')
  const [record] = cluster.log('orders', report.partition)
  assert.equal(new TextDecoder().decode(record.value), 'required')
  await producer.close()
  await cluster.stop()
  console.log('require works')
}

main()
