// What a broker says to a batch, right or wrong in every way that a batch can be.

import { Buffer } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { altered, batch, batchOf, records, timestamp } from '../mock/batches.ts'
import { nameOf, nowhere, type Place, type TestTopic } from './place.ts'

const refused = (error: string) => ({ error, offset: -1 })

export function batchCases(place: () => Place): void {
  describe('a batch', () => {
    let topic: TestTopic
    let fresh: TestTopic
    beforeAll(async () => {
      topic = await place().topic()
      fresh = await place().topic()
    })
    const verdict = (bytes: Uint8Array | null, version = 9) => place().produce(topic, bytes, { version })

    test('of a new topic begins at offset 0, the next one after its last record', async () => {
      expect(await place().produceFully(fresh, batch(['a', 'b']))).toEqual({
        index: 0,
        errorCode: 0,
        baseOffset: 0n,
        logAppendTimeMs: -1n,
        logStartOffset: 0n,
        recordErrors: [],
        errorMessage: null,
        currentLeader: { leaderId: -1, leaderEpoch: -1 },
      })
      expect(await place().produce(fresh, batch(['c']))).toEqual({ error: 'NONE', offset: 2 })
      expect(await place().produce(fresh, batch([null]), { acks: 1 })).toEqual({ error: 'NONE', offset: 3 })
    })

    test.each([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])('is taken by Produce v%i', async version => {
      expect((await verdict(batch(['x']), version)).error).toBe('NONE')
    })

    test('with a wrong checksum is corrupt', async () => {
      const bytes = batch(['a'])
      bytes[20] = (bytes[20] ?? 0) ^ 1
      expect(await verdict(bytes)).toEqual(refused('CORRUPT_MESSAGE'))
    })

    test('with a changed byte is corrupt', async () => {
      const bytes = batch(['a'])
      bytes[65] = (bytes[65] ?? 0) ^ 1
      expect(await verdict(bytes)).toEqual(refused('CORRUPT_MESSAGE'))
    })

    test('that is cut short is refused', async () => {
      const bytes = batch(['a', 'b'])
      for (const length of [8, 15, 40, 61, bytes.length - 1]) {
        expect(await verdict(bytes.subarray(0, length)), `${length} bytes`).toEqual(refused('INVALID_RECORD'))
      }
    })

    test('of magic 1 is no record batch for this API', async () => {
      expect(await verdict(altered(batch(['a']), bytes => bytes.writeInt8(1, 16)))).toEqual(refused('INVALID_RECORD'))
    })

    test('of magic 3 is unknown', async () => {
      expect(await verdict(altered(batch(['a']), bytes => bytes.writeInt8(3, 16)))).toEqual(refused('CORRUPT_MESSAGE'))
    })

    test('without a byte is refused', async () => {
      expect(await verdict(Buffer.alloc(0))).toEqual(refused('INVALID_RECORD'))
    })

    test('may not be two', async () => {
      expect(await verdict(Buffer.concat([batch(['a']), batch(['b'])]))).toEqual(refused('INVALID_RECORD'))
    })

    test('may not be a control batch', async () => {
      expect(await verdict(batch(['a'], { attributes: 32 }))).toEqual(refused('INVALID_RECORD'))
    })

    test('may claim to be stamped by the broker: the topic decides', async () => {
      expect((await verdict(batch(['a'], { attributes: 8 }))).error).toBe('NONE')
    })

    test('begins at offset 0, the place in the log is not for the client to say', async () => {
      const bytes = batch(['a'])
      bytes.writeBigInt64BE(77n, 0)
      expect(await verdict(bytes)).toEqual(refused('INVALID_RECORD'))
    })

    test('has as many records as it says', async () => {
      const count = (n: number, last = n - 1) =>
        altered(batch(['a', 'b']), bytes => {
          bytes.writeInt32BE(n, 57)
          bytes.writeInt32BE(last, 23)
        })
      expect(await verdict(count(3))).toEqual(refused('INVALID_RECORD'))
      expect(await verdict(count(1))).toEqual(refused('INVALID_RECORD'))
      expect(await verdict(count(0))).toEqual(refused('INVALID_RECORD'))
      expect(await verdict(count(2, 4))).toEqual(refused('INVALID_RECORD'))
      expect(await verdict(count(-1))).toEqual(refused('INVALID_RECORD'))
    })

    test('ends with its last record', async () => {
      const payload = Buffer.concat([records(['a']), Buffer.of(0)])
      expect(await verdict(batchOf(payload, { recordCount: 1 }))).toEqual(refused('INVALID_RECORD'))
    })

    test('holds records that can be read', async () => {
      const payload = Buffer.from(records(['abc']))
      payload[5] = 0x7e // the value reaches beyond its record
      expect(await verdict(batchOf(payload, { recordCount: 1 }))).toEqual(refused('INVALID_RECORD'))
    })

    test('compressed with gzip is taken', async () => {
      const payload = gzipSync(records(['a', 'b']))
      expect((await verdict(batchOf(payload, { recordCount: 2, attributes: 1 }))).error).toBe('NONE')
    })

    test('with more inside than it says is refused', async () => {
      const payload = gzipSync(Buffer.concat([records(['a']), Buffer.of(1, 2, 3)]))
      expect(await verdict(batchOf(payload, { recordCount: 1, attributes: 1 }))).toEqual(refused('INVALID_RECORD'))
    })

    test.each([
      ['gzip', 1],
      ['snappy', 2],
      ['lz4', 3],
      ['zstd', 4],
    ])('that says %s and is not gets an error of the server', async (_name, codec) => {
      const payload = Buffer.from('nothing that was ever compressed')
      const answer = await verdict(batchOf(payload, { recordCount: 1, attributes: codec }))
      expect(answer).toEqual(refused('UNKNOWN_SERVER_ERROR'))
    })

    test('of a codec that does not exist gets an error of the server', async () => {
      const answer = await verdict(batchOf(records(['a']), { recordCount: 1, attributes: 6 }))
      expect(answer).toEqual(refused('UNKNOWN_SERVER_ERROR'))
    })

    test('of zstd needs Produce v7', async () => {
      const bytes = batchOf(Buffer.from('28b52ffd', 'hex'), { recordCount: 1, attributes: 4 })
      expect(await verdict(bytes, 6)).toEqual(refused('UNSUPPORTED_COMPRESSION_TYPE'))
    })

    test('larger than max.message.bytes is too large, one of exactly that size is not', async () => {
      const exact = batch(['x'.repeat(300)])
      const narrow = await place().topic({ 'max.message.bytes': String(exact.length) })
      expect(await place().produce(narrow, exact)).toEqual({ error: 'NONE', offset: 0 })
      expect(await place().produce(narrow, batch(['x'.repeat(301)]))).toEqual(refused('MESSAGE_TOO_LARGE'))
    })

    test('may be 1048588 bytes long where nothing else is said', async () => {
      const of = (bytes: number) => batch(['x'.repeat(bytes)])
      const overhead = of(1_000_000).length - 1_000_000
      expect((await verdict(of(1_048_588 - overhead))).error).toBe('NONE')
      expect(await verdict(of(1_048_589 - overhead))).toEqual(refused('MESSAGE_TOO_LARGE'))
    })

    test('from the far future has an invalid timestamp, and its records say so', async () => {
      const ahead = Date.now() + 2 * 3_600_000
      const bytes = batch(['a', 'b'], { baseTimestamp: ahead, maxTimestamp: ahead + 1 })
      const answer = await place().produceFully(topic, bytes)
      expect(nameOf(answer.errorCode)).toBe('INVALID_TIMESTAMP')
      expect(answer.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0, 1])
    })

    test('older than message.timestamp.before.max.ms has an invalid timestamp', async () => {
      const strict = await place().topic({ 'message.timestamp.before.max.ms': '60000' })
      expect(await place().produce(strict, batch(['a']))).toEqual(refused('INVALID_TIMESTAMP'))
      const now = { baseTimestamp: Date.now(), maxTimestamp: Date.now() }
      expect((await place().produce(strict, batch(['a'], now))).error).toBe('NONE')
    })

    test('without a timestamp is taken', async () => {
      expect((await verdict(batch(['a'], { baseTimestamp: -1, maxTimestamp: -1 }))).error).toBe('NONE')
    })

    test('that says a wrong latest timestamp is taken', async () => {
      expect((await verdict(batch(['a'], { maxTimestamp: timestamp + 5 }))).error).toBe('NONE')
    })
  })

  describe('what a topic asks for', () => {
    test('compacted, it takes no record without a key and names those that have none', async () => {
      const topic = await place().topic({ 'cleanup.policy': 'compact' })
      const answer = await place().produceFully(topic, batch(['a', 'b']))
      expect(nameOf(answer.errorCode)).toBe('INVALID_RECORD')
      expect(answer.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0, 1])
      expect(answer.errorMessage).not.toBeNull()
      expect(await place().produce(topic, batch(['a']), { version: 7 })).toEqual(refused('INVALID_RECORD'))
    })

    test('with LogAppendTime the broker says when it took the batch', async () => {
      const topic = await place().topic({ 'message.timestamp.type': 'LogAppendTime' })
      const before = Date.now()
      const { errorCode, logAppendTimeMs } = await place().produceFully(topic, batch(['a']))
      expect(errorCode).toBe(0)
      expect(Number(logAppendTimeMs)).toBeGreaterThanOrEqual(before)
      expect(Number(logAppendTimeMs)).toBeLessThanOrEqual(Date.now())
    })

    test('with LogAppendTime no timestamp is too far ahead', async () => {
      const topic = await place().topic({ 'message.timestamp.type': 'LogAppendTime' })
      const ahead = Date.now() + 2 * 3_600_000
      const bytes = batch(['a'], { baseTimestamp: ahead, maxTimestamp: ahead })
      expect(await place().produce(topic, bytes)).toEqual({ error: 'NONE', offset: 0 })
    })

    test('min.insync.replicas asks for no more replicas than there are', async () => {
      const topic = await place().topic({ 'min.insync.replicas': '2' })
      expect(await place().produce(topic, batch(['a']))).toEqual({ error: 'NONE', offset: 0 })
    })
  })

  describe('where it goes', () => {
    test('an unknown topic, by name and by id', async () => {
      expect(await place().produce(nowhere, batch(['a']))).toEqual(refused('UNKNOWN_TOPIC_OR_PARTITION'))
      const strange = { ...nowhere, id: 'AAAAAAAAAAAAAAAAAAAABQ' }
      expect(await place().produce(strange, batch(['a']), { version: 13 })).toEqual(refused('UNKNOWN_TOPIC_ID'))
    })

    test('an unknown partition, by name and by id', async () => {
      const topic = await place().topic()
      const there = { partition: 5 }
      expect(await place().produce(topic, batch(['a']), there)).toEqual(refused('UNKNOWN_TOPIC_OR_PARTITION'))
      const byId = await place().produce(topic, batch(['a']), { ...there, version: 13 })
      expect(byId).toEqual(refused('UNKNOWN_TOPIC_OR_PARTITION'))
    })

    test.each([2, -2, 100])('acks %i do not exist', async acks => {
      const topic = await place().topic()
      expect(await place().produce(topic, batch(['a']), { acks })).toEqual(refused('INVALID_REQUIRED_ACKS'))
    })
  })
}
