import { describe, expect, test } from 'vitest'
import { DeliveryError } from '../../src/errors.ts'
import type { Batch } from '../../src/producer/batch.ts'
import { type Chunk, ChunkPool } from '../../src/producer/chunk-pool.ts'
import type { Verdict } from '../../src/producer/report.ts'
import { batchCrcMatches, readBatchHeader, readRecords } from '../../src/protocol/record-batch-reader.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { add, makeBatch, prepared } from '../support/queue-parts.ts'

const persisted: Verdict = {
  error: null,
  status: 'persisted',
  baseOffset: 100n,
  logAppendTimeMs: -1,
  recordErrors: null,
}

function records(batch: Batch) {
  return readRecords(Buffer.concat(batch.payload), batch.count).map(({ key, value, headers, timestampDelta }) => {
    const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString())
    return { key: text(key), value: text(value), headers: headers.length, timestampDelta }
  })
}

function done(batch: Batch, verdict: Verdict = persisted): void {
  if (batch.state === 'open') batch.seal()
  batch.decide(verdict)
  batch.publish(null)
}

describe('a batch', () => {
  test('has its records encoded and counted when it is sealed', () => {
    const batch = makeBatch(new FakeClock())
    add(batch, { value: 'a', key: 'k', headers: { h: 'x' } })
    add(batch, { value: null })
    add(batch, { value: ['b', 'c'].map(text => Buffer.from(text)) })
    batch.seal()
    expect(batch).toMatchObject({ count: 3, userBytes: 2 + 2 + 2, state: 'sealed' })
    expect(Buffer.concat(batch.payload)).toHaveLength(batch.recordsBytes)
    expect(records(batch)).toEqual([
      { key: 'k', value: 'a', headers: 1, timestampDelta: 0 },
      { key: null, value: null, headers: 0, timestampDelta: 0 },
      { key: null, value: 'bc', headers: 0, timestampDelta: 0 },
    ])
  })

  test('of many records goes over several chunks, none of which is copied', () => {
    const batch = makeBatch(new FakeClock())
    const values = Array.from({ length: 500 }, (_, i) => `${i}`.repeat(50))
    for (const value of values) add(batch, { value })
    batch.seal()
    expect(batch.payload.length).toBeGreaterThan(3)
    expect(records(batch).map(({ value }) => value)).toEqual(values)
  })

  test('takes its first record however large, and then as many as the bounds allow', () => {
    const clock = new FakeClock()
    const batch = makeBatch(clock)
    const large = prepared({ value: Buffer.alloc(5000) })
    expect(batch.fits(large, 0, 10, 1000)).toBe(true)
    batch.append(large, 0)
    expect(batch.fits(prepared({ value: '' }), 0, 10, 1000)).toBe(false)
    const small = makeBatch(clock)
    add(small, { value: 'x' })
    const next = prepared({ value: 'x' })
    // A header of 61 bytes, and two records of 8: length, attributes, two deltas, null key, length and one byte, headers.
    expect(small.fits(next, 0, 10, 61 + 16)).toBe(true)
    expect(small.fits(next, 0, 10, 61 + 15)).toBe(false)
    expect(small.fits(next, 0, 1, 1000)).toBe(false)
  })

  test('has a header with its stamp, its times and a right checksum, in memory of its own while another request has the last one', () => {
    const clock = new FakeClock(1_000_000)
    const batch = makeBatch(clock, { timestamp: 500 })
    add(batch, { value: 'a', timestamp: 500 })
    add(batch, { value: 'b', timestamp: 900 })
    add(batch, { value: 'c', timestamp: 100 })
    batch.seal()
    batch.stamp = { producerId: 7n, producerEpoch: 3, baseSequence: 41 }
    batch.pin()
    const first = batch.wire(false)
    const bytes = Buffer.concat(first)
    expect(batchCrcMatches(bytes)).toBe(true)
    expect(readBatchHeader(bytes)).toMatchObject({
      producerId: 7n,
      producerEpoch: 3,
      baseSequence: 41,
      recordCount: 3,
      lastOffsetDelta: 2,
      baseTimestamp: 500,
      maxTimestamp: 900,
      codec: 0,
      transactional: false,
    })
    expect(records(batch).map(({ timestampDelta }) => timestampDelta)).toEqual([0, 400, -400])
    batch.stamp = { producerId: 7n, producerEpoch: 4, baseSequence: 0 }
    batch.pin()
    const second = Buffer.concat(batch.wire(true))
    expect(Buffer.concat(first)).toEqual(bytes)
    expect(readBatchHeader(second)).toMatchObject({ producerEpoch: 4, transactional: true })
    expect(batchCrcMatches(second)).toBe(true)
    batch.unpin()
    expect(Buffer.concat(batch.wire(true))).toEqual(second)
  })

  test('has a deadline that counts from the first call, or none', () => {
    const clock = new FakeClock()
    expect(makeBatch(clock, { calledAt: 50 }).deadline).toBe(300_050)
    const endless = { ...makeBatch(clock).profile, 'message.timeout.ms': 0 }
    expect(makeBatch(clock, { profile: endless }).deadline).toBe(Number.POSITIVE_INFINITY)
  })

  test('goes through its life in one direction', () => {
    const batch = makeBatch(new FakeClock())
    add(batch, { value: 'a' })
    expect(() => batch.to('ready')).toThrow()
    batch.seal()
    expect(() => batch.seal()).toThrow()
    batch.to('ready')
    batch.to('inFlight')
    batch.to('ready')
    batch.decide(persisted)
    expect(() => batch.decide(persisted)).toThrow()
  })
})

describe('reports', () => {
  test('count offsets from the first, with the time of the call or the message’s own', async () => {
    const clock = new FakeClock(1_000_000)
    const batch = makeBatch(clock)
    add(batch, { value: 'a' })
    await clock.advance(5)
    add(batch, { value: 'b', timestamp: 77, opaque: 'mine' })
    await clock.advance(10)
    add(batch, { value: 'c' })
    batch.attempts = 2
    done(batch)
    const common = { topic: 't', partition: 0, status: 'persisted', error: null, attempts: 2 }
    expect([0, 1, 2].map(index => batch.reportAt(index))).toEqual([
      { ...common, offset: 100n, timestamp: 1_000_000, opaque: undefined, latencyMs: 15 },
      { ...common, offset: 101n, timestamp: 77, opaque: 'mine', latencyMs: 10 },
      { ...common, offset: 102n, timestamp: 1_000_015, opaque: undefined, latencyMs: 0 },
    ])
  })

  test('have the time that the broker set', () => {
    const batch = makeBatch(new FakeClock())
    add(batch, { value: 'a', timestamp: 77 })
    done(batch, { ...persisted, logAppendTimeMs: 123 })
    expect(batch.reportAt(0).timestamp).toBe(123)
  })

  test('have no offset where none is known', () => {
    const batch = makeBatch(new FakeClock())
    add(batch, { value: 'a' })
    add(batch, { value: 'b' })
    done(batch, { ...persisted, baseOffset: -1n })
    expect([batch.reportAt(0).offset, batch.reportAt(1).offset]).toEqual([-1n, -1n])
  })

  test('go to callers, to those who wait and to the listener, in the order of the records, once', async () => {
    const batch = makeBatch(new FakeClock())
    const heard: string[] = []
    for (let i = 0; i < 4; i++) add(batch, { value: 'a' })
    batch.callers.call(1, () => heard.push('caller 1'))
    batch.callers.call(3, { settled: () => heard.push('caller 3') })
    batch.callers.notify(0, () => heard.push('waits for 0'))
    batch.callers.notify(0, () => heard.push('waits for 0, too'))
    batch.seal()
    batch.decide(persisted)
    expect(heard).toEqual([])
    expect(batch.verdict).toBe(null)
    batch.publish(({ offset }) => heard.push(`listener ${offset}`))
    expect(heard).toEqual([
      'caller 1',
      'caller 3',
      'waits for 0',
      'waits for 0, too',
      'listener 100',
      'listener 101',
      'listener 102',
      'listener 103',
    ])
  })

  test('have the error of their record where the broker named it', () => {
    const batch = makeBatch(new FakeClock())
    add(batch, { value: 'a' })
    add(batch, { value: 'b' })
    const [all, own] = [new DeliveryError(-152, 'all'), new DeliveryError(-151, 'own')]
    done(batch, { ...persisted, status: 'not-persisted', error: all, recordErrors: new Map([[1, own]]) })
    expect([batch.reportAt(0).error, batch.reportAt(1).error]).toEqual([all, own])
  })
})

describe('memory', () => {
  class WatchedPool extends ChunkPool {
    out = 0
    override take(bytes: number, batchBytes: number): Chunk {
      this.out++
      return super.take(bytes, batchBytes)
    }
    override give(chunk: Chunk): void {
      this.out--
      super.give(chunk)
    }
  }

  function full(pool: ChunkPool): Batch {
    const batch = makeBatch(new FakeClock(), { pool })
    for (let i = 0; i < 100; i++) add(batch, { value: 'x'.repeat(100) })
    batch.seal()
    return batch
  }

  test('comes back when the batch is done', () => {
    const pool = new WatchedPool()
    const batch = full(pool)
    expect(pool.out).toBeGreaterThan(1)
    done(batch)
    expect(pool.out).toBe(0)
  })

  test('stays away while a request or a codec refers to it, whatever became of the batch', () => {
    const pool = new WatchedPool()
    const batch = full(pool)
    batch.pin()
    batch.pin()
    done(batch)
    batch.unpin()
    expect(pool.out).toBeGreaterThan(0)
    batch.unpin()
    expect(pool.out).toBe(0)
  })

  test('stays while the batch may be sent again', () => {
    const pool = new WatchedPool()
    const batch = full(pool)
    batch.to('ready')
    batch.pin()
    batch.to('inFlight')
    batch.to('ready')
    batch.unpin()
    expect(pool.out).toBeGreaterThan(0)
    expect(records(batch)).toHaveLength(100)
  })
})

describe('records that move to other batches', () => {
  test('keep bytes, times, opaques, placement, callers and waits', async () => {
    const clock = new FakeClock()
    const holder = makeBatch(clock, { partition: -1 })
    const partitioner = () => 0
    const messages = [
      { value: 'a', key: 'k', headers: { h: 'x' }, opaque: 'opaque' },
      { value: null, partition: 5, timestamp: 77 },
      { value: '', partitionKey: 'p' },
    ]
    for (const [i, message] of messages.entries()) {
      const record = prepared(message)
      if (i === 2) record.partitioner = partitioner
      holder.fits(record, clock.now(), 10, 10_000)
      holder.append(record, clock.now())
      holder.keepPlacement(record)
      await clock.advance(5)
    }
    const heard: string[] = []
    holder.callers.call(0, { settled: () => heard.push('caller') })
    holder.callers.notify(2, () => heard.push('wait'))
    const seen: unknown[] = []
    const target = makeBatch(clock, { calledAt: 0 })
    holder.moveAll(prepared({ value: null }), (message, calledAt) => {
      const { partition, partitionKeyLength, userBytes, timestamp } = message
      seen.push([partition, partitionKeyLength, message.partitioner, userBytes, timestamp, calledAt])
      target.fits(message, calledAt, 10, 10_000)
      target.append(message, calledAt)
      return target
    })
    const start = clock.wallNow() - 15
    expect(seen).toEqual([
      [-1, -2, null, 4, start, 0],
      [5, -2, null, 0, 77, 5],
      [-1, 1, partitioner, 0, start + 10, 10],
    ])
    expect(holder.state).toBe('done')
    expect(holder.forward?.indexes).toEqual([0, 1, 2])
    target.seal()
    expect(records(target).map(({ key, value, headers }) => [key, value, headers])).toEqual([
      ['k', 'a', 1],
      [null, null, 0],
      [null, '', 0],
    ])
    done(target)
    expect(heard).toEqual(['caller', 'wait'])
    expect([0, 1, 2].map(index => [target.opaqueAt(index), target.timestampAt(index)])).toEqual([
      ['opaque', start],
      [undefined, 77],
      [undefined, start + 10],
    ])
    // What is held of each record went with it.
    expect([holder.opaqueAt(0), holder.timestampAt(0)]).toEqual([undefined, Number.NaN])
  })
})
