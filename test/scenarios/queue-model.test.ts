// Whatever is called in whatever order: the queue against a model of it, checked after every step.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DeliveryHandle, type DeliveryReport, Producer } from '../../src/index.ts'
import { MockCluster } from '../../src/mock/index.ts'
import { FakeClock } from '../support/fake-clock.ts'

const partitions = 2
const maxMessages = 6
const maxBytes = 1024

/** A message that was handed in. `order` is its place among all that were put into the line for the queue. */
interface Call {
  readonly id: number
  readonly bytes: number
  readonly partition: number
  order: number
  /** It has a handle or is part of a promise. */
  promised: boolean
  reports: number
  settled: number
}

const place = fc.record({ partition: fc.nat(partitions - 1), bytes: fc.integer({ min: 3, max: 500 }) })
const places = fc.array(place, { maxLength: 8 })
const brokerErrors = [
  'NOT_ENOUGH_REPLICAS',
  'NOT_LEADER_OR_FOLLOWER',
  'INVALID_RECORD',
  'MESSAGE_TOO_LARGE',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'REQUEST_TIMED_OUT',
] as const

// No broker says this of a batch that it has.
const onlyIfNotAppended = new Set<string>(['MESSAGE_TOO_LARGE', 'OUT_OF_ORDER_SEQUENCE_NUMBER'])

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('dispatch' as const), place }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), place, aborted: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('dispatchWait' as const), place }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sendMany' as const), places }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('dispatchMany' as const), places }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('buffer' as const), places }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('flushBuffer' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('dispatchBuffer' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hold' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('answer' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      partition: fc.nat(partitions - 1),
      error: fc.constantFrom(...brokerErrors),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('purge' as const), queued: fc.boolean(), inFlight: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 3, 10, 100, 600) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

class Run {
  readonly clock = new FakeClock()
  readonly cluster: MockCluster
  readonly producer: Producer
  readonly calls: Call[] = []
  /** Handed to the queue and neither reported nor refused, in the order of the line. */
  outstanding: Call[] = []
  buffered: Call[] = []
  goodReports = 0
  readonly #lastReported: number[] = new Array(partitions).fill(-1)
  readonly #flushes: { readonly awaited: readonly Call[]; resolved: boolean }[] = []
  readonly #lossy: boolean
  readonly #faults: unknown[] = []
  #closing = false
  #orders = 0
  #release: (() => void) | null = null

  private constructor(cluster: MockCluster, clock: FakeClock, lossy: boolean) {
    this.#lossy = lossy
    this.clock = clock
    this.cluster = cluster
    this.producer = new Producer({
      'bootstrap.servers': cluster.bootstrapServers,
      transport: cluster.transport,
      clock,
      'queue.buffering.max.messages': maxMessages,
      'queue.buffering.max.kbytes': maxBytes / 1024,
      'batch.num.messages': 3,
      'message.timeout.ms': 2000,
      'max.block.ms': 1_000_000,
    })
    for (const name of ['message.acknowledged', 'message.failed', 'message.purged'] as const) {
      this.producer.on(name, ({ report }) => this.#reported(report))
    }
    this.producer.on('error.occurred', ({ type, error }) => {
      if (type.startsWith('listener')) this.#faults.push(error)
    })
  }

  /** `lossy`: connections are lost when a request is served but not answered, otherwise before it is seen. */
  static async start(lossy: boolean): Promise<Run> {
    const clock = new FakeClock()
    const cluster = await MockCluster.start({ topics: { t: { partitions } }, clock, transport: 'memory' })
    return new Run(cluster, clock, lossy)
  }

  async do(step: Step): Promise<void> {
    const { producer, cluster } = this
    switch (step.do) {
      case 'dispatch':
        this.#dispatch(() => [producer.dispatch(this.#message(step.place))], 1)
        break
      case 'dispatchMany':
        this.#dispatch(() => producer.dispatchMany(step.places.map(place => this.#message(place))), step.places.length)
        break
      case 'send': {
        const message = this.#message(step.place)
        this.#line([message.opaque])
        const abort = new AbortController()
        const report = producer.send(message, step.aborted ? { signal: abort.signal } : {})
        this.#settles(
          report.then(report => [report]),
          [message.opaque],
        )
        // Before there is room it is never queued, afterwards it is delivered all the same.
        if (step.aborted) {
          const waits = this.outstanding.length > producer.queueSize
          abort.abort()
          if (waits) this.#remove(message.opaque)
        }
        break
      }
      case 'dispatchWait': {
        const message = this.#message(step.place)
        this.#line([message.opaque])
        const report = producer.dispatchWait(message).then(handle => handle.wait())
        this.#settles(
          report.then(report => [report]),
          [message.opaque],
        )
        break
      }
      case 'sendMany': {
        const messages = step.places.map(place => this.#message(place))
        const calls = messages.map(({ opaque }) => opaque)
        this.#line(calls)
        this.#settles(producer.sendMany(messages), calls)
        break
      }
      case 'buffer': {
        const messages = step.places.map(place => this.#message(place))
        this.buffered.push(...messages.map(({ opaque }) => opaque))
        expect(producer.bufferMany(messages)).toBe(this.buffered.length)
        break
      }
      case 'flushBuffer': {
        const calls = this.buffered
        this.buffered = []
        this.#line(calls)
        this.#settles(producer.flushBuffer(), calls)
        break
      }
      case 'dispatchBuffer': {
        const before = producer.queueSize
        const taken = this.buffered
        let handles: readonly DeliveryHandle[]
        try {
          handles = producer.dispatchBuffer()
        } catch (error) {
          handles = (error as { dispatched: DeliveryHandle[] }).dispatched
        }
        expect(producer.queueSize).toBe(before + handles.length)
        const queued = taken.slice(0, handles.length)
        this.buffered = taken.slice(handles.length)
        this.#line(queued)
        this.#handles(handles, queued)
        break
      }
      case 'hold':
        this.#hold()
        break
      case 'answer':
        this.#answer()
        break
      case 'fail':
        if (!this.#lossy || !onlyIfNotAppended.has(step.error)) {
          cluster.failPartition('t', step.partition, step.error)
        }
        break
      case 'drop':
        cluster.disconnectNext('Produce', this.#lossy ? 'afterProcessing' : 'beforeProcessing')
        break
      case 'purge': {
        const { queueSize } = producer
        const count = producer.purge({ queued: step.queued, inFlight: step.inFlight })
        expect(count).toBeLessThanOrEqual(queueSize)
        if (step.queued && step.inFlight) expect(count).toBe(queueSize)
        break
      }
      case 'flush': {
        const flush = { awaited: [...this.outstanding], resolved: false }
        this.#flushes.push(flush)
        void producer.flush().then(() => {
          flush.resolved = true
          // What still waits for room when the producer ends leaves the line without a report.
          const open = flush.awaited.filter(({ reports }) => reports === 0)
          if (open.length > 0 && !this.#closing) this.#faults.push(new Error(`flush() left out message ${open[0]?.id}`))
        })
        break
      }
      case 'advance':
        await this.clock.advance(step.ms)
    }
    await this.clock.settle()
    this.#check()
  }

  async close(timeoutMs: number, answering: boolean): Promise<void> {
    if (answering) this.#answer()
    else this.#hold()
    const owed = [...this.outstanding, ...this.buffered]
    const good = this.goodReports
    this.#line(this.buffered)
    this.buffered = []
    this.#closing = true
    let lost = -1
    void this.producer.close({ timeoutMs }).then(result => {
      lost = result.lost
    })
    for (let waited = 0; lost < 0 && waited <= timeoutMs; waited += 50) await this.clock.advance(50)
    for (const fault of this.#faults) throw fault
    expect(lost).toBe(owed.length - (this.goodReports - good))
    await this.clock.settle()
    this.#answer()
    await this.clock.settle()
    for (const { id, promised, settled, reports } of this.calls) {
      expect(reports, `reports on message ${id}`).toBeLessThanOrEqual(1)
      expect(settled, `ends of message ${id}`).toBe(promised ? 1 : 0)
    }
    for (const flush of this.#flushes) expect(flush.resolved).toBe(true)
    const { queueSize, queueBytes, inFlight, buffered } = this.producer
    expect([queueSize, queueBytes, inFlight, buffered]).toEqual([0, 0, 0, 0])
    await this.cluster.stop()
    await this.clock.settle()
    expect(this.clock.pendingTimers).toBe(0)
  }

  #message({ partition, bytes }: { partition: number; bytes: number }) {
    const call: Call = { id: this.calls.length, bytes, partition, order: -1, promised: false, reports: 0, settled: 0 }
    this.calls.push(call)
    return { topic: 't', partition, value: String(call.id).padEnd(bytes), opaque: call }
  }

  #line(calls: readonly Call[]): readonly Call[] {
    for (const call of calls) call.order = this.#orders++
    this.outstanding.push(...calls)
    return calls
  }

  #remove(call: Call): void {
    this.outstanding = this.outstanding.filter(other => other !== call)
  }

  #dispatch(dispatch: () => readonly DeliveryHandle[], count: number): void {
    const crowded = this.outstanding.length > this.producer.queueSize
    const first = this.calls.length
    let handles: readonly DeliveryHandle[]
    try {
      handles = dispatch()
      expect(handles).toHaveLength(count)
    } catch (error) {
      handles = (error as { dispatched?: DeliveryHandle[] }).dispatched ?? []
    }
    if (crowded) expect(handles).toHaveLength(0)
    const calls = this.calls.slice(first, first + handles.length)
    this.#line(calls)
    this.#handles(handles, calls)
  }

  #handles(handles: readonly DeliveryHandle[], calls: readonly Call[]): void {
    for (const [i, handle] of handles.entries()) {
      const call = calls[i] as Call
      call.promised = true
      void handle.wait({ throwOnError: false }).then(report => {
        call.settled++
        expect(report.opaque).toBe(call)
        expect(handle.report).toEqual(report)
      })
    }
  }

  #settles(reports: Promise<DeliveryReport[]>, calls: readonly Call[]): void {
    for (const call of calls) call.promised = true
    const settled = (): void => {
      for (const call of calls) call.settled++
    }
    reports.then(reports => {
      expect(reports.map(({ opaque }) => opaque)).toEqual(calls)
      settled()
    }, settled)
  }

  #reported({ opaque, error, status, partition, offset }: DeliveryReport): void {
    const call = opaque as Call
    call.reports++
    expect(partition).toBe(call.partition >= 0 && partition >= 0 ? call.partition : -1)
    if (error === null) {
      this.goodReports++
      expect(status).toBe('persisted')
      if (offset >= 0n) expect(this.#inLog(call, offset)).toBe(true)
    } else if (status === 'not-persisted') expect(this.#inLog(call)).toBe(false)
    const last = this.#lastReported[call.partition] as number
    expect(call.order, `report on message ${call.id}`).toBeGreaterThan(last)
    this.#lastReported[call.partition] = call.order
    this.#remove(call)
  }

  #inLog({ id, partition }: Call, at?: bigint): boolean {
    return this.cluster
      .log('t', partition)
      .some(({ value, offset }) => Number(Buffer.from(value ?? [])) === id && (at === undefined || offset === at))
  }

  #hold(): void {
    if (this.#release !== null) return
    let go = (): void => {}
    const released = new Promise<undefined>(resolve => {
      go = () => resolve(undefined)
    })
    const remove = this.cluster.control('Produce', () => released, { times: Number.POSITIVE_INFINITY })
    this.#release = () => {
      remove()
      go()
    }
  }

  #answer(): void {
    this.#release?.()
    this.#release = null
  }

  #check(): void {
    for (const fault of this.#faults) throw fault
    const { queueSize, queueBytes, inFlight, unsent, buffered } = this.producer
    expect(queueSize).toBeLessThanOrEqual(maxMessages)
    expect(queueBytes).toBeLessThanOrEqual(maxBytes)
    expect(queueSize).toBe(inFlight + unsent)
    expect(inFlight).toBeGreaterThanOrEqual(0)
    expect(unsent).toBeGreaterThanOrEqual(0)
    expect(buffered).toBe(this.buffered.length)
    // Who waits stands behind all who are in, and first come is first served.
    const queued = this.outstanding.slice(0, queueSize)
    const [next] = this.outstanding.slice(queueSize)
    expect(queued).toHaveLength(queueSize)
    expect(queueBytes).toBe(queued.reduce((sum, { bytes }) => sum + bytes, 0))
    if (next !== undefined) expect(queueSize === maxMessages || queueBytes + next.bytes > maxBytes).toBe(true)
    for (let partition = 0; partition < partitions; partition++) {
      const orders = this.cluster.log('t', partition).map(({ value }) => {
        return (this.calls[Number(Buffer.from(value ?? []))] as Call).order
      })
      expect(orders, `log of partition ${partition}`).toEqual([...new Set(orders)].sort((a, b) => a - b))
    }
  }
}

test('every message has one end, in order and within the bounds, and nothing is left at the end', async () => {
  const steps = fc.array(step, { maxLength: 40 })
  const end = fc.record({ timeoutMs: fc.constantFrom(0, 100, 3000), answering: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.boolean(), steps, end, async (lossy, steps, { timeoutMs, answering }) => {
      const run = await Run.start(lossy)
      for (const step of steps) await run.do(step)
      await run.close(timeoutMs, answering)
    }),
    { numRuns: 300 },
  )
}, 120_000)
