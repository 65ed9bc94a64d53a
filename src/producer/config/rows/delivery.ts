// From the queue to the broker: bounds, batches, retries, idempotence, transactions.

import { choice, flag, float, int, largestInt, pointer, text } from '../property.ts'

const reports = {
  use: 'refused',
  why: 'await send(), or listen to message.acknowledged and message.failed',
} as const

export const deliveryProperties = {
  'queue.buffering.max.messages': int(100_000, 0, largestInt, {
    side: 'P',
    doc: 'Most messages that may wait for their report; 0 sets no limit. Beyond it a message is refused with -184.',
  }),
  'queue.buffering.max.kbytes': int(1_048_576, 1, largestInt, {
    side: 'P',
    unit: 'KiB',
    doc: 'Most bytes that may wait for their report, key and headers counted too. Another way to write buffer.memory.',
  }),
  'buffer.memory': int(1_073_741_824, 1, largestInt * 1024, {
    origin: 'Java',
    side: 'P',
    unit: 'bytes',
    doc: 'The same bound as queue.buffering.max.kbytes, in bytes. Give one of the two.',
  }),
  'max.block.ms': int(60_000, 0, largestInt, {
    origin: 'Java',
    side: 'P',
    unit: 'ms',
    doc: 'How long send and its like wait for room in the queue. dispatch never waits.',
  }),
  'queue.buffering.max.ms': float(5, 0, 900_000, {
    side: 'P',
    aliases: ['linger.ms'],
    unit: 'ms',
    doc: 'How long a batch waits for more messages; fractions are allowed.',
  }),
  'queue.buffering.backpressure.threshold': int(1, 1, 1_000_000, {
    side: 'P',
    doc: 'No new batch is closed early while so many requests wait to be written.',
    use: 'native',
    why: 'a batch takes messages until it is sent, however many requests wait',
  }),
  'batch.num.messages': int(10_000, 1, 1_000_000, { side: 'P', doc: 'Most records in a batch.' }),
  'batch.size': int(1_000_000, 1, largestInt, {
    side: 'P',
    unit: 'bytes',
    doc: 'Most bytes in a batch before compression, never more than message.max.bytes; a larger record travels alone.',
  }),
  'message.max.bytes': int(1_000_000, 1000, 1_000_000_000, {
    unit: 'bytes',
    doc: 'Largest message, and largest batch. A larger message is refused with 10.',
  }),
  'max.request.size': int(10_485_760, 1000, largestInt, {
    origin: 'Java',
    side: 'P',
    unit: 'bytes',
    doc: 'Largest Produce request: as many batches as fit, of different partitions, and at least one. The default takes ten full batches, is a tenth of what a broker accepts, and crosses a slow line within request.timeout.ms. It does not raise message.max.bytes; if smaller, it lowers it.',
  }),
  'message.copy.max.bytes': int(65_535, 0, 1_000_000_000, {
    unit: 'bytes',
    doc: 'Values up to this size were copied, larger ones referenced.',
    use: 'native',
    why: 'values are always copied, so that the caller may reuse its buffer',
  }),
  'compression.codec': choice('none', ['none', 'gzip', 'snappy', 'lz4', 'zstd'], {
    side: 'P',
    aliases: ['compression.type'],
    doc: 'How batches are compressed, of all topics that do not say otherwise. zstd needs a runtime that has it.',
  }),
  'sticky.partitioning.linger.ms': int(10, 0, 900_000, {
    side: 'P',
    unit: 'ms',
    doc: 'How long messages without a key go to the same partition; 0 chooses anew for each. By default twice queue.buffering.max.ms.',
  }),
  'message.send.max.retries': int(largestInt, 0, largestInt, {
    side: 'P',
    aliases: ['retries'],
    doc: 'How often a message is sent again after an attempt that may have stored it.',
  }),
  'retry.backoff.ms': int(100, 1, 300_000, {
    unit: 'ms',
    doc: 'Wait before the first retry; doubles with every further one, plus or minus 20 %.',
  }),
  'retry.backoff.max.ms': int(1000, 1, 300_000, { unit: 'ms', doc: 'Longest wait between retries.' }),
  'enable.idempotence': flag(true, {
    side: 'P',
    doc: 'Every message is stored once and in order, whatever is retried.',
    differs: {
      librdkafka: false,
      reason: 'it costs nothing on brokers since 0.11, and duplicates or changed order should be asked for',
    },
  }),
  'enable.gapless.guarantee': flag(false, {
    side: 'P',
    experimental: true,
    doc: 'A message that fails makes the producer fail (-148), so that none can follow it.',
    use: 'unbuilt',
  }),
  'transactional.id': text(null, {
    side: 'P',
    doc: 'Turns on transactions. The same name after a restart ends what the previous process left open.',
    use: 'unbuilt',
  }),
  'transaction.timeout.ms': int(60_000, 1000, largestInt, {
    side: 'P',
    unit: 'ms',
    doc: 'The coordinator aborts a transaction that takes longer.',
    use: 'unbuilt',
  }),
  'delivery.report.only.error': flag(false, {
    side: 'P',
    doc: 'No events for messages that were stored. Promises and handles settle all the same.',
  }),
  dr_cb: pointer({
    side: 'P',
    doc: 'Called with delivery reports.',
    ...reports,
  }),
  dr_msg_cb: pointer({
    side: 'P',
    doc: 'Called with delivery reports.',
    ...reports,
  }),
}
