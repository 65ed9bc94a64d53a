// Random schedules of calls and faults, each from a seed, judged by the logs and the reports.
// SIMULATION_RUNS=5000 runs more of them, SIMULATION_SEED=7 one alone.

import { afterEach, expect, test, vi } from 'vitest'
import { seededRandom } from '../support/seeded-random.ts'
import { Stage, type StageOptions } from './stage.ts'

const runs = Number(process.env.SIMULATION_RUNS ?? 300)
const only = process.env.SIMULATION_SEED

afterEach(() => {
  vi.restoreAllMocks()
})

class Dice {
  readonly #random: () => number
  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }
  below(n: number): number {
    return Math.floor(this.#random() * n)
  }
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }
  chance(p: number): boolean {
    return this.#random() < p
  }
}

// Errors that lie to an idempotent producer (45, 46, 59 and the like out of nowhere) prove nothing and are left out.
const passingErrors = [
  'NOT_LEADER_OR_FOLLOWER',
  'NOT_ENOUGH_REPLICAS',
  'REQUEST_TIMED_OUT',
  'CORRUPT_MESSAGE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'KAFKA_STORAGE_ERROR',
  'LEADER_NOT_AVAILABLE',
]
const finalErrors = ['POLICY_VIOLATION', 'INVALID_RECORD', 'TOPIC_AUTHORIZATION_FAILED']
const apis = ['Produce', 'Produce', 'Produce', 'Metadata', 'InitProducerId', 'ApiVersions'] as const

/** What stands in the way until it is taken away. */
interface World {
  readonly stage: Stage
  readonly dice: Dice
  readonly brokers: number
  readonly partitions: number
  readonly removers: (() => void)[]
  readonly down: Set<number>
  readonly trace: string[]
  /** Old brokers are told a topic's name, not its id: they put what was meant for its predecessor into a new topic. */
  readonly byName: boolean
  losses: boolean
}

type Action = (world: World) => void | Promise<void>

const place = ({ dice, partitions }: World) => ({ topic: dice.pick(['t', 'u']), partition: dice.below(partitions) })
const anyBroker = ({ dice, brokers }: World) => 1 + dice.below(brokers)

const actions: Readonly<Record<string, readonly [weight: number, Action]>> = {
  dispatch: [
    20,
    world => {
      const { stage, dice } = world
      const to = place(world)
      for (let i = dice.below(8); i >= 0; i--) stage.dispatch({ ...to, bytes: dice.pick([0, 10, 200]) })
    },
  ],
  scatter: [
    10,
    world => {
      for (let i = world.dice.below(8); i >= 0; i--) world.stage.dispatch(place(world))
    },
  ],
  send: [
    10,
    world => {
      for (let i = world.dice.below(3); i >= 0; i--) world.stage.send(place(world))
    },
  ],
  flush: [
    2,
    ({ stage }) => {
      void stage.producer.flush()
    },
  ],
  purge: [
    1,
    ({ stage, dice }) => {
      stage.producer.purge({ queued: dice.chance(0.5), inFlight: dice.chance(0.5) })
    },
  ],
  wait: [20, ({ stage, dice }) => stage.clock.advance(dice.pick([1, 5, 5, 5, 20, 50, 100, 500, 2000]))],
  moveLeader: [
    5,
    world => {
      const { topic, partition } = place(world)
      world.stage.cluster.moveLeader(topic, partition, anyBroker(world))
    },
  ],
  leaderless: [
    1,
    world => {
      const { topic, partition } = place(world)
      world.stage.cluster.leaderless(topic, partition)
    },
  ],
  staleMetadata: [2, ({ stage, dice }) => stage.cluster.staleMetadataOnce(1 + dice.below(3))],
  omitPartition: [
    1,
    world => {
      // Without topic ids a topic may shrink, so that what is left out counts as gone.
      if (world.stage.cluster.requests({ api: 'Metadata' }).some(({ version }) => version < 10)) return
      const { topic, partition } = place(world)
      world.stage.cluster.omitPartitionOnce(topic, partition)
    },
  ],
  drop: [
    5,
    world => {
      const after = world.dice.chance(0.5)
      const remove = world.stage.cluster.control(world.dice.pick(apis), async (_request, { process }) => {
        if (after) await process()
        return { drop: true }
      })
      world.removers.push(remove)
    },
  ],
  hang: [
    2,
    world => {
      const after = world.dice.chance(0.5)
      const remove = world.stage.cluster.control(world.dice.pick(apis), async (_request, { process }) => {
        if (after) await process()
        return { hang: true }
      })
      world.removers.push(remove)
    },
  ],
  passingError: [
    5,
    world => {
      const { topic, partition } = place(world)
      const name = world.dice.pick(passingErrors)
      const times = 1 + world.dice.below(3)
      world.stage.cluster.failPartition(topic, partition, ...Array<string>(times).fill(name))
    },
  ],
  finalError: [
    1,
    world => {
      const { topic, partition } = place(world)
      world.stage.cluster.failPartition(topic, partition, world.dice.pick(finalErrors))
    },
  ],
  metadataError: [
    1,
    ({ stage, dice }) => stage.cluster.failNext('Metadata', dice.pick(['LEADER_NOT_AVAILABLE', 'REQUEST_TIMED_OUT'])),
  ],
  brokerDown: [
    2,
    world => {
      const id = anyBroker(world)
      world.stage.cluster.brokerDown(id)
      world.down.add(id)
    },
  ],
  brokerUp: [
    4,
    async ({ stage, down, dice }) => {
      if (down.size === 0) return
      const id = dice.pick([...down])
      down.delete(id)
      await stage.cluster.brokerUp(id)
    },
  ],
  roundTrip: [4, world => world.stage.cluster.rtt(anyBroker(world), world.dice.pick([0, 0, 3, 20, 100, 700]))],
  throttle: [1, ({ stage, dice }) => stage.cluster.throttle(dice.pick([0, 0, 100, 1000]))],
  recreate: [
    0.15,
    world => {
      if (world.byName) return
      world.losses = true
      world.stage.cluster.recreateTopic(world.dice.pick(['t', 'u']))
    },
  ],
}

const totalWeight = Object.values(actions).reduce((sum, [weight]) => sum + weight, 0)

function draw(dice: Dice): readonly [name: string, Action] {
  let at = (dice.below(1_000_000) / 1_000_000) * totalWeight
  for (const [name, [weight, action]] of Object.entries(actions)) {
    at -= weight
    if (at < 0) return [name, action]
  }
  throw new Error('the weights do not add up')
}

function settings(dice: Dice): StageOptions & { brokers: number; partitions: number; idempotent: boolean } {
  const brokers = 1 + dice.below(3)
  const partitions = 1 + dice.below(4)
  const idempotent = dice.chance(0.85)
  const topicConfig = dice.chance(0.3) ? { config: { 'max.message.bytes': 400 } } : {}
  const version = dice.pick(['newest', 'newest', '3.9', '2.8', '2.1'])
  return {
    brokers,
    partitions,
    idempotent,
    topics: { t: { partitions, ...topicConfig }, u: { partitions } },
    ...(version === 'newest' ? {} : { kafkaVersion: version }),
    config: {
      'enable.idempotence': idempotent,
      'max.in.flight': idempotent ? 1 + dice.below(5) : 1,
      'queue.buffering.max.ms': dice.pick([0, 5, 50]),
      'batch.num.messages': dice.pick([1, 3, 10_000]),
      'message.timeout.ms': dice.pick([2000, 5000, 60_000, 300_000]),
      'socket.timeout.ms': dice.pick([1000, 3000]),
      'request.timeout.ms': 1000,
      'socket.max.fails': dice.pick([1, 1, 2]),
      'compression.codec': dice.pick(['none', 'none', 'lz4']),
      'max.request.size': dice.pick([1000, 10_000_000]),
      'connections.max.idle.ms': dice.pick([0, 0, 3000]),
    },
  }
}

async function simulate(seed: number): Promise<void> {
  const dice = new Dice(seed)
  vi.spyOn(Math, 'random').mockImplementation(seededRandom(seed + 1))
  const { partitions, idempotent, ...options } = settings(dice)
  const stage = await Stage.set(options)
  const { brokers, kafkaVersion } = options
  const byName = kafkaVersion !== undefined
  const world: World = {
    stage,
    dice,
    brokers,
    partitions,
    removers: [],
    down: new Set(),
    trace: [],
    byName,
    losses: false,
  }
  try {
    for (let steps = 20 + dice.below(80); steps > 0; steps--) {
      const [name, action] = draw(dice)
      world.trace.push(`${stage.clock.now()}:${name}`)
      await action(world)
    }
    await heal(world)
    await stage.reports(60_000)
    await stage.finish({ duplicates: !idempotent, losses: world.losses })
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new Error(
      `seed ${seed}: ${what}\n${JSON.stringify({ brokers, partitions, kafkaVersion, ...options.config })}\n` +
        `${world.trace.join(' ')}\nreplay: SIMULATION_SEED=${seed} npx vitest run test/scenarios/simulation.test.ts`,
      { cause: error },
    )
  }
}

// Whatever was done to the cluster is taken back; from now on everything has to come to its end.
async function heal({ stage, removers, down, brokers, partitions }: World): Promise<void> {
  for (const remove of removers) remove()
  for (const id of down) await stage.cluster.brokerUp(id)
  stage.cluster.throttle(0)
  stage.cluster.rtt(0)
  for (const topic of ['t', 'u']) {
    for (let partition = 0; partition < partitions; partition++) {
      if (stage.cluster.leader(topic, partition) < 0)
        stage.cluster.moveLeader(topic, partition, 1 + (partition % brokers))
    }
  }
}

if (only === undefined) {
  const share = 50
  for (let first = 0; first < runs; first += share) {
    const last = Math.min(first + share, runs)
    test(`seeds ${first} to ${last - 1} lose, double and disorder nothing, and all come to an end`, async () => {
      for (let seed = first; seed < last; seed++) {
        await simulate(seed)
        vi.restoreAllMocks()
      }
      expect(last).toBeGreaterThan(first)
    }, 120_000)
  }
} else {
  test(`seed ${only} loses, doubles and disorders nothing, and comes to an end`, async () => {
    await simulate(Number(only))
  })
}
