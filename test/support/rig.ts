// A producer on a mock cluster in memory, under a clock that the test moves. When the test is over everything is closed,
// and nothing may be left: no message, no byte, no timer, no connection.

import { expect, onTestFinished } from 'vitest'
import { type DeliveryReport, Producer, type ProducerOptions } from '../../src/index.ts'
import { MockCluster, type MockClusterOptions } from '../../src/mock/index.ts'
import { FakeClock } from './fake-clock.ts'

export interface RigOptions extends MockClusterOptions {
  readonly producer?: Partial<ProducerOptions>
}

export interface Watched<T> {
  state: 'pending' | 'fulfilled' | 'rejected'
  value?: T
  error?: unknown
}

/** What becomes of a promise, readable at any time; its rejection counts as handled. */
export function watch<T>(promise: Promise<T>): Watched<T> {
  const watched: Watched<T> = { state: 'pending' }
  promise.then(
    value => Object.assign(watched, { state: 'fulfilled', value }),
    error => Object.assign(watched, { state: 'rejected', error }),
  )
  return watched
}

/** What `fn` throws. */
export function thrownBy(fn: () => unknown): unknown {
  try {
    fn()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

export class Rig {
  readonly clock: FakeClock
  readonly cluster: MockCluster
  readonly producer: Producer

  private constructor(clock: FakeClock, cluster: MockCluster, producer: Producer) {
    this.clock = clock
    this.cluster = cluster
    this.producer = producer
  }

  /** One broker and the topic `t` of one partition if nothing else is said. */
  static async start({ producer: config = {}, ...options }: RigOptions = {}): Promise<Rig> {
    const clock = new FakeClock()
    const cluster = await MockCluster.start({ topics: { t: {} }, ...options, clock, transport: 'memory' })
    const servers = cluster.bootstrapServers
    const rig = new Rig(
      clock,
      cluster,
      new Producer({ 'bootstrap.servers': servers, transport: cluster.transport, clock, ...config }),
    )
    onTestFinished(() => rig.#finish())
    return rig
  }

  /** As `start`, with the cluster and the topics known. */
  static async connected(options: RigOptions = {}): Promise<Rig> {
    const topics = Object.keys(options.topics ?? { t: {} })
    const rig = await Rig.start({ ...options, producer: { topics, ...options.producer } })
    await rig.until(rig.producer.connect())
    await rig.clock.settle()
    return rig
  }

  /** Moves time in steps until the promise has settled, and gives what it gave. */
  async until<T>(promise: Promise<T>, withinMs = 1000, stepMs = 1): Promise<T> {
    const watched = watch(promise)
    await this.clock.settle()
    for (let waited = 0; watched.state === 'pending'; waited += stepMs) {
      if (waited > withinMs) throw new Error(`nothing came within ${withinMs} ms`)
      await this.clock.advance(stepMs)
    }
    return promise
  }

  /** As `until`, no time passing: for what other threads do, which know no clock. */
  async standingStill<T>(promise: Promise<T>): Promise<T> {
    const watched = watch(promise)
    const deadline = Date.now() + 15_000
    while (watched.state === 'pending' && Date.now() < deadline) await this.clock.settle()
    return this.until(promise)
  }

  /** The error that the promise rejects with. */
  async failure(promise: Promise<unknown>, withinMs = 1000, stepMs = 1): Promise<unknown> {
    const outcome = promise.then(
      () => {
        throw new Error('it did not fail')
      },
      (error: unknown) => error,
    )
    return this.until(outcome, withinMs, stepMs)
  }

  /** Values in a partition's log, as text. */
  log(topic = 't', partition = 0): string[] {
    return this.cluster.log(topic, partition).map(({ value }) => Buffer.from(value ?? []).toString())
  }

  /** How many Produce requests came in. */
  get produceRequests(): number {
    return this.cluster.requests({ api: 'Produce' }).length
  }

  /** Brokers take Produce requests and never answer; the returned function ends that for new requests. */
  hang(): () => void {
    return this.cluster.control('Produce', () => ({ hang: true }), { times: Number.POSITIVE_INFINITY })
  }

  /** Answers to Produce wait until the returned function is called. */
  holdAnswers(): () => void {
    let release = (): void => {}
    const released = new Promise<void>(resolve => {
      release = resolve
    })
    const remove = this.cluster.control(
      'Produce',
      async () => {
        await released
        return undefined
      },
      { times: Number.POSITIVE_INFINITY },
    )
    return () => {
      remove()
      release()
    }
  }

  /** All reports that events tell of, from now on. */
  reports(): DeliveryReport[] {
    const reports: DeliveryReport[] = []
    for (const name of ['message.acknowledged', 'message.failed', 'message.purged'] as const) {
      this.producer.on(name, ({ report }) => reports.push(report))
    }
    return reports
  }

  async #finish(): Promise<void> {
    await this.until(this.producer.close({ force: true }))
    const { queueSize, queueBytes, inFlight, buffered } = this.producer
    expect({ queueSize, queueBytes, inFlight, buffered }).toEqual({
      queueSize: 0,
      queueBytes: 0,
      inFlight: 0,
      buffered: 0,
    })
    await this.clock.settle()
    expect(this.cluster.connections, 'connections left').toBe(0)
    await this.cluster.stop()
    await this.clock.settle()
    expect(this.clock.pendingTimers, 'timers left').toBe(0)
  }
}
