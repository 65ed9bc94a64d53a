// @platformatic/kafka reads metadata and produces as many messages as it is told; it prints how many partitions it saw.

import { Producer, stringSerializers } from '@platformatic/kafka'

const [servers, topic, count] = process.argv.slice(2)
const producer = new Producer({
  clientId: 'foreign',
  bootstrapBrokers: servers.split(','),
  serializers: stringSerializers,
  idempotent: true,
})
const metadata = await producer.metadata({ topics: [topic] })
const messages = Array.from({ length: 1000 }, (_, i) => ({ topic, key: `k${i}`, value: 'x'.repeat(100) }))
for (let sent = 0; sent < Number(count); sent += messages.length) await producer.send({ messages })
await producer.close()
console.log(metadata.topics.get(topic).partitionsCount)
