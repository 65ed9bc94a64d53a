// node examples/quick-start.cjs [HOST:PORT]      without an address, to a mock cluster in this process
const { KafkaError, Producer } = require('odradek')
const { MockCluster } = require('odradek/mock')

async function main([address]) {
  const cluster = address ? null : await MockCluster.start({ brokers: 1, topics: { orders: { partitions: 3 } } })
  const producer = new Producer({ 'bootstrap.servers': address ?? cluster.bootstrapServers })
  try {
    const report = await producer.send({ topic: 'orders', key: 'customer-1', value: 'a lamp' })
    console.log(`${report.topic}[${report.partition}] at offset ${report.offset}`)
    // A partition that the topic does not have: errors carry Kafka's or librdkafka's code and its name.
    await producer.send({ topic: 'orders', partition: 99, value: 'nobody gets this' })
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    console.log(`${error.codeName} (${error.code}): ${error.message}`)
  } finally {
    await producer.close()
    await cluster?.stop()
  }
}

main(process.argv.slice(2))
