import { Buffer } from 'node:buffer'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { highestCommonVersion } from '../../src/cluster/handshake.ts'
import { addOffsetsToTxn } from '../../src/protocol/apis/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../src/protocol/apis/add-partitions-to-txn.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { createTopics } from '../../src/protocol/apis/create-topics.ts'
import { describeConfigs } from '../../src/protocol/apis/describe-configs.ts'
import { endTxn } from '../../src/protocol/apis/end-txn.ts'
import { findCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { initProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { saslAuthenticate } from '../../src/protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/apis/sasl-handshake.ts'
import { txnOffsetCommit } from '../../src/protocol/apis/txn-offset-commit.ts'
import { apis } from '../../src/protocol/apis.ts'
import type { Api } from '../../src/protocol/schema.ts'
import { readTopic } from '../support/judge.ts'
import { ask as askServer } from '../support/raw-request.ts'
import { kafka, uniqueName } from '../support/real-kafka.ts'
import batches from '../vectors/batches.json' with { type: 'json' }

const software = { clientSoftwareName: 'odradek', clientSoftwareVersion: '0.1.0' }
const illegalSaslState = 34

function ask<Request, Response>(api: Api<Request, Response>, version: number, body: Request): Promise<Response> {
  return askServer(kafka.bootstrapServers, api, version, body)
}

function upTo(api: Api, highest = api.versions[1]): number[] {
  const [lowest] = api.versions
  return Array.from({ length: highest - lowest + 1 }, (_, i) => lowest + i)
}

describe('Kafka 4.3 and this package', () => {
  test('have these versions in common', async () => {
    const { apiKeys } = await ask(apiVersions, 3, software)
    const broker = new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]))
    expect(Object.fromEntries(apis.map(({ name, key }) => [name, broker.get(key)]))).toEqual({
      Produce: [0, 13],
      Metadata: [0, 13],
      FindCoordinator: [0, 6],
      SaslHandshake: [0, 1],
      ApiVersions: [0, 4],
      CreateTopics: [2, 7],
      InitProducerId: [0, 5],
      AddPartitionsToTxn: [0, 5],
      AddOffsetsToTxn: [0, 4],
      EndTxn: [0, 5],
      TxnOffsetCommit: [0, 5],
      DescribeConfigs: [1, 4],
      SaslAuthenticate: [0, 2],
    })
    for (const api of apis) {
      const [min = 0, max = 0] = broker.get(api.key) ?? []
      expect(highestCommonVersion(api, { min, max })).toBe(Math.min(api.versions[1], max))
    }
  })

  test('a version of ApiVersions that the broker does not know is refused in version 0, with the way down', async () => {
    const { errorCode, apiKeys } = await ask(apiVersions, 5, software)
    expect(errorCode).toBe(35)
    expect(apiKeys).toEqual([{ apiKey: 18, minVersion: 0, maxVersion: 4 }])
  })
})

describe('every version that both speak is understood', () => {
  test.each(upTo(apiVersions, 4))('ApiVersions v%i', async version => {
    const { errorCode, apiKeys } = await ask(apiVersions, version, software)
    expect(errorCode).toBe(0)
    expect(apiKeys.length).toBeGreaterThan(40)
  })

  test.each(upTo(findCoordinator))('FindCoordinator v%i', async version => {
    await vi.waitFor(async () => {
      const answer = await ask(findCoordinator, version, { key: 'g', keyType: 0, coordinatorKeys: ['g'] })
      const { errorCode, nodeId, port } = answer.coordinators[0] ?? answer
      expect({ errorCode, nodeId, port }).toEqual({
        errorCode: 0,
        nodeId: expect.any(Number),
        port: expect.any(Number),
      })
    }, 20_000)
  })

  test.each(upTo(initProducerId))('InitProducerId v%i', async version => {
    // A fresh broker answers COORDINATOR_LOAD_IN_PROGRESS until its controller has given it ids to hand out.
    await vi.waitFor(async () => {
      const answer = await ask(initProducerId, version, { transactionalId: null, transactionTimeoutMs: 60_000 })
      expect(answer).toEqual({ throttleTimeMs: 0, errorCode: 0, producerId: expect.any(BigInt), producerEpoch: 0 })
    }, 20_000)
  })

  test.each(upTo(createTopics))('CreateTopics v%i', async version => {
    const name = uniqueName('never-there')
    const config = { name: 'retention.ms', value: '1000' }
    const topic = { name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [config] }
    const { topics } = await ask(createTopics, version, { topics: [topic], timeoutMs: 5_000, validateOnly: true })
    expect(topics).toMatchObject([{ name, errorCode: 0, errorMessage: null }])
  })

  test.each(upTo(saslHandshake))('SaslHandshake v%i, refused on a listener without SASL', async version => {
    expect(await ask(saslHandshake, version, { mechanism: 'PLAIN' })).toMatchObject({ errorCode: illegalSaslState })
  })

  test.each(upTo(saslAuthenticate))('SaslAuthenticate v%i, refused on a listener without SASL', async version => {
    const answer = await ask(saslAuthenticate, version, { authBytes: Buffer.from('\0user\0password') })
    expect(answer).toMatchObject({ errorCode: illegalSaslState })
  })

  describe('with a topic', () => {
    let topic = ''
    let topicId = ''

    beforeAll(async () => {
      topic = await kafka.createTopic('protocol', 2, { 'retention.ms': -1 })
      const wanted = { topics: [{ name: topic }], allowAutoTopicCreation: false }
      topicId = (await ask(metadata, 13, wanted)).topics[0]?.topicId ?? ''
    })

    test.each(upTo(metadata))('Metadata v%i', async version => {
      const answer = await ask(metadata, version, { topics: [{ name: topic }], allowAutoTopicCreation: false })
      const ids = answer.brokers.map(({ nodeId }) => nodeId)
      expect(answer.topics).toMatchObject([{ errorCode: 0, name: topic, isInternal: false }])
      expect(answer.topics[0]?.partitions.map(({ leaderId }) => ids.includes(leaderId))).toEqual([true, true])
    })

    test.each(upTo(describeConfigs))('DescribeConfigs v%i', async version => {
      const resource = { resourceType: 2, resourceName: topic, configurationKeys: ['max.message.bytes'] }
      const { results } = await ask(describeConfigs, version, { resources: [resource], includeSynonyms: true })
      expect(results).toMatchObject([{ errorCode: 0, resourceName: topic, configs: [{ value: '1048588' }] }])
    })

    test('Produce v3 to v13, each with every golden batch, which Apache’s consumer reads back', async () => {
      const anonymous = Object.values(batches)
        .map(hex => Buffer.from(hex, 'hex'))
        .filter(batch => batch.readBigInt64BE(43) === -1n) // a batch with a sequence can be sent only once
      let end = 0n
      for (const version of upTo(produce)) {
        for (const batch of anonymous) {
          const partitionData = [{ index: 1, records: [batch] }]
          const topicData = [{ name: topic, topicId, partitionData }]
          const { responses } = await ask(produce, version, {
            transactionalId: null,
            acks: -1,
            timeoutMs: 5_000,
            topicData,
          })
          const answer = { index: 1, errorCode: 0, baseOffset: end, errorMessage: null, recordErrors: [] }
          expect(responses[0]?.partitionResponses).toMatchObject([answer])
          end += BigInt(batch.readInt32BE(57))
        }
      }
      const read = await readTopic(kafka, topic)
      expect(read.map(({ offset }) => offset)).toEqual(Array.from({ length: Number(end) }, (_, i) => i))
    })

    describe('and a transaction', () => {
      const versions = upTo(endTxn)
      const at = (api: Api, version: number) => Math.min(api.versions[1], version)

      test.each(versions)(
        'InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, EndTxn v%i',
        async v => {
          const transactionalId = uniqueName('transaction')
          const { producerId, producerEpoch } = await vi.waitFor(async () => {
            await ask(findCoordinator, 4, { keyType: 1, coordinatorKeys: [transactionalId] })
            const wanted = { transactionalId, transactionTimeoutMs: 60_000 }
            const answer = await ask(initProducerId, at(initProducerId, v), wanted)
            expect(answer.errorCode).toBe(0)
            return answer
          }, 20_000)
          const producer = { transactionalId, producerId, producerEpoch }
          const added = await ask(addPartitionsToTxn, at(addPartitionsToTxn, v), {
            ...producer,
            topics: [{ name: topic, partitions: [0] }],
          })
          expect(added.results).toEqual([{ name: topic, results: [{ partitionIndex: 0, errorCode: 0 }] }])
          const group = { ...producer, groupId: 'group' }
          expect(await ask(addOffsetsToTxn, at(addOffsetsToTxn, v), group)).toMatchObject({ errorCode: 0 })
          const offset = { partitionIndex: 0, committedOffset: 7n, committedMetadata: null }
          const offsets = { ...group, topics: [{ name: topic, partitions: [offset] }] }
          const committed = await ask(txnOffsetCommit, at(txnOffsetCommit, v), offsets)
          expect(committed.topics).toEqual([{ name: topic, partitions: [{ partitionIndex: 0, errorCode: 0 }] }])
          expect(await ask(endTxn, v, { ...producer, committed: true })).toMatchObject({ errorCode: 0 })
        },
      )
    })
  })
})
