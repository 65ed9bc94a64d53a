// What a broker says of itself, its topics, its coordinators, and to bytes that are no request.

import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { createTopics } from '../../src/protocol/apis/create-topics.ts'
import { findCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { initProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { saslHandshake } from '../../src/protocol/apis/sasl-handshake.ts'
import { encodeRequest } from '../../src/protocol/header.ts'
import { zeroUuid } from '../../src/protocol/schema.ts'
import { batch } from '../mock/batches.ts'
import { nameOf, type Place, settled } from './place.ts'

const software = { clientSoftwareName: 'odradek', clientSoftwareVersion: '0.1.0' }
const strangeId = 'AAAAAAAAAAAAAAAAAAAABQ'

/** What comes back when these bytes are written; `closed` tells of the broker's end. */
function exchange(servers: string, chunks: Uint8Array[], waitMs = 1000): Promise<{ bytes: number; closed: boolean }> {
  const [host = '', port] = servers.split(',')[0]?.split(':') ?? []
  return new Promise(resolve => {
    let bytes = 0
    const socket = connect(Number(port), host, () => {
      for (const chunk of chunks) socket.write(chunk)
    })
    const timer = setTimeout(() => finish(false), waitMs)
    const finish = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ bytes, closed })
    }
    socket.on('data', data => {
      bytes += data.length
    })
    socket.on('error', () => {})
    socket.on('close', () => finish(true))
  })
}

export function questionCases(place: () => Place): void {
  describe('ApiVersions', () => {
    test('v0 to v4 tell the same versions', async () => {
      const keys = [0, 3, 10, 18, 19, 22, 24, 25, 26, 28]
      const ranges = async (version: number) => {
        const { apiKeys, errorCode } = await place().ask(apiVersions, version, software)
        expect(errorCode).toBe(0)
        return apiKeys
          .filter(({ apiKey }) => keys.includes(apiKey))
          .map(({ apiKey, minVersion, maxVersion }) => `${apiKey}: ${minVersion}-${maxVersion}`)
          .sort()
      }
      const newest = await ranges(4)
      expect(newest).toContain('0: 0-13')
      expect(newest).toContain('18: 0-4')
      for (const version of [0, 1, 2, 3]) expect(await ranges(version)).toEqual(newest)
    })

    test('of the announced versions of our APIs the highest are those of the release', async () => {
      const { apiKeys } = await place().ask(apiVersions, 4, software)
      const highest = new Map(apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion]))
      const ours = [0, 3, 10, 18, 19, 22, 24, 25, 26, 28].map(key => highest.get(key))
      expect(ours).toEqual([13, 13, 6, 4, 7, 5, 5, 4, 5, 5])
    })

    test('tells the level of transaction.version', async () => {
      const { finalizedFeatures, finalizedFeaturesEpoch } = await place().ask(apiVersions, 4, software)
      const level = finalizedFeatures.find(({ name }) => name === 'transaction.version')?.maxVersionLevel
      expect(level).toBe(2)
      expect(finalizedFeaturesEpoch).toBeGreaterThanOrEqual(0n)
    })

    test('of a version that is not known is refused in version 0', async () => {
      const { errorCode, apiKeys } = await place().ask(apiVersions, 5, software)
      expect(nameOf(errorCode)).toBe('UNSUPPORTED_VERSION')
      expect(apiKeys).toEqual([{ apiKey: 18, minVersion: 0, maxVersion: 4 }])
    })

    test.each(['', '-x', 'x y', 'x.'])('refuses the software name %j', async clientSoftwareName => {
      const { errorCode } = await place().ask(apiVersions, 3, { ...software, clientSoftwareName })
      expect(nameOf(errorCode)).toBe('INVALID_REQUEST')
    })
  })

  describe('Metadata', () => {
    test('of no topic names the brokers alone, of all topics each of them', async () => {
      const topic = await place().topic({}, 3)
      const none = await place().ask(metadata, 12, { topics: [], allowAutoTopicCreation: false })
      expect(none.topics).toEqual([])
      expect(none.brokers.map(({ nodeId }) => nodeId)).toContain(none.controllerId)
      const all = await place().ask(metadata, 12, { topics: null, allowAutoTopicCreation: false })
      const ours = all.topics.find(({ name }) => name === topic.name)
      expect(ours).toMatchObject({ errorCode: 0, topicId: topic.id, isInternal: false })
      expect(ours?.partitions.map(({ partitionIndex }) => partitionIndex).sort()).toEqual([0, 1, 2])
    })

    test('tells who leads, in which epoch, and who has copies', async () => {
      const topic = await place().topic()
      const { topics, brokers } = await place().ask(metadata, 12, {
        topics: [{ name: topic.name }],
        allowAutoTopicCreation: false,
      })
      const [{ nodeId = -1 } = {}] = brokers
      expect(topics[0]?.partitions).toEqual([
        {
          errorCode: 0,
          partitionIndex: 0,
          leaderId: nodeId,
          leaderEpoch: 0,
          replicaNodes: [nodeId],
          isrNodes: [nodeId],
          offlineReplicas: [],
        },
      ])
    })

    test.each([4, 5, 6, 7, 8, 9, 10, 11, 12, 13])('v%i of an unknown topic, without creating it', async version => {
      const name = `never-${randomBytes(4).toString('hex')}`
      const { topics } = await place().ask(metadata, version, { topics: [{ name }], allowAutoTopicCreation: false })
      expect(topics).toMatchObject([{ name, partitions: [] }])
      expect(nameOf(topics[0]?.errorCode ?? 0)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    })

    test.each(['a b', '..', 'x'.repeat(250)])('of a name that no topic may have: %j', async name => {
      const { topics } = await place().ask(metadata, 9, { topics: [{ name }], allowAutoTopicCreation: false })
      expect(nameOf(topics[0]?.errorCode ?? 0)).toBe('INVALID_TOPIC_EXCEPTION')
    })

    test('by id finds the topic, or says that nobody has that id', async () => {
      const topic = await place().topic()
      const byId = async (topicId: string) => {
        const topics = [{ topicId, name: null }]
        return (await place().ask(metadata, 12, { topics, allowAutoTopicCreation: false })).topics[0]
      }
      expect(await byId(topic.id)).toMatchObject({ errorCode: 0, name: topic.name })
      const unknown = await byId(strangeId)
      expect(unknown).toMatchObject({ name: null, topicId: strangeId, partitions: [] })
      expect(nameOf(unknown?.errorCode ?? 0)).toBe('UNKNOWN_TOPIC_ID')
    })
  })

  describe('CreateTopics', () => {
    type Wanted = { name?: string; numPartitions?: number; replicationFactor?: number }
    async function creating(wanted: Wanted, validateOnly = false) {
      const name = wanted.name ?? `created-${randomBytes(4).toString('hex')}`
      const topic = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...wanted, name }
      const answer = await place().ask(createTopics, 7, { topics: [topic], timeoutMs: 10_000, validateOnly })
      const [{ errorCode = -1, numPartitions = 0, replicationFactor = 0, topicId = '' } = {}] = answer.topics
      return { error: nameOf(errorCode), numPartitions, replicationFactor, topicId, name }
    }

    test('gives a topic an id', async () => {
      const created = await creating({ numPartitions: 4 })
      expect(created).toMatchObject({ error: 'NONE', numPartitions: 4, replicationFactor: 1 })
      expect(created.topicId).not.toBe(zeroUuid)
    })

    test('only to look creates nothing', async () => {
      const created = await creating({ numPartitions: 4 }, true)
      expect(created).toMatchObject({ error: 'NONE', numPartitions: 4 })
      expect((await creating({ name: created.name })).error).toBe('NONE')
    })

    test('of a name that is taken', async () => {
      const { name } = await place().topic()
      expect((await creating({ name })).error).toBe('TOPIC_ALREADY_EXISTS')
    })

    test('of a name that no topic may have', async () => {
      expect((await creating({ name: 'no spaces' })).error).toBe('INVALID_TOPIC_EXCEPTION')
    })

    test('with no partitions, or more replicas than brokers', async () => {
      expect((await creating({ numPartitions: 0 })).error).toBe('INVALID_PARTITIONS')
      expect((await creating({ replicationFactor: 9 })).error).toBe('INVALID_REPLICATION_FACTOR')
      expect((await creating({ replicationFactor: 0 })).error).toBe('INVALID_REPLICATION_FACTOR')
    })
  })

  describe('FindCoordinator', () => {
    const keyed = (key: string, keyType: number) => ({ key, keyType, coordinatorKeys: [key] })

    test.each([1, 2, 3])('v%i names a broker for a transactional id', async version => {
      const answer = await settled(() => place().ask(findCoordinator, version, keyed('conformance-t', 1)))
      const { brokers } = await place().ask(metadata, 12, { topics: [], allowAutoTopicCreation: false })
      const { nodeId, host, port } = answer
      expect(answer.errorCode).toBe(0)
      expect(brokers).toContainEqual({ nodeId, host, port, rack: null })
    })

    test.each([4, 5, 6])('v%i names one for every key', async version => {
      const wanted = { keyType: 1, coordinatorKeys: ['conformance-t', 'conformance-u'] }
      const coordinators = await coordinatorsOf(version, wanted)
      expect(coordinators.map(({ key, errorCode }) => [key, errorCode])).toEqual([
        ['conformance-t', 0],
        ['conformance-u', 0],
      ])
    })

    async function coordinatorsOf(version: number, wanted: { keyType: number; coordinatorKeys: string[] }) {
      const answer = await settled(async () => {
        const { coordinators } = await place().ask(findCoordinator, version, wanted)
        return { coordinators, errorCode: coordinators.find(({ errorCode }) => errorCode !== 0)?.errorCode ?? 0 }
      })
      return answer.coordinators
    }

    test('of a type that does not exist', async () => {
      const coordinators = await coordinatorsOf(4, { keyType: 7, coordinatorKeys: ['k'] })
      expect(coordinators).toMatchObject([{ nodeId: -1 }])
      expect(nameOf(coordinators[0]?.errorCode ?? 0)).toBe('INVALID_REQUEST')
    })
  })

  describe('InitProducerId', () => {
    test('refuses an empty transactional id', async () => {
      const wanted = { transactionalId: '', transactionTimeoutMs: 60_000 }
      const answer = await settled(() => place().ask(initProducerId, 4, wanted))
      expect(nameOf(answer.errorCode)).toBe('INVALID_REQUEST')
    })

    test.each([0, -1, 900_001])('refuses a transaction timeout of %i', async transactionTimeoutMs => {
      const wanted = { transactionalId: 'conformance-timeout', transactionTimeoutMs }
      const answer = await settled(() => place().ask(initProducerId, 4, wanted))
      expect(nameOf(answer.errorCode)).toBe('INVALID_TRANSACTION_TIMEOUT')
      expect([answer.producerId, answer.producerEpoch]).toEqual([-1n, -1])
    })

    test('refuses an id without an epoch, and an epoch without an id', async () => {
      const without = { transactionalId: 'conformance-half', transactionTimeoutMs: 60_000 }
      const epochless = { ...without, producerId: 5n, producerEpoch: -1 }
      const idless = { ...without, producerId: -1n, producerEpoch: 5 }
      for (const wanted of [epochless, idless]) {
        const answer = await settled(() => place().ask(initProducerId, 4, wanted))
        expect(nameOf(answer.errorCode)).toBe('INVALID_REQUEST')
      }
    })
  })

  describe('a connection', () => {
    const frameOf = (acks: number, name: string) =>
      encodeRequest(produce, 9, 1, 'raw', {
        transactionalId: null,
        acks,
        timeoutMs: 1000,
        topicData: [{ name, partitionData: [{ index: 0, records: [batch(['a'])] }] }],
      })
    const after = encodeRequest(apiVersions, 0, 2, 'raw', software)

    test('hears nothing of acks 0, and the next request is answered', async () => {
      const topic = await place().topic()
      const { bytes, closed } = await exchange(place().servers, [...frameOf(0, topic.name), ...after], 700)
      expect(closed).toBe(false)
      expect(bytes).toBeGreaterThan(20)
      expect(await place().produce(topic, batch(['b']))).toEqual({ error: 'NONE', offset: 1 })
    })

    test('ends when acks 0 fails: there is no other way to say so', async () => {
      const answer = await exchange(place().servers, [...frameOf(0, 'there-is-no-such-topic')], 5000)
      expect(answer).toEqual({ bytes: 0, closed: true })
    })

    test('ends when a request cannot be read, or is of a version that nobody speaks', async () => {
      const cut = Buffer.from(Buffer.concat(frameOf(-1, 'any')).subarray(0, 40))
      cut.writeInt32BE(36, 0)
      const strange = Buffer.concat(after)
      strange.writeInt16BE(999, 4)
      const old = Buffer.concat(frameOf(-1, 'any'))
      old.writeInt16BE(99, 6)
      const negative = Buffer.from('ffffffff', 'hex')
      for (const bytes of [cut, strange, old, negative]) {
        expect(await exchange(place().servers, [bytes], 5000)).toEqual({ bytes: 0, closed: true })
      }
    })

    test('without SASL has no use for a handshake', async () => {
      const { errorCode } = await place().ask(saslHandshake, 1, { mechanism: 'PLAIN' })
      expect(nameOf(errorCode)).toBe('ILLEGAL_SASL_STATE')
    })
  })
}
