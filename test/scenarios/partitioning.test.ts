import { describe, expect, test, vi } from 'vitest'
import { InvalidMessageError, type PartitionerName } from '../../src/index.ts'
import { partitioners } from '../../src/partitioners/partitioners.ts'
import { Rig, thrownBy, watch } from '../support/rig.ts'
import { seededRandom } from '../support/seeded-random.ts'

const names = Object.keys(partitioners) as PartitionerName[]
const message = { topic: 't', value: 'v' }

describe('a partitioner by name', () => {
  test('is that of the call, else of the view, else of the topic, else of the producer', async () => {
    // Where the key goes tells who placed it.
    const homes = { fnv1a: 5, md5: 3, murmur2: 4, consistent: 11 } as const
    const rig = await Rig.connected({ topics: { t: { partitions: 12 } }, producer: { partitioner: 'fnv1a' } })
    const keyed = { ...message, key: 'kafka' }
    const placed: number[] = []
    rig.producer.on('message.acknowledged', ({ report }) => placed.push(report.partition))
    await rig.until(rig.producer.send(keyed))
    rig.producer.topic('t', { partitioner: 'md5' })
    await rig.until(rig.producer.send(keyed))
    const view = rig.producer.with({ partitioner: 'murmur2' })
    await rig.until(view.send(keyed))
    await rig.until(view.send(keyed, { partitioner: 'consistent' }))
    await rig.until(rig.producer.sendMany([keyed], { partitioner: 'consistent' }))
    expect(placed).toEqual([homes.fnv1a, homes.md5, homes.murmur2, homes.consistent, homes.consistent])
  })

  test('keeps a state for each topic, which others and explicit partitions leave alone', async () => {
    const topics = { t: { partitions: 3 }, u: { partitions: 3 } }
    const rig = await Rig.connected({ topics, producer: { partitioner: 'round_robin' } })
    const placed: string[] = []
    rig.producer.on('message.acknowledged', ({ report }) => placed.push(`${report.topic}${report.partition}`))
    for (const topic of ['t', 't', 'u', 't', 'u']) await rig.until(rig.producer.send({ topic, value: 'v' }))
    await rig.until(rig.producer.send({ ...message, partition: 2 }))
    await rig.until(rig.producer.send(message, { partitioner: 'consistent' }))
    await rig.until(rig.producer.send(message))
    expect(placed).toEqual(['t0', 't1', 'u0', 't2', 'u1', 't2', 't0', 't0'])
  })

  test('md5 refuses a message without a key, or draws where nullKey says so', async () => {
    const refusing = await Rig.connected({ producer: { partitioner: 'md5' } })
    expect(thrownBy(() => refusing.producer.dispatch(message))).toBeInstanceOf(InvalidMessageError)
    expect(thrownBy(() => refusing.producer.dispatch(message))).toMatchObject({ field: 'key', topic: 't' })
    const drawing = await Rig.connected({ producer: { partitioner: 'md5', nullKey: 'random' } })
    await drawing.until(drawing.producer.send(message))
  })
})

describe('a function as partitioner', () => {
  const topics = { t: { partitions: 3 } }

  test.each([
    [7, '7'],
    [-1, '-1'],
    [0.5, '0.5'],
    [Number.NaN, 'NaN'],
    ['1', "'1'"],
    [1n, 'a bigint'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Promise.resolve(1), 'an object'],
    [Object.create(null), 'an object'],
  ])('that returns %s is named, with what it returned', async (answer, words) => {
    const rig = await Rig.connected({ topics })
    const byRegion = (() => answer) as never
    const error = thrownBy(() => rig.producer.dispatch(message, { partitioner: byRegion }))
    expect(error).toMatchObject({
      message: `partitioner byRegion returned ${words} for topic 't': it must be an integer from 0 to 2`,
    })
    const nameless = (
      () => () =>
        answer
    )() as never
    expect(thrownBy(() => rig.producer.dispatch(message, { partitioner: nameless }))).toMatchObject({
      message: `partitioner (anonymous) returned ${words} for topic 't': it must be an integer from 0 to 2`,
    })
  })
})

describe('partitions come and go', () => {
  test('new ones get later messages only; what is queued stays where it is', async () => {
    const rig = await Rig.connected({
      producer: { 'linger.ms': 400_000, 'message.timeout.ms': 0, partitioner: 'murmur2' },
    })
    const dispatch = () => Array.from({ length: 100 }, (_, i) => rig.producer.dispatch({ ...message, key: `k${i}` }))
    const early = dispatch()
    rig.cluster.addPartitions('t', 6)
    await rig.clock.advance(300_000)
    const late = dispatch()
    await rig.until(rig.producer.flush())
    expect(new Set(early.map(({ report }) => report?.partition))).toEqual(new Set([0]))
    expect(new Set(late.map(({ report }) => report?.partition))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]))
  })

  test.each(names)(
    '%s places over all of them after growth, and over what is left after a new beginning',
    async name => {
      const rig = await Rig.connected({
        topics: { t: { partitions: 8 } },
        producer: { partitioner: name, 'sticky.partitioning.linger.ms': 0, 'batch.size': 1 },
      })
      const places = async () => {
        const many = Array.from({ length: 200 }, (_, i) => ({ ...message, key: `key ${i}` }))
        const reports = await rig.until(rig.producer.sendMany(many), 20_000)
        return new Set(reports.map(({ partition }) => partition)).size
      }
      expect(await places()).toBe(8)
      rig.cluster.addPartitions('t', 4)
      await rig.clock.advance(300_000)
      expect(await places()).toBe(12)
      rig.cluster.recreateTopic('t', 3)
      await rig.clock.advance(300_000)
      expect(await places()).toBe(3)
    },
  )

  test('what is queued for one that is gone fails, and the rest arrives', async () => {
    const rig = await Rig.connected({
      topics: { t: { partitions: 4 } },
      producer: { 'linger.ms': 1000, 'message.timeout.ms': 10_000 },
    })
    const handles = [0, 1, 2, 3].map(partition => rig.producer.dispatch({ ...message, partition }))
    rig.cluster.recreateTopic('t', 2)
    await rig.clock.advance(20_000)
    expect(handles.map(({ report }) => report?.status)).toEqual([
      'persisted',
      'persisted',
      'not-persisted',
      'not-persisted',
    ])
    expect(rig.producer.queueSize).toBe(0)
  })

  test.each(['java', 'random', 'round_robin', 'sarama', 'kafkajs_legacy', 'consistent_random'] as const)(
    '%s gives messages without a key to partitions that have a leader',
    async partitioner => {
      const rig = await Rig.start({
        topics: { t: { partitions: 4 } },
        producer: { partitioner, 'sticky.partitioning.linger.ms': 0, 'batch.size': 1 },
      })
      for (const partition of [0, 2]) rig.cluster.leaderless('t', partition)
      const reports = await rig.until(rig.producer.sendMany(Array.from({ length: 100 }, () => message)), 5000)
      expect(new Set(reports.map(({ partition }) => partition))).toEqual(new Set([1, 3]))
    },
  )

  test('a key whose partition has no leader waits for it', async () => {
    const rig = await Rig.connected({ topics: { t: { partitions: 3 } }, producer: { partitioner: 'murmur2' } })
    rig.cluster.leaderless('t', 1)
    await rig.clock.advance(300_000)
    const sent = watch(rig.producer.send({ ...message, key: 'kafka' }))
    await rig.clock.advance(10_000)
    expect(sent.state).toBe('pending')
    rig.cluster.moveLeader('t', 1, 1)
    await rig.clock.advance(5000)
    expect(sent.value).toMatchObject({ partition: 1, status: 'persisted' })
  })

  test('while a topic is said to have none, messages wait', async () => {
    const rig = await Rig.start({ producer: { partitioner: 'round_robin' } })
    rig.cluster.control(
      'Metadata',
      async (_, { process }) => {
        const body = await process()
        return { respond: { ...body, topics: body.topics.map(topic => ({ ...topic, partitions: [] })) } }
      },
      { times: 3 },
    )
    const sent = watch(rig.producer.send(message))
    await rig.clock.advance(50)
    expect(sent.state).toBe('pending')
    await rig.clock.advance(5000)
    expect(sent.value).toMatchObject({ partition: 0, status: 'persisted' })
  })
})

describe('messages without a key', () => {
  // 100 messages of 100 bytes a millisecond, as they come: some moments have more, some have less.
  async function load(rig: Rig, ms: number): Promise<void> {
    const value = Buffer.alloc(100)
    for (let i = 0; i < ms; i++) {
      for (let left = 50 + ((i * 37) % 101); left > 0; left--) rig.producer.dispatch({ topic: 't', value })
      await rig.clock.advance(1)
    }
    await rig.until(rig.producer.flush(), 60_000)
  }

  async function averageBatch(partitioner: PartitionerName, partitions: number, batchSize: number): Promise<number> {
    const rig = await Rig.connected({
      brokers: 3,
      topics: { t: { partitions } },
      producer: { partitioner, 'batch.size': batchSize, 'queue.buffering.max.messages': 0 },
    })
    rig.cluster.rtt(2)
    await load(rig, 300)
    const batches = Array.from({ length: partitions }, (_, i) => rig.cluster.batches('t', i)).flat()
    return batches.reduce((sum, { recordCount }) => sum + recordCount, 0) / batches.length
  }

  const sticking = ['consistent_random', 'random', 'murmur2_random', 'fnv1a_random', 'java'] as const
  test.each(sticking)(
    '%s fills batches by four fifths of what one partition alone would have, or more',
    async partitioner => {
      for (const batchSize of [16_384, 1_000_000]) {
        const alone = await averageBatch(partitioner, 1, batchSize)
        const spread = await averageBatch(partitioner, 12, batchSize)
        expect(spread / alone).toBeGreaterThan(0.8)
        expect(alone).toBeGreaterThan(100)
      }
    },
  )

  test('java leaves no fraction of a batch behind', async () => {
    const alone = await averageBatch('java', 1, 16_384)
    expect((await averageBatch('java', 12, 16_384)) / alone).toBeGreaterThan(0.95)
  })

  test('without sticking batches are small', async () => {
    expect(await averageBatch('sarama', 12, 16_384)).toBeLessThan(0.5 * (await averageBatch('sarama', 1, 16_384)))
  })

  test('java sends a slow broker less than its share, librdkafka’s default does not', async () => {
    const shares = new Map<string, number>()
    // A hundred choices: by chance a fair share comes out below a quarter once in thirty times.
    const random = vi.spyOn(Math, 'random').mockImplementation(seededRandom(1))
    for (const partitioner of ['java', 'consistent_random'] as const) {
      const rig = await Rig.connected({
        brokers: 3,
        topics: { t: { partitions: 3 } },
        producer: { partitioner, 'batch.size': 8192, 'queue.buffering.max.messages': 0 },
      })
      rig.cluster.rtt(2)
      rig.cluster.rtt(rig.cluster.leader('t', 1), 100)
      await load(rig, 1000)
      const counts = [0, 1, 2].map(partition => rig.cluster.log('t', partition).length)
      shares.set(partitioner, (counts[1] ?? 0) / counts.reduce((sum, count) => sum + count, 0))
    }
    random.mockRestore()
    expect(shares.get('consistent_random')).toBeGreaterThan(0.25)
    expect(shares.get('java')).toBeLessThan(0.2)
  })
})
