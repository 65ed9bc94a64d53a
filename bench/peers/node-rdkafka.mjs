// node-rdkafka: librdkafka behind a binding. Delivery reports come when it is polled.

import Kafka from 'node-rdkafka'
import { job, measure, partitionOf, turn, valueAt } from './driver.mjs'

const { topic } = job
const queueFull = Kafka.CODES.ERRORS.ERR__QUEUE_FULL
const perTurn = 1000

await measure(async () => {
  const producer = new Kafka.Producer({
    'bootstrap.servers': job.servers,
    'enable.idempotence': job.isIdempotent,
    'linger.ms': job.lingerMs,
    'compression.codec': job.codec,
    'queue.buffering.max.messages': job.queueMessages,
    'queue.buffering.max.kbytes': job.queueKbytes,
    dr_cb: true,
  })
  let failed = 0
  let waiting = 0
  producer.on('delivery-report', (error, { opaque }) => {
    waiting--
    if (error) failed++
    opaque?.(error)
  })
  producer.on('event.error', error => console.error(error.message))
  await new Promise((resolve, reject) => producer.connect({}, error => (error ? reject(error) : resolve())))
  producer.setPollInterval(1)

  /** Resolves when the message is queued. */
  async function produce(i, opaque) {
    for (;;) {
      try {
        producer.produce(topic, partitionOf(i), valueAt(i), null, null, opaque)
        waiting++
        return
      } catch (error) {
        if (error.code !== queueFull) throw error
        producer.poll()
        await turn()
      }
    }
  }
  const send = i =>
    new Promise((resolve, reject) => produce(i, error => (error ? reject(error) : resolve())).catch(reject))
  const flush = async () => {
    while (waiting > 0) await turn()
  }
  return {
    version: `${Kafka.version ?? '3.6.1'} (librdkafka ${Kafka.librdkafkaVersion})`,
    async dispatch(isOver) {
      let i = 0
      while (!isOver()) {
        for (let n = 0; n < perTurn; n++) await produce(i++)
        producer.poll()
        await turn()
      }
      return i
    },
    send,
    sendMany: (from, count) => Promise.all(Array.from({ length: count }, (_, n) => send(from + n))),
    flush,
    failed: () => failed,
    close: () => new Promise(resolve => producer.disconnect(resolve)),
  }
})
