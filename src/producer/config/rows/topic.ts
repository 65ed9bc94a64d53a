// What may differ from topic to topic. Given to the producer these are the defaults of every topic.

import type { PartitionerFunction } from '../../../partitioners/partitioner.ts'
import { type PartitionerName, partitioners } from '../../../partitioners/partitioners.ts'
import { choice, choiceType, flag, int, largestInt, type NumberInput, type Property, pointer } from '../property.ts'

const names = choiceType(Object.keys(partitioners) as PartitionerName[])

const partitioner: Property<PartitionerName | PartitionerFunction, PartitionerName | PartitionerFunction, never> = {
  type: {
    name: 'enum',
    allowed: `${names.allowed}, or a function`,
    parse: written => (typeof written === 'function' ? (written as PartitionerFunction) : names.parse(written)),
  },
  default: 'consistent_random',
  side: 'P',
  doc: 'Which partition a message goes to that does not name one.',
}

const numericAcks = int(-1, -1, 1000, {
  side: 'P',
  aliases: ['acks'],
  doc: 'Who must have a message before it counts as stored: 0 nobody, 1 the leader, -1 or all every replica in sync. Brokers refuse other numbers.',
})

const acks: Property<number, NumberInput | 'all', 'acks'> = {
  ...numericAcks,
  type: {
    name: 'integer',
    allowed: `${numericAcks.type.allowed}, or all (-1)`,
    parse: written =>
      typeof written === 'string' && written.toLowerCase() === 'all' ? -1 : numericAcks.type.parse(written),
  },
}

const callOrder = 'messages of a partition are sent in the order of the calls'

export const topicProperties = {
  'request.required.acks': acks,
  'request.timeout.ms': int(30_000, 1, 900_000, {
    side: 'P',
    unit: 'ms',
    doc: 'How long the broker may wait for the replicas.',
  }),
  'message.timeout.ms': int(300_000, 0, largestInt, {
    side: 'P',
    aliases: ['delivery.timeout.ms'],
    unit: 'ms',
    doc: 'A message without a report is given up after this time, counted from the call; 0 never.',
  }),
  partitioner,
  'compression.codec': choice('inherit', ['none', 'gzip', 'snappy', 'lz4', 'zstd', 'inherit'], {
    side: 'P',
    aliases: ['compression.type'],
    doc: "How this topic's batches are compressed; inherit: as the producer says.",
  }),
  'compression.level': int(-1, -1, 12, {
    side: 'P',
    doc: 'How hard to compress, within what the codec knows (gzip up to 9, lz4 and zstd up to 12); -1 is the default of the codec.',
  }),
  'queuing.strategy': choice('fifo', ['fifo', 'lifo'], {
    side: 'P',
    experimental: true,
    doc: 'The order of sending.',
    use: 'deprecated',
    why: callOrder,
    refuses: { lifo: `is not possible: ${callOrder}` },
  }),
  'produce.offset.report': flag(false, {
    side: 'P',
    doc: 'Offsets in delivery reports.',
    use: 'deprecated',
    why: 'every report has its offset',
  }),
  partitioner_cb: pointer({
    side: 'P',
    doc: 'Chooses a partition.',
    use: 'refused',
    why: 'give the function as partitioner',
  }),
  msg_order_cmp: pointer({
    side: 'P',
    experimental: true,
    doc: 'Compares messages for the order of the queue.',
    use: 'deprecated',
    why: callOrder,
  }),
  opaque: pointer({ doc: 'Handed to callbacks.', use: 'refused', why: 'give a message its opaque' }),
}
