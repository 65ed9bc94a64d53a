// odradek, the package as it was built.

import { readFileSync } from 'node:fs'
import { Producer, QueueFullError } from '../../dist/esm/index.js'
import { job, measure, partitionOf, turn, valueAt } from './driver.mjs'

const { topic } = job
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const message = i => ({ topic, value: valueAt(i), partition: partitionOf(i) })
const perTurn = 10_000

await measure(async () => {
  const producer = new Producer({
    'bootstrap.servers': job.servers,
    'enable.idempotence': job.isIdempotent,
    'linger.ms': job.lingerMs,
    'compression.codec': job.codec,
    'queue.buffering.max.messages': job.queueMessages,
    'queue.buffering.max.kbytes': job.queueKbytes,
    topics: [topic],
  })
  let failed = 0
  let acknowledged = 0
  producer.on('message.failed', () => failed++)
  // One call per message, as other clients have it: what asking for that costs.
  if (job.words.listen === 'true') producer.on('message.acknowledged', () => acknowledged++)
  await producer.connect()
  return {
    version,
    async dispatch(isOver) {
      let i = 0
      while (!isOver()) {
        try {
          for (let n = 0; n < perTurn; n++, i++) producer.dispatch(message(i))
          await turn()
        } catch (error) {
          if (!(error instanceof QueueFullError)) throw error
          await producer.dispatchWait(message(i++))
        }
      }
      return i
    },
    async writable(isOver) {
      const writer = producer.writable().getWriter()
      let i = 0
      while (!isOver()) {
        if (writer.desiredSize <= 0) await writer.ready
        writer.write(message(i++))
        if (i % perTurn === 0) await turn()
      }
      await writer.close()
      return i
    },
    send: i => producer.send(message(i)),
    sendMany: (from, count) => producer.sendMany(Array.from({ length: count }, (_, n) => message(from + n))),
    flush: () => producer.flush(),
    failed: () => failed,
    close: () => producer.close(),
  }
})
