// @platformatic/kafka with its safest settings.

import { ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'
import { produce, servers, topic } from './program.mjs'

const producer = new Producer({
  clientId: 'peer',
  bootstrapBrokers: servers.split(','),
  serializers: stringSerializers,
  idempotent: true,
})
await produce(
  message => producer.send({ acks: ProduceAcks.ALL, messages: [{ topic, ...message }] }),
  () => producer.close(),
)
