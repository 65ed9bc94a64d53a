// kafkajs reads metadata and produces as many messages as it is told; it prints how many partitions it saw.

import { Kafka, Partitioners } from 'kafkajs'

const [servers, topic, count] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'foreign', brokers: servers.split(',') })
const admin = kafka.admin()
await admin.connect()
const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
await admin.disconnect()
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
await producer.connect()
const messages = Array.from({ length: 1000 }, (_, i) => ({ key: `k${i}`, value: 'x'.repeat(100) }))
for (let sent = 0; sent < Number(count); sent += messages.length) await producer.send({ topic, messages })
await producer.disconnect()
console.log(topics[0].partitions.length)
