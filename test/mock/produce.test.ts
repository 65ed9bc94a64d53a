import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codecs, codecUnavailable } from '../../src/compression/codecs.ts'
import { MockCluster } from '../../src/mock/index.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { altered, batch, batchOf, records, sequenced, timestamp } from './batches.ts'
import { produceBatch, produceBody } from './produce-request.ts'
import { RawClient } from './raw-client.ts'

const clock = new FakeClock()
let cluster: MockCluster
let raw: RawClient

beforeEach(async () => {
  cluster = await MockCluster.start({
    brokers: 2,
    topics: {
      orders: { partitions: 2 },
      stamped: { config: { 'message.timestamp.type': 'LogAppendTime' } },
      compacted: { config: { 'cleanup.policy': 'compact' } },
      small: { config: { 'max.message.bytes': 100 } },
      short: { config: { 'retention.bytes': 1000 } },
    },
  })
  raw = await connect()
})
afterEach(() => cluster.stop())

function connect(broker = 1): Promise<RawClient> {
  return RawClient.connect(cluster.transport, cluster.bootstrapServers.split(',')[broker - 1] ?? '')
}

const text = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes))

describe('a batch that is right', () => {
  test('is appended by every version, and its records can be read', async () => {
    for (let version = 3; version <= 12; version++) {
      const answer = await produceBatch(raw, batch([`v${version}`, null]), { version })
      const logStartOffset = version >= 5 ? 0n : -1n
      expect(answer).toMatchObject({ errorCode: 0, baseOffset: BigInt((version - 3) * 2), logStartOffset })
    }
    const log = cluster.log('orders', 0)
    expect(log).toHaveLength(20)
    expect(log.slice(0, 2).map(record => [record.offset, record.timestamp, text(record.value)])).toEqual([
      [0n, timestamp, 'v3'],
      [1n, timestamp + 1, null],
    ])
    expect(log[0]).toMatchObject({ key: null, headers: [], producerId: -1n, producerEpoch: -1, sequence: -1 })
  })

  test('is answered with acks 1 and -1, and not with acks 0', async () => {
    expect(await produceBatch(raw, batch(['a']), { acks: 1 })).toMatchObject({ errorCode: 0, baseOffset: 0n })
    expect(await produceBatch(raw, batch(['b']), { acks: -1 })).toMatchObject({ errorCode: 0, baseOffset: 1n })
    raw.send(produce, 9, produceBody(batch(['c']), { acks: 0 }))
    // The next frame answers the next request: there was none for the one before it.
    expect(await produceBatch(raw, batch(['d']), { acks: 1 })).toMatchObject({ errorCode: 0, baseOffset: 3n })
    expect(cluster.log('orders', 0).map(({ value }) => text(value))).toEqual(['a', 'b', 'c', 'd'])
  })

  test('is decompressed for the log, with the codec on record', async () => {
    const payload = records(['x'.repeat(500), 'y'.repeat(500)])
    for (const [i, name] of (['gzip', 'snappy', 'lz4'] as const).entries()) {
      const codec = codecs[name]
      const compressed = await codec.compress([payload], payload.length, -1)
      const answer = await produceBatch(raw, batchOf(compressed, { recordCount: 2, attributes: codec.id }))
      expect(answer).toMatchObject({ errorCode: 0, baseOffset: BigInt(2 * i) })
    }
    expect(cluster.batches('orders', 0).map(({ codec }) => codec)).toEqual(['gzip', 'snappy', 'lz4'])
    expect(cluster.batches('orders', 0)[0]?.sizeBytes).toBeLessThan(200)
    expect(cluster.log('orders', 0).map(({ value }) => value?.length)).toEqual([500, 500, 500, 500, 500, 500])
  })

  test('of zstd is decompressed where the runtime can; else it is kept, and the log says why it cannot be read', async () => {
    const payload = records(['a', 'b'])
    // A frame of one raw block: what any runtime can write.
    const frame = Buffer.from([
      0x28,
      0xb5,
      0x2f,
      0xfd,
      0x20,
      payload.length,
      (payload.length << 3) | 1,
      0,
      0,
      ...payload,
    ])
    const answer = await produceBatch(raw, batchOf(frame, { recordCount: 2, attributes: 4 }))
    expect(answer).toMatchObject({ errorCode: 0, baseOffset: 0n })
    expect(await produceBatch(raw, batch(['c']))).toMatchObject({ errorCode: 0, baseOffset: 2n })
    expect(cluster.batches('orders', 0)).toMatchObject([{ codec: 'zstd', recordCount: 2 }, { codec: 'none' }])
    const reason = codecUnavailable('zstd')
    const read = () => cluster.log('orders', 0).map(({ value }) => text(value))
    if (reason === null) expect(read()).toEqual(['a', 'b', 'c'])
    else expect(read).toThrow(`the batch at offset 0 cannot be read: ${reason}`)
  })

  test('is described without its records', async () => {
    await produceBatch(raw, sequenced(0, 3, 2))
    expect(cluster.batches('orders', 0)).toMatchObject([
      { baseOffset: 0n, recordCount: 3, codec: 'none', producerId: 7n, producerEpoch: 2, sequence: 0 },
    ])
    expect(cluster.batches('orders', 0)[0]?.bytes).toEqual(new Uint8Array(sequenced(0, 3, 2)))
    expect(cluster.log('orders', 0).map(({ sequence }) => sequence)).toEqual([0, 1, 2])
  })

  test('gets the time at which it came, where the topic says so', async () => {
    const timed = await MockCluster.start({
      clock,
      transport: 'memory',
      topics: { orders: { config: { 'message.timestamp.type': 'LogAppendTime' } } },
    })
    const connecting = RawClient.connect(timed.transport, timed.bootstrapServers)
    await clock.settle()
    const answering = produceBatch(await connecting, batch(['a', 'b'], { baseTimestamp: 1, maxTimestamp: 2 }))
    await clock.settle()
    expect(await answering).toMatchObject({ logAppendTimeMs: BigInt(clock.wallNow()) })
    expect(timed.log('orders', 0).map(record => record.timestamp)).toEqual([clock.wallNow(), clock.wallNow()])
    await timed.stop()
  })

  test('of several partitions is answered partition by partition', async () => {
    const request = produceBody(batch(['a']))
    const [topic] = request.topicData
    const partitionData = [
      { index: 0, records: [batch(['a'])] },
      { index: 1, records: [batch(['b'])] },
      { index: 2, records: [batch(['c'])] },
    ]
    const response = await raw.call(produce, 9, { ...request, topicData: [{ name: topic?.name, partitionData }] })
    const answers = response?.responses[0]?.partitionResponses.map(({ index, errorCode }) => [index, errorCode])
    expect(answers).toEqual([
      [0, 0],
      [1, 6],
      [2, 3],
    ])
  })
})

describe('a batch that is wrong', () => {
  const good = batch(['one', 'two', 'three'])
  const cases: [what: string, bytes: Uint8Array | null, errorCode: number, version?: number][] = [
    ['none at all', null, 87],
    ['empty', new Uint8Array(0), 87],
    ['cut short', good.subarray(0, 80), 87],
    ['too short for a header', good.subarray(0, 40), 87],
    ['of another magic', altered(good, bytes => bytes.writeInt8(1, 16)), 87],
    ['followed by another', Buffer.concat([good, good]), 87],
    ['damaged on its way', Buffer.concat([good.subarray(0, 70), Buffer.of(0xff), good.subarray(71)]), 2],
    ['a control batch', altered(good, bytes => bytes.writeInt16BE(0x20, 21)), 87],
    ['transactional, without a transactional id', altered(good, bytes => bytes.writeInt16BE(0x10, 21)), 53],
    ['with an offset of its own', altered(good, bytes => bytes.writeBigInt64BE(5n, 0)), 87],
    ['with a wrong last offset delta', altered(good, bytes => bytes.writeInt32BE(3, 23)), 87],
    ['with fewer records than it says', batchOf(records(['one']), { recordCount: 2 }), 87],
    ['with more records than it says', batchOf(records(['one', 'two']), { recordCount: 1 }), 87],
    ['with offsets that are not contiguous', batchOf(records(['one', 'two'], [0, 2]), { recordCount: 2 }), 87],
    ['without records', batchOf(new Uint8Array(0), { recordCount: 0 }), 87],
    ['of a producer without a sequence', batch(['one'], { producerId: 7n, producerEpoch: 0 }), 87],
    ['of no codec', altered(good, bytes => bytes.writeInt16BE(7, 21)), -1],
    ['said to be gzip', altered(good, bytes => bytes.writeInt16BE(1, 21)), -1],
    ['zstd for a version that has none', altered(good, bytes => bytes.writeInt16BE(4, 21)), 76, 6],
  ]
  test.each(cases)('%s', async (_what, bytes, errorCode, version = 9) => {
    expect(await produceBatch(raw, bytes, { version })).toMatchObject({ errorCode, baseOffset: -1n })
    expect(cluster.log('orders', 0)).toEqual([])
  })

  test('too large for its topic', async () => {
    const answer = await produceBatch(raw, batch(['x'.repeat(60)]), { topic: 'small' })
    expect(answer).toMatchObject({ errorCode: 10 })
    expect(answer?.errorMessage).toContain('at most 100')
    expect(await produceBatch(raw, batch(['x']), { topic: 'small' })).toMatchObject({ errorCode: 0 })
  })

  test('without keys, for a compacted topic: the records are named from version 8 on', async () => {
    const answer = await produceBatch(raw, batch(['a', 'b']), { topic: 'compacted' })
    expect(answer?.errorCode).toBe(87)
    expect(answer?.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0, 1])
    const old = await produceBatch(raw, batch(['a', 'b']), { topic: 'compacted', version: 7 })
    expect(old).toMatchObject({ errorCode: 87, recordErrors: [] })
  })

  test('with acks that there are not', async () => {
    expect(await produceBatch(raw, batch(['a']), { acks: 2 })).toMatchObject({ errorCode: 21 })
  })

  test('with acks 0 closes the connection, which is all a client can notice', async () => {
    expect(await produceBatch(raw, good.subarray(0, 80), { acks: 0 })).toBeNull()
    expect(raw.isClosed).toBe(true)
  })

  test('cut at any byte is never taken', async () => {
    for (let length = 0; length < good.length; length++) {
      const answer = await produceBatch(raw, good.subarray(0, length))
      expect([2, 87]).toContain(answer?.errorCode)
    }
    expect(cluster.log('orders', 0)).toEqual([])
  })
})

describe('a batch for the wrong place', () => {
  test('unknown topics, partitions and ids have their own errors', async () => {
    expect(await produceBatch(raw, batch(['a']), { topic: 'nowhere' })).toMatchObject({ errorCode: 3 })
    expect(await produceBatch(raw, batch(['a']), { partition: 9 })).toMatchObject({ errorCode: 3 })
    const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
    expect(await produceBatch(raw, batch(['a']), { version: 13, topicId })).toMatchObject({ errorCode: 100 })
  })

  test('is told who leads, with the address, from version 10 on', async () => {
    cluster.moveLeader('orders', 0, 2)
    const [host, port] = cluster.bootstrapServers.split(',')[1]?.split(':') ?? []
    const response = await raw.call(produce, 10, produceBody(batch(['a'])))
    expect(response?.responses[0]?.partitionResponses[0]).toMatchObject({
      errorCode: 6,
      currentLeader: { leaderId: 2, leaderEpoch: 1 },
    })
    expect(response?.nodeEndpoints).toEqual([{ nodeId: 2, host, port: Number(port), rack: null }])
    const old = await raw.call(produce, 9, produceBody(batch(['a'])))
    expect(old?.responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: 6, currentLeader: { leaderId: -1 } })
    expect(old?.nodeEndpoints).toEqual([])
    expect(await produceBatch(await connect(2), batch(['a']))).toMatchObject({ errorCode: 0 })
  })

  test('has no hint where nobody leads', async () => {
    cluster.leaderless('orders', 0)
    const response = await raw.call(produce, 10, produceBody(batch(['a'])))
    expect(response?.responses[0]?.partitionResponses[0]).toMatchObject({
      errorCode: 6,
      currentLeader: { leaderId: -1 },
    })
    expect(response?.nodeEndpoints).toEqual([])
  })
})

describe('sequences', () => {
  const errorOf = async (bytes: Uint8Array) => (await produceBatch(raw, bytes))?.errorCode

  test('run on, and one of the last five batches sent again gets its old offset', async () => {
    for (let i = 0; i < 6; i++) expect(await produceBatch(raw, sequenced(i * 2, 2))).toMatchObject({ errorCode: 0 })
    for (let i = 1; i < 6; i++) {
      expect(await produceBatch(raw, sequenced(i * 2, 2))).toMatchObject({ errorCode: 0, baseOffset: BigInt(i * 2) })
    }
    expect(await errorOf(sequenced(0, 2))).toBe(45)
    expect(cluster.log('orders', 0)).toHaveLength(12)
  })

  test('may not leave a gap, go back, or overlap', async () => {
    await produceBatch(raw, sequenced(0, 3))
    expect(await errorOf(sequenced(4))).toBe(45)
    expect(await errorOf(sequenced(1))).toBe(45)
    expect(await errorOf(sequenced(2, 3))).toBe(45)
    expect(await errorOf(sequenced(3))).toBe(0)
  })

  test('start anywhere where nothing is remembered', async () => {
    expect(await errorOf(sequenced(40))).toBe(0)
    expect(await errorOf(sequenced(40, 1, 0, 8n))).toBe(0)
    expect(await errorOf(sequenced(50))).toBe(45)
    cluster.expireProducerState('orders', 1)
    expect(await errorOf(sequenced(50))).toBe(45)
    cluster.expireProducerState('orders', 0)
    expect(await errorOf(sequenced(50))).toBe(0)
  })

  test('start at 0 in a new epoch, and an old epoch is fenced', async () => {
    await produceBatch(raw, sequenced(0))
    expect(await errorOf(sequenced(1, 1, 1))).toBe(45)
    expect(await errorOf(sequenced(0, 1, 1))).toBe(0)
    expect(await errorOf(sequenced(1, 1, 0))).toBe(47)
    expect(await errorOf(sequenced(0, 1, 0))).toBe(47)
    expect(await errorOf(sequenced(1, 1, 1))).toBe(0)
  })

  test('run from 2^31 - 1 on to 0, within a batch too', async () => {
    const max = 2 ** 31 - 1
    expect(await errorOf(sequenced(max - 1, 4))).toBe(0)
    expect(await errorOf(sequenced(2))).toBe(0)
    expect(await produceBatch(raw, sequenced(max - 1, 4))).toMatchObject({ errorCode: 0, baseOffset: 0n })
    expect(cluster.log('orders', 0).map(({ sequence }) => sequence)).toEqual([max - 1, max, 0, 1, 2])
  })
})

describe('the start of a log', () => {
  test('moves when records are deleted, and is told with every answer', async () => {
    for (const value of ['abc', 'def']) await produceBatch(raw, batch([...value]))
    cluster.deleteRecords('orders', 0, 4n)
    expect(cluster.log('orders', 0).map(({ offset }) => offset)).toEqual([4n, 5n])
    expect(await produceBatch(raw, batch(['g']))).toMatchObject({ baseOffset: 6n, logStartOffset: 4n })
  })

  test('moves by itself where only so many bytes are kept', async () => {
    for (let i = 0; i < 100; i++) await produceBatch(raw, batch(['x'.repeat(100)]), { topic: 'short' })
    const kept = cluster.batches('short', 0)
    const bytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    expect(bytes).toBeLessThanOrEqual(2000)
    expect(bytes).toBeGreaterThanOrEqual(500)
    expect(cluster.log('short', 0).at(-1)?.offset).toBe(99n)
  })
})
