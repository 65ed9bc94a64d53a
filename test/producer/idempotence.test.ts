import { describe, expect, test } from 'vitest'
import { BrokerPool } from '../../src/cluster/broker-pool.ts'
import type { Connection } from '../../src/cluster/connection.ts'
import { ConnectionError } from '../../src/errors.ts'
import { MockCluster } from '../../src/mock/index.ts'
import { Batch } from '../../src/producer/batch.ts'
import { ChunkPool } from '../../src/producer/chunk-pool.ts'
import { resolveConfig } from '../../src/producer/config/config.ts'
import { Idempotence } from '../../src/producer/idempotence.ts'
import { PreparedMessage, prepareMessage } from '../../src/producer/message.ts'
import { PartitionQueue } from '../../src/producer/partition-queue.ts'
import { FakeClock } from '../support/fake-clock.ts'

const largest = 2 ** 31 - 1

interface Assigned {
  readonly clock: FakeClock
  readonly idempotence: Idempotence
  readonly batch: (count: number) => Batch
}

/** Asks for a producer id where connections can only be had as `any` gives them. */
function asking(any: () => Promise<Connection>): { clock: FakeClock; idempotence: Idempotence; told: string[] } {
  const clock = new FakeClock()
  const told: string[] = []
  const tell = (what: string) => (error: Error) => void told.push(`${what} ${error.name}: ${error.message}`)
  const on = { ready() {}, failed: tell('failed'), fatal: tell('fatal') }
  const limits = { requestTimeoutMs: 1000, retryBackoffMs: 100, retryBackoffMaxMs: 100 }
  const idempotence = new Idempotence({ pool: { any }, clock, random: () => 0.5, ...limits, on })
  return { clock, idempotence, told }
}

async function assigned(): Promise<Assigned> {
  const clock = new FakeClock()
  const cluster = await MockCluster.start({ clock, transport: 'memory' })
  const [host = '', port] = cluster.bootstrapServers.split(':')
  const pool = new BrokerPool({
    bootstrapServers: [{ host, port: Number(port) }],
    connection: {
      clientId: 'test',
      transport: cluster.transport,
      clock,
      setupTimeoutMs: 1000,
      apiVersionTimeoutMs: 1000,
      maxResponseBytes: 1_000_000,
      softwareName: 'test',
      softwareVersion: '0',
    },
    random: () => 0.5,
    reconnectBackoffMs: 100,
    reconnectBackoffMaxMs: 100,
    connectionsMaxIdleMs: 0,
    on: { ready() {}, drained() {}, connected() {}, disconnected() {}, throttled() {} },
  })
  const on = { ready() {}, failed() {}, fatal() {} }
  const limits = { requestTimeoutMs: 1000, retryBackoffMs: 100, retryBackoffMaxMs: 100 }
  const idempotence = new Idempotence({ pool, clock, random: () => 0.5, ...limits, on })
  idempotence.ready()
  await clock.settle()
  const { profile } = resolveConfig({ 'bootstrap.servers': 'a:1' })
  const message = new PreparedMessage()
  const rules = { defaultTopic: null, keySerializer: null, valueSerializer: null, keyMaker: null, isPlain: true }
  prepareMessage({ topic: 't', value: 'v' }, rules, message)
  const chunks = new ChunkPool()
  const batch = (count: number): Batch => {
    const made = new Batch(new PartitionQueue('t', 0), profile, clock, chunks, 0, -1)
    for (let i = 0; i < count; i++) {
      made.fits(message, 0, Infinity, Infinity)
      made.append(message, 0)
    }
    return made
  }
  return { clock, idempotence, batch }
}

describe('sequences', () => {
  test.each([
    [0, 10, 10],
    [largest - 1, 1, largest],
    [largest, 1, 0],
    [2147483640, 7, largest],
    [2147483640, 8, 0],
    [2147483640, 10, 2],
  ])('go on after %i and %i records at %i', async (from, count, expected) => {
    const { idempotence, batch } = await assigned()
    const queue = new PartitionQueue('t', 0)
    expect(idempotence.stamp(queue, batch(1))).toBe(true)
    queue.nextSequence = from
    const stamped = batch(count)
    idempotence.stamp(queue, stamped)
    expect(stamped.stamp?.baseSequence).toBe(from)
    expect(queue.nextSequence).toBe(expected)
  })

  test('stay as they are for a batch that is stamped again in the same epoch', async () => {
    const { idempotence, batch } = await assigned()
    const queue = new PartitionQueue('t', 0)
    const first = batch(3)
    idempotence.stamp(queue, first)
    const { stamp } = first
    idempotence.stamp(queue, batch(2))
    idempotence.stamp(queue, first)
    expect(first.stamp).toBe(stamp)
    expect(queue.nextSequence).toBe(5)
  })
})

describe('a producer id', () => {
  test('that cannot be had yet is asked for again, and each failure is told', async () => {
    const { clock, idempotence, told } = asking(() => Promise.reject(new ConnectionError(-195, 'nobody there')))
    idempotence.ready()
    await clock.settle()
    await clock.advance(150)
    expect(told).toEqual(Array(2).fill('failed ConnectionError: nobody there'))
    idempotence.stop()
    expect(clock.pendingTimers).toBe(0)
  })

  test('that something unforeseen keeps away is fatal', async () => {
    const { clock, idempotence, told } = asking(() => Promise.reject(new TypeError('odd')))
    idempotence.ready()
    await clock.settle()
    expect(told).toEqual([expect.stringMatching(/^fatal ProtocolError: .*odd/)])
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('a new epoch', () => {
  test('waits until nothing of the partition is in flight', async () => {
    const { idempotence, batch } = await assigned()
    const queue = new PartitionQueue('t', 0)
    const [first, second] = [batch(2), batch(2)]
    idempotence.stamp(queue, first)
    queue.inFlight = 1
    idempotence.bump(idempotence.producerId, idempotence.producerEpoch)
    expect(idempotence.stamp(queue, second)).toBe(false)
    queue.inFlight = 0
    expect(idempotence.stamp(queue, second)).toBe(true)
    expect(second.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })

  test('leaves its stamp to a batch that may be in the log', async () => {
    const { idempotence, batch } = await assigned()
    const queue = new PartitionQueue('t', 0)
    const [uncertain, certain] = [batch(2), batch(2)]
    for (const each of [uncertain, certain]) {
      queue.batches.push(each)
      idempotence.stamp(queue, each)
    }
    uncertain.uncertain = true
    idempotence.bump(idempotence.producerId, 0)
    idempotence.stamp(queue, uncertain)
    idempotence.stamp(queue, certain)
    expect(uncertain.stamp).toMatchObject({ producerEpoch: 0, baseSequence: 0 })
    expect(certain.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })

  test('is for all behind the batch that it begins with: without that they cannot be in the log', async () => {
    const { idempotence, batch } = await assigned()
    const queue = new PartitionQueue('t', 0)
    const [certain, uncertain] = [batch(2), batch(3)]
    for (const each of [certain, uncertain]) {
      queue.batches.push(each)
      idempotence.stamp(queue, each)
    }
    uncertain.uncertain = true
    idempotence.bump(idempotence.producerId, 0)
    idempotence.stamp(queue, certain)
    idempotence.stamp(queue, uncertain)
    expect(certain.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
    expect(uncertain.stamp).toMatchObject({ producerEpoch: 1, baseSequence: 2 })
    expect(uncertain.uncertain).toBe(false)
  })

  test.each(['bump', 'renew'] as const)('after %s() proves nothing until a batch of it was accepted', async how => {
    const { idempotence, batch, clock } = await assigned()
    const queue = new PartitionQueue('t', 0)
    idempotence.stamp(queue, batch(1))
    queue.proven = true
    if (how === 'bump') idempotence.bump(idempotence.producerId, 0)
    else {
      idempotence.renew(idempotence.producerId)
      idempotence.ready()
      await clock.settle()
    }
    idempotence.stamp(queue, batch(1))
    expect(queue.proven).toBe(false)
  })

  test('comes once for a break that several batches tell of', async () => {
    const { idempotence } = await assigned()
    const { producerId } = idempotence
    idempotence.bump(producerId, 0)
    idempotence.bump(producerId, 0)
    expect(idempotence.producerEpoch).toBe(1)
  })
})
