// The APIs of transactions and of producer ids, as their coordinator serves them.
// Source: Apache Kafka `KafkaApis`; KIP-98, KIP-447, KIP-588, KIP-890.

import { addOffsetsToTxn } from '../protocol/apis/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../protocol/apis/add-partitions-to-txn.ts'
import { endTxn } from '../protocol/apis/end-txn.ts'
import { findCoordinator } from '../protocol/apis/find-coordinator.ts'
import { initProducerId } from '../protocol/apis/init-producer-id.ts'
import { txnOffsetCommit } from '../protocol/apis/txn-offset-commit.ts'
import type { Api, RequestOf, ResponseBody } from '../protocol/schema.ts'
import { codeOf, type Endpoint, type Served } from './endpoint.ts'

type EndpointOf<A extends Api> = Endpoint<RequestOf<A>, ResponseBody<A>>

export type CoordinatorKind = 'group' | 'transaction'
const kinds: readonly CoordinatorKind[] = ['group', 'transaction']

export const findCoordinatorEndpoint: EndpointOf<typeof findCoordinator> = {
  api: findCoordinator,
  pausesAfterwardsFrom: 2,
  handle({ key, keyType, coordinatorKeys }, { version, topology }) {
    const kind = kinds[keyType]
    const found = (version >= 4 ? coordinatorKeys : [key]).map(wanted => {
      const broker = kind === undefined ? undefined : topology.brokers.get(topology.coordinator(kind, wanted))
      const { nodeId = -1, host = '', port = -1 } = broker ?? {}
      const errorName = kind === undefined ? 'INVALID_REQUEST' : 'COORDINATOR_NOT_AVAILABLE'
      const errorCode = broker === undefined ? codeOf(errorName) : 0
      return { key: wanted, nodeId, host, port, errorCode, errorMessage: version >= 4 ? '' : null }
    })
    return { throttleTimeMs: 0, ...found[0], coordinators: found }
  },
  refuse: ({ key, coordinatorKeys }, errorCode, { version }) => ({
    throttleTimeMs: 0,
    errorCode,
    coordinators: (version >= 4 ? coordinatorKeys : [key]).map(wanted => ({
      ...{ key: wanted, nodeId: -1, host: '', port: -1, errorCode, errorMessage: null },
    })),
  }),
}

export const initProducerIdEndpoint: EndpointOf<typeof initProducerId> = {
  api: initProducerId,
  pausesAfterwardsFrom: 1,
  handle(request, served) {
    const { transactionalId, transactionTimeoutMs, producerId, producerEpoch } = request
    const { topology, transactions, version } = served
    if (transactionalId === null) {
      return { throttleTimeMs: 0, errorCode: 0, producerId: topology.nextProducerId(), producerEpoch: 0 }
    }
    if (!coordinates(served, 'transaction', transactionalId)) {
      return this.refuse(request, codeOf('NOT_COORDINATOR'), served)
    }
    const answer = transactions.init(transactionalId, transactionTimeoutMs, { producerId, producerEpoch })
    if ('error' in answer) return this.refuse(request, codeOf(fenced(answer.error, version >= 4)), served)
    return { throttleTimeMs: 0, errorCode: 0, ...answer }
  },
  refuse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, producerId: -1n, producerEpoch: -1 }),
}

export const addPartitionsToTxnEndpoint: EndpointOf<typeof addPartitionsToTxn> = {
  api: addPartitionsToTxn,
  pausesAfterwardsFrom: 1,
  handle(request, served) {
    const { transactionalId, topics } = request
    const { topology, transactions, version } = served
    const wanted = topics.flatMap(({ name, partitions }) =>
      partitions.map(index => ({ topic: name, index, log: topology.topic(name)?.partitions[index] })),
    )
    const found = wanted.flatMap(({ topic, log }) => (log === undefined ? [] : [{ topic, log }]))
    const isComplete = found.length === wanted.length
    const error = !coordinates(served, 'transaction', transactionalId)
      ? 'NOT_COORDINATOR'
      : isComplete
        ? transactions.addPartitions(transactionalId, request, found)
        : 'OPERATION_NOT_ATTEMPTED'
    const unknown = codeOf('UNKNOWN_TOPIC_OR_PARTITION')
    const errorCode = error === null ? 0 : codeOf(fenced(error, version >= 2))
    return {
      throttleTimeMs: 0,
      results: topics.map(({ name, partitions }) => ({
        name,
        results: partitions.map(partitionIndex => {
          const isThere = topology.topic(name)?.partitions[partitionIndex] !== undefined
          return { partitionIndex, errorCode: isThere || error === 'NOT_COORDINATOR' ? errorCode : unknown }
        }),
      })),
    }
  },
  refuse: ({ topics }, errorCode) => ({
    throttleTimeMs: 0,
    results: topics.map(({ name, partitions }) => ({
      name,
      results: partitions.map(partitionIndex => ({ partitionIndex, errorCode })),
    })),
  }),
}

export const addOffsetsToTxnEndpoint: EndpointOf<typeof addOffsetsToTxn> = {
  api: addOffsetsToTxn,
  pausesAfterwardsFrom: 1,
  handle(request, served) {
    const { transactionalId, groupId } = request
    const error = coordinates(served, 'transaction', transactionalId)
      ? served.transactions.addGroup(transactionalId, request, groupId)
      : 'NOT_COORDINATOR'
    return { throttleTimeMs: 0, errorCode: error === null ? 0 : codeOf(fenced(error, served.version >= 2)) }
  },
  refuse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
}

export const endTxnEndpoint: EndpointOf<typeof endTxn> = {
  api: endTxn,
  pausesAfterwardsFrom: 1,
  handle(request, served) {
    const { transactionalId, committed } = request
    const { transactions, version } = served
    const answer = coordinates(served, 'transaction', transactionalId)
      ? transactions.end(transactionalId, request, committed, version >= 5)
      : { error: 'NOT_COORDINATOR' }
    if ('error' in answer) return this.refuse(request, codeOf(fenced(answer.error, version >= 2)), served)
    return { throttleTimeMs: 0, errorCode: 0, ...answer }
  },
  refuse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
}

export const txnOffsetCommitEndpoint: EndpointOf<typeof txnOffsetCommit> = {
  api: txnOffsetCommit,
  pausesAfterwardsFrom: 1,
  handle(request, served) {
    const { groupId, transactionalId, topics } = request
    const { topology, transactions, version } = served
    const isThere = (name: string, index: number) => topology.topic(name)?.partitions[index] !== undefined
    const offsets = topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ partitionIndex }) => isThere(name, partitionIndex))
        .map(({ partitionIndex, committedOffset, committedMetadata }) => ({
          ...{ groupId, topic: name, partition: partitionIndex },
          ...{ offset: committedOffset, metadata: committedMetadata },
        })),
    )
    let error = coordinates(served, 'group', groupId) ? memberError(request, served) : 'NOT_COORDINATOR'
    if (error === null && version >= 5) error = transactions.addGroup(transactionalId, request, groupId)
    error ??= transactions.commitOffsets(transactionalId, request, groupId, offsets)
    if (error === 'TRANSACTION_ABORTABLE' && version < 4) error = 'INVALID_TXN_STATE'
    const errorCode = error === null ? 0 : codeOf(fenced(error, false))
    return {
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: isThere(name, partitionIndex) ? errorCode : codeOf('UNKNOWN_TOPIC_OR_PARTITION'),
        })),
      })),
    }
  },
  refuse: ({ topics }, errorCode) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  }),
}

function memberError(
  { groupId, generationId, memberId }: RequestOf<typeof txnOffsetCommit>,
  { topology }: Served,
): string | null {
  if (generationId < 0 && memberId === '') return null
  const group = topology.groups.get(groupId)
  if (group === undefined) return 'ILLEGAL_GENERATION'
  if (!group.members.includes(memberId)) return 'UNKNOWN_MEMBER_ID'
  return group.generationId === generationId ? null : 'ILLEGAL_GENERATION'
}

function coordinates({ topology, broker }: Served, kind: CoordinatorKind, key: string): boolean {
  return topology.coordinator(kind, key) === broker
}

// Source: KIP-588: clients that are older know only the other name.
function fenced(error: string, isKnown: boolean): string {
  return error === 'PRODUCER_FENCED' && !isKnown ? 'INVALID_PRODUCER_EPOCH' : error
}
