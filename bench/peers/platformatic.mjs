// @platformatic/kafka, which has no queue either, but a stream that makes batches.

import { readFileSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import { ProduceAcks, Producer } from '@platformatic/kafka'
import { job, measure, partitionOf, turn, valueAt } from './driver.mjs'

const { topic } = job
const manifest = new URL('node_modules/@platformatic/kafka/package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
const options = { acks: ProduceAcks.ALL, compression: job.codec }
const batchSize = 1000

await measure(async () => {
  const producer = new Producer({
    clientId: 'bench',
    bootstrapBrokers: job.servers.split(','),
    idempotent: job.isIdempotent,
  })
  await producer.metadata({ topics: [topic] })
  const message = i => ({ topic, value: valueAt(i), partition: partitionOf(i) })
  return {
    version,
    send: i => producer.send({ ...options, messages: [message(i)] }),
    sendMany: (from, count) =>
      producer.send({ ...options, messages: Array.from({ length: count }, (_, n) => message(from + n)) }),
    async writable(isOver) {
      const limits = { highWaterMark: 5 * batchSize, batchSize, batchTime: job.lingerMs }
      const stream = producer.asStream({ ...options, ...limits })
      let i = 0
      while (!isOver()) {
        const full = !stream.write(message(i++))
        if (full) await new Promise(resolve => stream.once('drain', resolve))
        else if (i % batchSize === 0) await turn()
      }
      stream.end()
      await finished(stream)
      return i
    },
    flush: async () => {},
    close: () => producer.close(),
  }
})
