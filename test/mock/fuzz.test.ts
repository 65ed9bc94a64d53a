import { Buffer } from 'node:buffer'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MockCluster } from '../../src/mock/index.ts'
import { addOffsetsToTxn } from '../../src/protocol/apis/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../src/protocol/apis/add-partitions-to-txn.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { createTopics } from '../../src/protocol/apis/create-topics.ts'
import { endTxn } from '../../src/protocol/apis/end-txn.ts'
import { findCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { initProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { saslAuthenticate } from '../../src/protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/apis/sasl-handshake.ts'
import { txnOffsetCommit } from '../../src/protocol/apis/txn-offset-commit.ts'
import { encodeRequest } from '../../src/protocol/header.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { batch, batchOf, records, sequenced } from './batches.ts'
import { produceBatch, produceBody } from './produce-request.ts'
import { RawClient } from './raw-client.ts'

let cluster: MockCluster
beforeEach(async () => {
  cluster = await MockCluster.start({ transport: 'memory', autoCreateTopics: true, topics: { orders: {} } })
})
// stop() rejects with whatever went wrong inside a broker, so every test here ends with that check.
afterEach(() => cluster.stop())

const connect = () => RawClient.connect(cluster.transport, cluster.bootstrapServers)

/** `MOCK_FUZZ_FRAMES=100000` for more. */
const frameCount = Number(process.env.MOCK_FUZZ_FRAMES ?? 10_000)

const creation = { name: 'made', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
const producer = { transactionalId: 't', producerId: 1000n, producerEpoch: 0 }
const offset = { partitionIndex: 0, committedOffset: 1n, committedMetadata: 'm' }
const offsets = { ...producer, groupId: 'g', topics: [{ name: 'orders', partitions: [offset] }] }
const transactional = batch(['a'], { producerId: 1000n, producerEpoch: 0, baseSequence: 0, attributes: 16 })
const frames = [
  encodeRequest(produce, 9, 1, 'raw', produceBody(sequenced(0, 3))),
  encodeRequest(produce, 7, 1, 'raw', produceBody(batch(['a', 'b']))),
  encodeRequest(metadata, 12, 1, 'raw', { topics: [{ name: 'orders' }], allowAutoTopicCreation: true }),
  encodeRequest(apiVersions, 4, 1, 'raw', { clientSoftwareName: 'raw', clientSoftwareVersion: '1' }),
  encodeRequest(initProducerId, 4, 1, 'raw', { transactionalId: null, transactionTimeoutMs: 1000 }),
  encodeRequest(createTopics, 7, 1, 'raw', { topics: [creation], timeoutMs: 0, validateOnly: false }),
  encodeRequest(initProducerId, 4, 1, 'raw', { transactionalId: 't', transactionTimeoutMs: 60_000 }),
  encodeRequest(findCoordinator, 4, 1, 'raw', { keyType: 1, coordinatorKeys: ['t', 'u'] }),
  encodeRequest(addPartitionsToTxn, 3, 1, 'raw', { ...producer, topics: [{ name: 'orders', partitions: [0, 1] }] }),
  encodeRequest(addOffsetsToTxn, 3, 1, 'raw', { ...producer, groupId: 'g' }),
  encodeRequest(txnOffsetCommit, 4, 1, 'raw', offsets),
  encodeRequest(produce, 11, 1, 'raw', produceBody(transactional, { transactionalId: 't' })),
  encodeRequest(endTxn, 4, 1, 'raw', { ...producer, committed: true }),
  encodeRequest(saslAuthenticate, 2, 1, 'raw', { authBytes: Buffer.from('token') }),
].map(chunks => Buffer.concat(chunks))

describe('whatever comes in', () => {
  test('a request cut at any byte closes the connection and does not disturb the broker', async () => {
    for (const frame of frames) {
      for (let length = 4; length < frame.length; length++) {
        const cut = Buffer.from(frame.subarray(0, length))
        cut.writeInt32BE(length - 4, 0)
        const raw = await connect()
        expect(await raw.exchange([cut])).toBeNull()
      }
    }
  })

  test('bytes changed at random are answered or refused, never the end of the broker', async () => {
    const random = seededRandom(20_251)
    for (let i = 0; i < frameCount; i++) {
      const frame = Buffer.from(frames[i % frames.length] ?? [])
      for (let n = 0; n <= random() * 4; n++) frame[4 + Math.floor(random() * (frame.length - 4))] = random() * 256
      const raw = await connect()
      // A frame that turned into Produce with acks 0 gets no answer: the second one is answered or the connection closed.
      await Promise.race([raw.exchange([frame]), raw.exchange([frames[3] ?? Buffer.alloc(0)]), raw.closed])
      raw.destroy()
    }
    expect(await produceBatch(await connect(), batch(['still here']))).toMatchObject({ errorCode: 0 })
  }, 120_000)

  test('records changed at random, behind a checksum that is right, are taken only if they can be read', async () => {
    const random = seededRandom(77)
    const raw = await connect()
    let taken = 0
    for (let i = 0; i < 3000; i++) {
      const payload = Buffer.from(records(['one', 'two', 'three']))
      payload[Math.floor(random() * payload.length)] = random() * 256
      const answer = await produceBatch(raw, batchOf(payload, { recordCount: 3 }))
      expect([0, 87]).toContain(answer?.errorCode)
      if (answer?.errorCode === 0) taken++
    }
    expect(taken).toBeGreaterThan(100)
    expect(cluster.log('orders', 0)).toHaveLength(taken * 3)
  })

  test('what wants to be let in is let in only as it is, whatever else is said to a cluster with SASL', async () => {
    const random = seededRandom(4616)
    const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const
    const guarded = await MockCluster.start({ transport: 'memory', sasl: { mechanisms, users: { ann: 'secret' } } })
    const claims = Buffer.from('{"sub":"ann","exp":9999999999}').toString('base64url')
    const first: Record<string, string> = {
      PLAIN: '\0ann\0secret',
      OAUTHBEARER: `n,,\x01auth=Bearer eyJhbGciOiJub25lIn0.${claims}.\x01\x01`,
    }
    let served = 0
    for (let i = 0; i < frameCount / 5; i++) {
      const raw = await RawClient.connect(guarded.transport, guarded.bootstrapServers)
      const mechanism = mechanisms[i % 4] ?? ''
      const whole = Buffer.from(first[mechanism] ?? 'n,,n=ann,r=nonce')
      const message = Buffer.from(whole)
      for (let n = 0; n <= random() * 3; n++) message[Math.floor(random() * message.length)] = random() * 256
      if (random() < 0.8) await raw.call(saslHandshake, random() < 0.8 ? 1 : 0, { mechanism })
      await Promise.race([raw.call(saslAuthenticate, 2, { authBytes: message }).catch(() => {}), raw.closed])
      const answer = raw.call(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1 }).catch(() => null)
      const given = await Promise.race([answer, raw.closed.then(() => null)])
      if (given?.errorCode === 0) {
        served++
        // A token's letters hold bits that mean nothing, and its claims may be of somebody else.
        if (mechanism !== 'OAUTHBEARER') expect(message.toString('hex')).toBe(whole.toString('hex'))
      }
      raw.destroy()
    }
    expect(served).toBeLessThan(frameCount / 50)
    const honest = await RawClient.connect(guarded.transport, guarded.bootstrapServers)
    await honest.call(saslHandshake, 1, { mechanism: 'PLAIN' })
    const welcome = await honest.call(saslAuthenticate, 2, { authBytes: Buffer.from('\0ann\0secret') })
    expect(welcome?.errorCode).toBe(0)
    await guarded.stop()
  }, 120_000)

  test('noise, a size that is negative and one that is too large close the connection', async () => {
    const random = seededRandom(3)
    const noise = Buffer.from(Array.from({ length: 400 }, () => random() * 256))
    const negative = Buffer.of(0xff, 0xff, 0xff, 0xff)
    const large = Buffer.of(0x7f, 0xff, 0xff, 0xff)
    const http = Buffer.from('GET / HTTP/1.1\r\nHost: mock\r\n\r\n')
    for (const bytes of [noise, negative, large, http]) {
      const raw = await connect()
      raw.write([bytes])
      await raw.closed
    }
    expect(cluster.connections).toBe(0)
  })

  test('a frame may arrive byte by byte', async () => {
    const raw = await connect()
    const frame = frames[3] ?? Buffer.alloc(0)
    const answer = raw.exchange([frame.subarray(0, 1)])
    for (let i = 1; i < frame.length; i++) raw.write([frame.subarray(i, i + 1)])
    expect((await answer)?.length).toBeGreaterThan(10)
  })
})
