// kafkajs with its safest settings.

import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { produce, servers, topic } from './program.mjs'

const kafka = new Kafka({ clientId: 'peer', brokers: servers.split(','), logLevel: logLevel.NOTHING })
const producer = kafka.producer({
  idempotent: true,
  maxInFlightRequests: 1,
  createPartitioner: Partitioners.DefaultPartitioner,
})
await producer.connect()
await produce(
  message => producer.send({ topic, acks: -1, messages: [message] }),
  () => producer.disconnect(),
)
