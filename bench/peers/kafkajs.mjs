// kafkajs, which has no queue: what is to be one request has to be one call.

import { readFileSync } from 'node:fs'
import { CompressionTypes, Kafka, logLevel, Partitioners } from 'kafkajs'
import { job, measure, partitionOf, valueAt } from './driver.mjs'

const { topic } = job
const manifest = new URL('node_modules/kafkajs/package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
const compressions = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP }

await measure(async () => {
  const kafka = new Kafka({ clientId: 'bench', brokers: job.servers.split(','), logLevel: logLevel.ERROR })
  const producer = kafka.producer({
    idempotent: job.isIdempotent,
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  })
  await producer.connect()
  const send = messages => producer.send({ topic, acks: -1, compression: compressions[job.codec], messages })
  const message = i => ({ value: valueAt(i), partition: partitionOf(i) })
  return {
    version,
    send: i => send([message(i)]),
    sendMany: (from, count) => send(Array.from({ length: count }, (_, n) => message(from + n))),
    flush: async () => {},
    close: () => producer.disconnect(),
  }
})
