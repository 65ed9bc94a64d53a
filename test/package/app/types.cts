import odradek = require('odradek')
import mock = require('odradek/mock')

async function send(): Promise<odradek.DeliveryReport> {
  const cluster = await mock.MockCluster.start({ brokers: 1, topics: { orders: { partitions: 1 } } })
  const producer = new odradek.Producer({ 'bootstrap.servers': cluster.bootstrapServers })
  return producer.send({ topic: 'orders', value: 'v' })
}

const recording: odradek.Producer = new mock.RecordingProducer()

export = { send, recording }
