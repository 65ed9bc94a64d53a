// Whole producers among brokers whose answers cannot be believed: whatever they say, every call comes to an end that has
// a type, nothing grows beyond its bounds, and close() leaves nothing behind.
// HOSTILE_FRAMES=100000 tampers with more answers, HOSTILE_SEED=7 plays one seed alone.

import v8 from 'node:v8'
import vm from 'node:vm'
import { afterEach, expect, test, vi } from 'vitest'
import { type DeliveryReport, KafkaError, Producer, type ProducerOptions } from '../../src/index.ts'
import { MockCluster, type MockClusterOptions } from '../../src/mock/index.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { HostileTransport } from '../support/hostile-transport.ts'
import { Rig, watch } from '../support/rig.ts'
import { seededRandom } from '../support/seeded-random.ts'

const frames = Number(process.env.HOSTILE_FRAMES ?? 3000)
const only = process.env.HOSTILE_SEED
const targets = ['ApiVersions', 'SaslHandshake', 'SaslAuthenticate', 'Metadata', 'InitProducerId', 'Produce'] as const
const maxResponseBytes = 1_000_000
const messageTimeoutMs = 3000
const longestMessage = 3000

v8.setFlagsFromString('--expose-gc')
const collectGarbage: () => void = vm.runInNewContext('gc')

afterEach(() => {
  vi.restoreAllMocks()
})

interface Counts {
  readonly apis: Map<string, number>
  readonly ways: Map<string, number>
  readonly outcomes: Map<string, number>
}

const add = (to: Map<string, number>, name: string, count = 1) => to.set(name, (to.get(name) ?? 0) + count)

/** Such that there are answers of the API that is aimed at. */
function settings(
  pick: <T>(values: readonly T[]) => T,
  target: string | null,
): { cluster: MockClusterOptions; producer: ProducerOptions } {
  const mechanisms = ['PLAIN', 'OAUTHBEARER'] as const
  const mechanism = target?.startsWith('Sasl') ? pick(mechanisms) : pick([...mechanisms, null])
  const idempotent = target === 'InitProducerId' || pick([true, true, false])
  const version = pick(['newest', 'newest', '3.9', '2.1'])
  const credentials =
    mechanism === 'PLAIN'
      ? { 'sasl.username': 'ann', 'sasl.password': 'hunter2-hunter2' }
      : { 'enable.sasl.oauthbearer.unsecure.jwt': true, 'sasl.oauthbearer.config': 'principal=ann lifeSeconds=2' }
  const sasl: MockClusterOptions['sasl'] =
    mechanism === null
      ? undefined
      : { mechanisms: [mechanism], users: { ann: 'hunter2-hunter2' }, sessionLifetimeMs: 1500 }
  return {
    cluster: {
      brokers: pick([1, 2, 3]),
      topics: { t: { partitions: 3 }, u: {} },
      recordRequests: false,
      ...(version === 'newest' ? {} : { kafkaVersion: version }),
      ...(sasl === undefined ? {} : { sasl }),
    },
    producer: {
      ...(mechanism === null
        ? {}
        : { 'security.protocol': 'sasl_plaintext', 'sasl.mechanisms': mechanism, ...credentials }),
      'enable.idempotence': idempotent,
      acks: idempotent ? 'all' : pick(['all', 1, 0]),
      'compression.codec': pick(['none', 'none', 'lz4']),
      'queue.buffering.max.ms': pick([0, 5, 50]),
      'batch.num.messages': pick([1, 10_000]),
      'message.timeout.ms': messageTimeoutMs,
      'request.timeout.ms': 500,
      'socket.timeout.ms': 500,
      'socket.max.fails': pick([1, 1, 0]),
      'socket.connection.setup.timeout.ms': 1000,
      'api.version.request.timeout.ms': 500,
      'reconnect.backoff.ms': 5,
      'reconnect.backoff.max.ms': 50,
      'retry.backoff.ms': 5,
      'retry.backoff.max.ms': 50,
      'topic.metadata.refresh.interval.ms': pick([200, 300_000]),
      'topic.metadata.refresh.fast.interval.ms': 10,
      'topic.metadata.propagation.max.ms': 500,
      'receive.message.max.bytes': maxResponseBytes,
    } as ProducerOptions,
  }
}

/** One producer's life. How many answers were tampered with. */
async function live(seed: number, counts: Counts): Promise<number> {
  const random = seededRandom(seed)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  vi.spyOn(Math, 'random').mockImplementation(seededRandom(seed + 1))
  const target = pick([...targets, null])
  const { cluster: options, producer: config } = settings(pick, target)
  const clock = new FakeClock()
  const cluster = await MockCluster.start({ ...options, clock, transport: 'memory' })
  const strength = pick([0.2, 0.5, 0.8, 1])
  const transport = new HostileTransport(cluster.transport, {
    clock,
    random,
    maxResponseBytes,
    chance: api => (target === null || target === api ? strength : 0.01),
  })
  const producer = new Producer({ 'bootstrap.servers': cluster.bootstrapServers, ...config, clock, transport })
  const errors: unknown[] = []
  for (const event of ['error.occurred', 'broker.disconnected'] as const) {
    producer.on(event, ({ error }) => error !== undefined && errors.push(error))
  }

  const calls: ReturnType<typeof watch<unknown>>[] = []
  const call = (made: () => Promise<unknown>) => {
    try {
      calls.push(watch(made()))
    } catch (error) {
      calls.push({ state: 'rejected', error })
    }
  }
  if (random() < 0.5) call(() => producer.connect())
  for (let waves = 1 + Math.floor(random() * 6); waves > 0; waves--) {
    for (let count = Math.floor(random() * 6); count >= 0; count--) {
      const message = { topic: pick(['t', 't', 'u']), value: 'v'.repeat(pick([0, 10, 2000])) }
      call(() => (random() < 0.5 ? producer.send(message) : producer.dispatch(message).wait()))
    }
    if (random() < 0.2) call(() => producer.flush({ timeoutMs: 1000 }))
    await clock.advance(pick([0, 1, 10, 100, 700]))
  }
  const open = () => calls.filter(({ state }) => state === 'pending').length
  const isEarly = random() < 0.3
  for (let waited = 0; !isEarly && open() > 0 && waited <= 11_000; waited += 50) await clock.advance(50)
  if (!isEarly) expect(open(), 'calls without an end').toBe(0)

  const closed = watch(producer.close({ timeoutMs: pick([0, 1000]) }))
  for (let waited = 0; closed.state === 'pending' && waited <= 2000; waited += 50) await clock.advance(50)
  expect(closed).toMatchObject({ state: 'fulfilled', value: { lost: isEarly ? expect.any(Number) : 0 } })
  await clock.settle()
  expect(open(), 'calls without an end after close()').toBe(0)
  expect({ queued: producer.queueSize, bytes: producer.queueBytes, inFlight: producer.inFlight }).toEqual({
    queued: 0,
    bytes: 0,
    inFlight: 0,
  })
  expect(cluster.connections, 'connections left').toBe(0)
  await cluster.stop()
  await clock.settle()
  expect(clock.pendingTimers, 'timers left').toBe(0)

  for (const { state, value, error } of calls) {
    add(counts.outcomes, state === 'fulfilled' ? 'delivered' : nameOf(error))
    if (value !== undefined) judge(value as DeliveryReport)
  }
  for (const error of errors) nameOf(error)
  expect(transport.longestFlood, 'bytes taken of a frame without end').toBeLessThan(maxResponseBytes + 200_000)
  for (const [api, count] of transport.tampered) add(counts.apis, api, count)
  for (const [way, count] of transport.ways) add(counts.ways, way, count)
  return transport.count
}

/** What holds of a good report, whoever it comes from. */
function judge({ status, error, offset, partition, timestamp }: DeliveryReport): void {
  expect(['persisted', 'possibly-persisted']).toContain(status)
  expect(error).toBeNull()
  expect(offset).toBeGreaterThanOrEqual(-1n)
  expect(partition).toBeGreaterThanOrEqual(0)
  expect(Number.isFinite(timestamp)).toBe(true)
}

function nameOf(error: unknown): string {
  if (!(error instanceof KafkaError)) throw new Error(`an error of another kind: ${String(error)}`, { cause: error })
  if (error.message.length > longestMessage || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(error.message)) {
    throw new Error(`what a broker said is in an error as it was: ${JSON.stringify(error.message.slice(0, 500))}`)
  }
  return `${error.name} ${error.codeName}`
}

async function play(seed: number, counts: Counts): Promise<number> {
  try {
    return await live(seed, counts)
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    const replay = `HOSTILE_SEED=${seed} npx vitest run test/scenarios/hostile-brokers.test.ts`
    throw new Error(`seed ${seed}: ${what}\nreplay: ${replay}`, { cause: error })
  } finally {
    vi.restoreAllMocks()
  }
}

const empty = (): Counts => ({ apis: new Map(), ways: new Map(), outcomes: new Map() })

if (only !== undefined) {
  test(`seed ${only} comes to an end`, async () => {
    expect(await play(Number(only), empty())).toBeGreaterThanOrEqual(0)
  })
} else {
  test(`${frames} answers that were tampered with, to every API, end in reports and typed errors`, async () => {
    const counts = empty()
    const heap: number[] = []
    let longestMs = 0
    let played = 0
    let seed = 0
    for (; played < frames; seed++) {
      const start = performance.now()
      played += await play(seed, counts)
      longestMs = Math.max(longestMs, performance.now() - start)
      if (seed % 100 === 50) {
        collectGarbage()
        heap.push(process.memoryUsage().heapUsed / 1e6)
      }
    }
    if (process.env.HOSTILE_FRAMES !== undefined) {
      console.log({ producers: seed, tampered: played, longestMs: Math.round(longestMs), heap: [heap[0], heap.at(-1)] })
      console.log(counts)
    }
    expect([...counts.apis.keys()].sort()).toEqual([...targets].sort())
    for (const count of counts.apis.values()) expect(count).toBeGreaterThan(frames / 50)
    for (const count of counts.ways.values()) expect(count).toBeGreaterThan(frames / 100)
    expect(counts.outcomes.get('delivered')).toBeGreaterThan(0)
    expect(counts.outcomes.size).toBeGreaterThan(3)
    expect(longestMs).toBeLessThan(20_000)
    expect(heap.at(-1)).toBeLessThan((heap[0] ?? 0) + 20)
  }, 1_800_000)
}

test.each([
  [-1n, 0],
  [-1n, -1],
  [7n, -1],
  [-(2n ** 63n), 3],
])('a producer id that is none (%d, epoch %d) is not taken for one', async (producerId, producerEpoch) => {
  const rig = await Rig.start()
  rig.cluster.control('InitProducerId', () => ({
    respond: { errorCode: 0, throttleTimeMs: 0, producerId, producerEpoch },
  }))
  expect((await rig.until(rig.producer.send({ topic: 't', value: 'v' }))).status).toBe('persisted')
  const [record] = rig.cluster.log('t', 0)
  expect(record?.producerId).toBeGreaterThanOrEqual(0n)
  expect(record).toMatchObject({ producerEpoch: 0, sequence: 0 })
})
