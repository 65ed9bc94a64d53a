import { type DeliveryReport, KafkaError, Producer } from 'odradek'
import { MockCluster, RecordingProducer } from 'odradek/mock'

export async function send(): Promise<bigint> {
  const cluster = await MockCluster.start({ brokers: 1, topics: { orders: { partitions: 1 } } })
  const producer = new Producer({
    'bootstrap.servers': cluster.bootstrapServers,
    'linger.ms': 5,
    partitioner: 'murmur2_random',
  })
  const report: DeliveryReport = await producer.send({
    topic: 'orders',
    key: null,
    value: new Uint8Array(1),
    headers: { h: 'v' },
  })
  const { lost } = await producer.close()
  if (report.error instanceof KafkaError) throw report.error
  return report.offset + BigInt(lost)
}

// What takes the producer's place in tests is one, also across entry points.
export const recording: Producer = new RecordingProducer({ topics: ['orders'] })

// @ts-expect-error a message needs a value
new Producer({}).send({ topic: 'orders' })
