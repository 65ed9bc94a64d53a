// A producer on a mock cluster in memory, under a clock that the test moves, and the judge of what came of it all.

import { expect } from 'vitest'
import {
  type DeliveryReport,
  type KafkaError,
  Producer,
  type ProducerOptions,
  type Transport,
} from '../../src/index.ts'
import { MockCluster, type MockClusterOptions } from '../../src/mock/index.ts'
import { FakeClock } from '../support/fake-clock.ts'

export interface StageOptions {
  readonly brokers?: number
  readonly topics?: MockClusterOptions['topics']
  readonly kafkaVersion?: string
  readonly config?: Partial<ProducerOptions>
  /** Comes between the producer and the brokers. */
  readonly between?: (transport: Transport) => Transport
}

/** One call of the producer and what became of it. The record's value begins with `id`. */
export interface Call {
  readonly id: number
  readonly topic: string
  /** -1 until a report tells, where the partitioner chooses. */
  partition: number
  report: DeliveryReport | null
  /** How often `message.acknowledged`, `message.failed` or `message.purged` told of it. */
  told: number
  /** Resolves, never rejects, when its handle or promise has a report. */
  ended: Promise<DeliveryReport>
}

export interface Verdict {
  /** Without idempotence a retry may repeat what an earlier attempt has written. */
  readonly duplicates?: boolean
  /** The topic lost records on purpose, so the log need not hold what was acknowledged. */
  readonly losses?: boolean
}

export class Stage {
  readonly clock: FakeClock
  readonly cluster: MockCluster
  readonly producer: Producer
  readonly calls: Call[] = []
  /** In the order of the events, for each partition. */
  readonly #reported = new Map<string, number[]>()

  private constructor(clock: FakeClock, cluster: MockCluster, { config, between = t => t }: StageOptions) {
    this.clock = clock
    this.cluster = cluster
    this.producer = new Producer({
      'bootstrap.servers': cluster.bootstrapServers,
      transport: between(cluster.transport),
      clock,
      ...config,
    })
    for (const event of ['message.acknowledged', 'message.failed', 'message.purged'] as const) {
      this.producer.on(event, ({ report }) => this.#told(report))
    }
  }

  static async set(options: StageOptions = {}): Promise<Stage> {
    const { brokers = 1, topics = { t: {} }, kafkaVersion } = options
    const clock = new FakeClock()
    const version = kafkaVersion === undefined ? {} : { kafkaVersion }
    const cluster = await MockCluster.start({ brokers, topics, clock, transport: 'memory', ...version })
    return new Stage(clock, cluster, options)
  }

  /** Dispatches one message, `bytes` long at least. */
  dispatch({ topic = 't', partition = 0, bytes = 0 } = {}): Call {
    const call = this.#call(topic, partition)
    const message = { topic, partition, value: String(call.id).padEnd(bytes, ' '), opaque: call }
    try {
      const handle = this.producer.dispatch(message)
      call.ended = handle.wait({ throwOnError: false })
      this.calls.push(call)
    } catch (error) {
      call.ended = Promise.reject(error)
      call.ended.catch(() => {})
    }
    return call
  }

  /** Sends one message; a failure ends the call's promise with its report, as success does. */
  send({ topic = 't', partition = 0, bytes = 0 } = {}): Call {
    const call = this.#call(topic, partition)
    this.calls.push(call)
    const value = String(call.id).padEnd(bytes, ' ')
    call.ended = this.producer.send({ topic, partition, value, opaque: call }).catch((error: KafkaError) => {
      if (call.report === null) this.#told(refusal(topic, call, error))
      return call.report as DeliveryReport
    })
    return call
  }

  /** Dispatches `count` messages as batches of their own, one after the other. */
  async dispatchBatches(count: number, to: { topic?: string; partition?: number } = {}): Promise<Call[]> {
    const calls: Call[] = []
    for (let i = 0; i < count; i++) {
      calls.push(this.dispatch(to))
      await this.clock.advance(5)
    }
    return calls
  }

  /** Moves time until the promise has settled, `withinMs` at most, and gives what it gave. */
  async patiently<T>(promise: Promise<T>, withinMs: number, stepMs = 10): Promise<T> {
    let over = false
    promise.then(
      () => {
        over = true
      },
      () => {
        over = true
      },
    )
    await this.clock.settle()
    for (let waited = 0; !over && waited < withinMs; waited += stepMs) await this.clock.advance(stepMs)
    if (!over) throw new Error(`nothing came within ${withinMs} ms`)
    return promise
  }

  /** The reports of all calls so far, which must come within this time. */
  reports(withinMs: number): Promise<DeliveryReport[]> {
    return this.patiently(Promise.all(this.calls.map(({ ended }) => ended)), withinMs)
  }

  /** The error that the call must end with. */
  async failure(call: Call, withinMs: number): Promise<KafkaError> {
    const { error } = await this.patiently(call.ended, withinMs)
    if (error === null) throw new Error(`message ${call.id} was delivered`)
    return error
  }

  /** Ids of the messages in a partition's log. */
  log(partition = 0, topic = 't'): number[] {
    return this.cluster.log(topic, partition).map(({ value }) => idOf(value))
  }

  /** Ends everything and judges it: the logs, the reports, and what is left behind. */
  async finish(verdict: Verdict = {}): Promise<void> {
    await this.patiently(this.producer.close(), 70_000, 100)
    const reports = await Promise.all(this.calls.map(({ ended }) => ended))
    for (const [i, call] of this.calls.entries()) {
      expect(call.told, `reports on message ${call.id}`).toBe(1)
      expect(reports[i], `the report on message ${call.id}`).toEqual(call.report)
    }
    this.#judgeOrder()
    this.#judgeRequests()
    for (const topic of new Set(this.calls.map(({ topic }) => topic))) this.#judgeLogs(topic, verdict)
    expect(this.producer.queueSize, 'messages left').toBe(0)
    expect(this.producer.queueBytes, 'bytes left').toBe(0)
    expect(this.producer.inFlight, 'messages in flight').toBe(0)
    await this.clock.settle()
    expect(this.cluster.connections, 'connections left').toBe(0)
    await this.cluster.stop()
    await this.clock.settle()
    expect(this.clock.pendingTimers, 'timers left').toBe(0)
  }

  #call(topic: string, partition: number): Call {
    return { id: this.calls.length, topic, partition, report: null, told: 0, ended: new Promise(() => {}) }
  }

  #told(report: DeliveryReport): void {
    const call = report.opaque as Call
    call.told++
    call.report = report
    if (report.partition >= 0) call.partition = report.partition
    if (report.attempts === 0 && report.timestamp < 0) return
    const place = `${call.topic} ${report.partition}`
    this.#reported.set(place, [...(this.#reported.get(place) ?? []), call.id])
  }

  #judgeOrder(): void {
    for (const [place, ids] of this.#reported)
      expect(ids, `reports of ${place}`).toEqual([...ids].sort((a, b) => a - b))
  }

  // A broker keeps but one batch of a partition that a request names twice.
  #judgeRequests(): void {
    for (const { body } of this.cluster.requests({ api: 'Produce' })) {
      const places = body.topicData.flatMap(({ name, topicId, partitionData }) => {
        return partitionData.map(({ index }) => `${name} ${topicId} ${index}`)
      })
      expect(new Set(places).size, `partitions of a request: ${places.join()}`).toBe(places.length)
    }
  }

  #judgeLogs(topic: string, { duplicates = false, losses = false }: Verdict): void {
    const found = new Map<number, { count: number; offset: bigint; partition: number }>()
    for (const { partition, value, offset } of this.#records(topic)) {
      const id = idOf(value)
      const entry = found.get(id)
      if (entry === undefined) found.set(id, { count: 1, offset, partition })
      else entry.count++
    }
    if (!duplicates) {
      const perPartition = new Map<number, number[]>()
      for (const { partition, value } of this.#records(topic)) {
        perPartition.set(partition, [...(perPartition.get(partition) ?? []), idOf(value)])
      }
      for (const [partition, ids] of perPartition) {
        expect(ids, `order of ${topic}[${partition}]`).toEqual([...new Set(ids)].sort((a, b) => a - b))
      }
    }
    for (const call of this.calls) {
      if (call.topic !== topic) continue
      const { status, offset, error } = call.report as DeliveryReport
      const entry = found.get(call.id)
      const what = `message ${call.id}, ${status} (${error?.message ?? 'no error'})`
      if (status === 'persisted' && !losses) {
        expect(entry?.partition, `partition of ${what}`).toBe(call.partition)
        if (!duplicates && offset >= 0n) expect(entry?.offset, `offset of ${what}`).toBe(offset)
      }
      if (status === 'not-persisted') expect(entry?.count ?? 0, `copies of ${what}`).toBe(0)
    }
  }

  #records(topic: string): ReturnType<MockCluster['records']> {
    try {
      return this.cluster.records(topic)
    } catch {
      return [] // there never was such a topic
    }
  }
}

function idOf(value: Uint8Array | null): number {
  return Number(new TextDecoder().decode(value ?? undefined))
}

// Of a message that was never queued there is no event.
function refusal(topic: string, opaque: Call, error: KafkaError): DeliveryReport {
  const nowhere = { topic, partition: -1, offset: -1n, timestamp: -1, attempts: 0, latencyMs: 0 }
  return { ...nowhere, status: 'not-persisted', error, opaque }
}
