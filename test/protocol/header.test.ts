import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { addPartitionsToTxn } from '../../src/protocol/apis/add-partitions-to-txn.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { endTxn } from '../../src/protocol/apis/end-txn.ts'
import { findCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { initProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { saslAuthenticate } from '../../src/protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/apis/sasl-handshake.ts'
import { txnOffsetCommit } from '../../src/protocol/apis/txn-offset-commit.ts'
import { apiByKey } from '../../src/protocol/apis.ts'
import {
  correlationIdOf,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../src/protocol/header.ts'
import { Reader } from '../../src/protocol/reader.ts'
import type { Api } from '../../src/protocol/schema.ts'
import batches from '../vectors/batches.json' with { type: 'json' }
import frames from '../vectors/frames.json' with { type: 'json' }

const headerOf = (reader: Reader) => decodeRequestHeader(reader, apiByKey)
const hexOf = (chunks: readonly Uint8Array[]) => Buffer.concat(chunks).toString('hex')
const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const withoutSize = (chunks: readonly Uint8Array[]) => Buffer.concat(chunks).subarray(4)

function request<Request>(api: Api<Request>, version: number, correlationId: number, body: Request) {
  return { frame: `${api.name} v${version}`, chunks: encodeRequest(api, version, correlationId, 'ts', body) }
}

const software = { clientSoftwareName: 'ts-kafka', clientSoftwareVersion: '1.0.0' }
const oneTopic = { topics: [{ name: 't' }], allowAutoTopicCreation: false }
const noTransaction = { transactionalId: null, transactionTimeoutMs: 60_000 }
const partitionData = [{ index: 0, records: [Buffer.from(batches.G5, 'hex')] }]
const write = { transactionalId: null, acks: -1, timeoutMs: 30_000 }
const transaction = { transactionalId: 'tx', producerId: 1n, producerEpoch: 0 }

describe('golden request frames', () => {
  const requests = [
    request(apiVersions, 0, 1, {}),
    request(apiVersions, 3, 1, software),
    request(apiVersions, 4, 1, software),
    request(metadata, 4, 2, oneTopic),
    request(metadata, 9, 2, oneTopic),
    request(metadata, 12, 2, oneTopic),
    request(initProducerId, 0, 3, noTransaction),
    request(initProducerId, 4, 3, noTransaction),
    request(initProducerId, 5, 3, { transactionalId: 'tx', transactionTimeoutMs: 60_000 }),
    request(findCoordinator, 4, 4, { keyType: 1, coordinatorKeys: ['tx'] }),
    request(produce, 3, 5, { ...write, topicData: [{ name: 't', partitionData }] }),
    request(produce, 9, 5, { ...write, topicData: [{ name: 't', partitionData }] }),
    request(produce, 13, 5, { ...write, topicData: [{ topicId: 'ABEiM0RVZneImaq7zN3u_w', partitionData }] }),
    request(addPartitionsToTxn, 3, 6, { ...transaction, topics: [{ name: 't', partitions: [0] }] }),
    request(endTxn, 5, 7, { ...transaction, committed: true }),
    request(txnOffsetCommit, 5, 8, {
      ...transaction,
      groupId: 'g',
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 42n, committedMetadata: '' }] }],
    }),
    request(saslHandshake, 1, 9, { mechanism: 'PLAIN' }),
    request(saslAuthenticate, 2, 10, { authBytes: Buffer.from('\0u\0p') }),
  ]
  const golden: Record<string, string> = frames

  test.each(requests)('$frame is the same to the byte', ({ frame, chunks }) => {
    expect(hexOf(chunks)).toBe(golden[frame])
  })

  test('are all of them tried', () => {
    expect(requests.map(({ frame }) => frame)).toEqual(Object.keys(golden))
  })

  test.each(Object.entries(golden))('%s is read back by the header and the body that it names', (frame, hex) => {
    const reader = new Reader(bytesOf(hex), 4)
    const header = headerOf(reader)
    const api = apiByKey(header.apiKey)
    expect(header.clientId).toBe('ts')
    expect(`${api?.name} v${header.apiVersion}`).toBe(frame)
    api?.request.decode(reader, header.apiVersion)
    reader.end()
  })
})

describe('a request', () => {
  test('hands a large record batch on by reference, and copies a small one', () => {
    const [batch, small] = [new Uint8Array(10_000), new Uint8Array(1000)]
    const topicData = [{ name: 't', partitionData: [{ index: 0, records: [small, batch] }] }]
    const chunks = encodeRequest(produce, 9, 1, null, { ...write, topicData })
    expect(chunks).toContain(batch)
    expect(chunks).not.toContain(small)
    expect(chunks).toHaveLength(3)
  })

  test('may come without a client id', () => {
    const header = headerOf(new Reader(withoutSize(encodeRequest(metadata, 9, 7, null, oneTopic))))
    expect(header).toEqual({ apiKey: 3, apiVersion: 9, correlationId: 7, clientId: null })
  })

  test('of an unknown API has its header read as not flexible', () => {
    const reader = new Reader(bytesOf('03e7 0063 00000001 0001 61 ff'))
    expect(headerOf(reader)).toEqual({ apiKey: 999, apiVersion: 99, correlationId: 1, clientId: 'a' })
    expect(reader.remaining).toBe(1)
  })

  test('of a version that is not known yet has the newest header', () => {
    const reader = new Reader(bytesOf('0012 0063 00000001 0001 61 00 ff'))
    expect(headerOf(reader).apiVersion).toBe(99)
    expect(reader.remaining).toBe(1)
  })

  test('has its header refused when it is cut anywhere, or the client id has a negative length', () => {
    const whole = bytesOf('0012 0003 00000001 0002 7473 01 05 02 0909')
    headerOf(new Reader(whole))
    for (let end = 0; end < whole.length; end++) {
      expect(() => headerOf(new Reader(whole.subarray(0, end)))).toThrow(ProtocolError)
    }
    expect(() => headerOf(new Reader(bytesOf('0012 0003 00000001 fffe 7473 00')))).toThrow(ProtocolError)
  })
})

describe('a response', () => {
  const answer = { throttleTimeMs: 1, errorCode: 0, producerId: 7n, producerEpoch: 2 }

  test.each([
    [1, '00000014 0000002a 00000001 0000 0000000000000007 0002'],
    [2, '00000016 0000002a 00 00000001 0000 0000000000000007 0002 00'],
  ])('has tagged fields after the header from the first flexible version on (v%d)', (version, hex) => {
    const chunks = encodeResponse(initProducerId, version, 42, answer)
    expect(hexOf(chunks)).toBe(hex.replaceAll(' ', ''))
    expect(decodeResponse(initProducerId, version, withoutSize(chunks))).toEqual({ correlationId: 42, body: answer })
    expect(correlationIdOf(withoutSize(chunks))).toBe(42)
  })

  test('to ApiVersions never has them', () => {
    const hex = hexOf(encodeResponse(apiVersions, 3, 1, { errorCode: 0, apiKeys: [] }))
    expect(hex).toBe('0000000c 00000001 0000 01 00000000 00'.replaceAll(' ', ''))
  })

  test('with unknown tagged fields in its header and its body is read without them', () => {
    const frame = bytesOf('0000002a 01 05 02 0909 00000001 0000 0000000000000007 0002 02 00 01 ff 63 00')
    expect(decodeResponse(initProducerId, 5, frame).body).toEqual(answer)
  })

  test('that is malformed is refused with the name and version of its API', () => {
    expect(() => decodeResponse(initProducerId, 5, bytesOf('0000002a 00 0000'))).toThrow(
      'answer to InitProducerId v5: 4 bytes expected at byte 5, 2 are left',
    )
    expect(() => correlationIdOf(bytesOf('0000'))).toThrow(ProtocolError)
  })
})

describe('a refused version of ApiVersions', () => {
  test('is answered in version 0 with the one to try instead', () => {
    const captured = bytesOf('00000000 0023 00000001 0012 0000 0004')
    for (const version of [1, 3, 4, 5]) {
      expect(decodeResponse(apiVersions, version, captured).body).toEqual({
        errorCode: 35,
        apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
        throttleTimeMs: 0,
        supportedFeatures: [],
        finalizedFeaturesEpoch: -1n,
        finalizedFeatures: [],
        zkMigrationReady: false,
      })
    }
  })

  test('may be answered with no key at all, as brokers before 2.4 do', () => {
    expect(decodeResponse(apiVersions, 3, bytesOf('00000000 0023 00000000')).body.apiKeys).toEqual([])
  })

  test('is refused when it is cut anywhere', () => {
    const captured = bytesOf('00000000 0023 00000001 0012 0000 0004')
    for (let end = 0; end < captured.length; end++) {
      expect(() => decodeResponse(apiVersions, 5, captured.subarray(0, end))).toThrow(ProtocolError)
    }
  })
})
