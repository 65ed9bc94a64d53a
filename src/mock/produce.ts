// Produce, as a partition's leader serves it: every batch is examined before it is appended.
// Source: Apache Kafka `ReplicaManager`, `UnifiedLog`, `LogValidator`; KIP-98, KIP-467, KIP-516, KIP-951.

import { codecById, codecUnavailable } from '../compression/codecs.ts'
import { ConfigError, ProtocolError } from '../errors.ts'
import { produce } from '../protocol/apis/produce.ts'
import { crc32c } from '../protocol/crc32c.ts'
import { batchHeaderBytes } from '../protocol/record-batch.ts'
import { type BatchHeader, readBatchHeader, readRecords } from '../protocol/record-batch-reader.ts'
import type { RequestOf, ResponseBody } from '../protocol/schema.ts'
import { codeOf, type Endpoint, type Served } from './endpoint.ts'
import type { PartitionFailure, PartitionLog, StoredBatch } from './partition-log.ts'
import { recordFault, recordsWithoutKey } from './record-scan.ts'
import type { Topic } from './topology.ts'

type Request = RequestOf<typeof produce>
type Response = ResponseBody<typeof produce>
type TopicData = Request['topicData'][number]
type PartitionData = TopicData['partitionData'][number]
type PartitionResponse = Response['responses'][number]['partitionResponses'][number]

const zstd = 4
// A batch that grows beyond this is an attack or a mistake.
const maxDecompressedBytes = 256 * 1024 * 1024
const notLeader = codeOf('NOT_LEADER_OR_FOLLOWER')
// Source: Kafka topic property `max.message.bytes`, 1 MiB and the 12 bytes before a batch's length ends.
const defaultMaxMessageBytes = 1024 * 1024 + 12

export const produceEndpoint: Endpoint<Request, Response> = {
  api: produce,
  pausesAfterwardsFrom: 6,

  async handle(request, served) {
    const responses = await Promise.all(
      request.topicData.map(async topicData => ({
        name: topicData.name,
        topicId: topicData.topicId,
        partitionResponses: await Promise.all(
          topicData.partitionData.map(data => answerFor(request, topicData, data, served)),
        ),
      })),
    )
    const leaders = new Set(responses.flatMap(topic => topic.partitionResponses.map(leaderHint)))
    const nodeEndpoints = [...served.topology.brokers.values()].filter(({ nodeId }) => leaders.has(nodeId))
    return { responses, throttleTimeMs: 0, nodeEndpoints }
  },

  refuse: (request, errorCode) => ({
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => refusal(index, { errorCode })),
    })),
    throttleTimeMs: 0,
  }),

  delivery(request, response) {
    if (request.acks !== 0) return 'send'
    const failed = response.responses.some(topic => topic.partitionResponses.some(({ errorCode }) => errorCode !== 0))
    return failed ? 'close' : 'keep'
  },
}

/** A batch that is not taken, and why. */
class Refusal extends Error {
  readonly failure: PartitionFailure
  constructor(failure: PartitionFailure) {
    super()
    this.failure = failure
  }
}

function refuse(errorName: string, errorMessage?: string): never {
  throw new Refusal({ errorCode: codeOf(errorName), ...(errorMessage === undefined ? {} : { errorMessage }) })
}

async function answerFor(
  request: Request,
  topicData: TopicData,
  data: PartitionData,
  served: Served,
): Promise<PartitionResponse> {
  const topic = addressed(topicData, served)
  const partition = topic?.partitions[data.index]
  try {
    return await append(request, topic, partition, data, served)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const response = refusal(data.index, error.failure)
    if (response.errorCode !== notLeader || partition === undefined) return response
    const { leader, epoch } = partition.leadership
    return { ...response, currentLeader: { leaderId: leader, leaderEpoch: epoch } }
  }
}

function addressed({ name, topicId }: TopicData, { version, topology }: Served): Topic | undefined {
  return version >= 13 ? topology.topicById(topicId) : topology.topic(name)
}

async function append(
  { acks, transactionalId }: Request,
  topic: Topic | undefined,
  partition: PartitionLog | undefined,
  { index, records: bytes }: PartitionData,
  served: Served,
): Promise<PartitionResponse> {
  const { broker, version, clock, topology } = served
  if (acks < -1 || acks > 1) refuse('INVALID_REQUIRED_ACKS')
  if (topic === undefined) refuse(version >= 13 ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION')
  if (partition === undefined) refuse('UNKNOWN_TOPIC_OR_PARTITION')
  const failure = partition.failures.shift()
  if (failure !== undefined) throw new Refusal(failure)
  if (partition.leadership.leader !== broker) refuse('NOT_LEADER_OR_FOLLOWER')
  if (bytes === null || bytes.length === 0) refuse('INVALID_RECORD', 'there is no record batch')

  if (acks === -1 && topology.inSync(partition).length < replicasNeeded(topic, partition)) {
    refuse('NOT_ENOUGH_REPLICAS')
  }

  const header = examineBatch(bytes, topic, version)
  if (header.transactional && transactionalId === null) refuse('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  const records = await decompressed(bytes, header)
  if (!('unreadable' in records)) examineRecords(records, header, topic, clock.wallNow())

  // From here on nothing waits: what is judged is what is appended.
  if (partition.isOpen(header.producerId)) {
    if (!header.transactional) refuse('INVALID_TXN_STATE')
  } else if (header.transactional) {
    joinTransaction(transactionalId ?? '', header, topic, partition, served)
  }
  const verdict = partition.judgeSequence(header)
  if (verdict !== null && 'error' in verdict) refuse(verdict.error)
  const stamped = topic.config['message.timestamp.type'] === 'LogAppendTime'
  const logAppendTimeMs = stamped ? clock.wallNow() : -1
  const baseOffset = verdict?.duplicateOf ?? partition.append(header, bytes, records, logAppendTimeMs)
  return {
    index,
    errorCode: 0,
    baseOffset: BigInt(baseOffset),
    logAppendTimeMs: BigInt(logAppendTimeMs),
    logStartOffset: BigInt(partition.startOffset),
  }
}

/** Source: KIP-966: no more than the partition has. */
function replicasNeeded(topic: Topic, { replicas }: PartitionLog): number {
  return Math.min(Number(topic.config['min.insync.replicas'] ?? 1), replicas.length)
}

/** The second protocol makes the partition part of the transaction now, the first one has done so before. */
function joinTransaction(
  transactionalId: string,
  producer: BatchHeader,
  topic: Topic,
  log: PartitionLog,
  { transactions, transactionVersion, version }: Served,
): void {
  const error =
    version >= 12 && transactionVersion >= 2
      ? transactions.addPartitions(transactionalId, producer, [{ topic: topic.name, log }])
      : transactions.verify(transactionalId, producer, log)
  if (error === 'PRODUCER_FENCED') refuse('INVALID_PRODUCER_EPOCH')
  if (error === 'TRANSACTION_ABORTABLE' && version < 11) refuse('INVALID_TXN_STATE')
  if (error !== null) refuse(error)
}

/** Exactly one batch, whole and undamaged, of a kind that a client may send. */
function examineBatch(bytes: Uint8Array, topic: Topic, version: number): BatchHeader {
  const header = readHeader(bytes)
  const sizeBytes = header.batchLength + 12
  if (header.magic !== 2) {
    const isKnown = header.magic === 0 || header.magic === 1
    refuse(isKnown ? 'INVALID_RECORD' : 'CORRUPT_MESSAGE', `the batch has magic ${header.magic}, not 2`)
  }
  if (sizeBytes !== bytes.length) refuse('INVALID_RECORD', 'these are not the bytes of exactly one record batch')
  const maxBytes = Number(topic.config['max.message.bytes'] ?? defaultMaxMessageBytes)
  if (sizeBytes > maxBytes)
    refuse('MESSAGE_TOO_LARGE', `a batch of ${sizeBytes} bytes, at most ${maxBytes} are allowed`)
  if (crc32c(bytes, 21, sizeBytes) !== header.crc) refuse('CORRUPT_MESSAGE', 'the checksum does not match')
  if (header.control) refuse('INVALID_RECORD', 'clients do not write control batches')
  if (header.baseOffset !== 0n) refuse('INVALID_RECORD', `the base offset is ${header.baseOffset}, not 0`)
  if (header.recordCount <= 0 || header.lastOffsetDelta !== header.recordCount - 1) {
    refuse('INVALID_RECORD', `${header.recordCount} records, the last offset delta is ${header.lastOffsetDelta}`)
  }
  if (header.producerId >= 0n && (header.baseSequence < 0 || header.producerEpoch < 0)) {
    refuse('INVALID_RECORD', 'a producer id without epoch and sequence')
  }
  if (header.codec === zstd && version < 7) refuse('UNSUPPORTED_COMPRESSION_TYPE')
  return header
}

function readHeader(bytes: Uint8Array): BatchHeader {
  try {
    return readBatchHeader(bytes)
  } catch (error) {
    if (error instanceof ProtocolError) refuse('INVALID_RECORD', error.message)
    throw error
  }
}

async function decompressed(bytes: Uint8Array, header: BatchHeader): Promise<StoredBatch['records']> {
  const records = bytes.subarray(batchHeaderBytes)
  if (header.codec === 0) return records
  const codec = codecById(header.codec)
  if (codec === undefined) refuse('UNKNOWN_SERVER_ERROR', `there is no codec ${header.codec}`)
  try {
    return await codec.decompress(records, maxDecompressedBytes)
  } catch (error) {
    // The producer may have brought its own, and a broker would take it.
    const unreadable = codecUnavailable(codec.name)
    if (unreadable !== null && error instanceof ConfigError) return { unreadable }
    return refuse('UNKNOWN_SERVER_ERROR', `the records do not decompress: ${String(error)}`)
  }
}

function examineRecords(records: Uint8Array, header: BatchHeader, topic: Topic, now: number): void {
  const { recordCount } = header
  const fault = recordFault(records, recordCount)
  if (fault !== null) refuse('INVALID_RECORD', fault)
  examineTimestamps(records, header, topic, now)
  if (!topic.config['cleanup.policy']?.includes('compact')) return
  const keyless = recordsWithoutKey(records, recordCount)
  if (keyless.length === 0) return
  const reason = 'a compacted topic takes no record without a key'
  throw new Refusal({
    errorCode: codeOf('INVALID_RECORD'),
    errorMessage: reason,
    recordErrors: keyless.map(batchIndex => ({ batchIndex, batchIndexErrorMessage: reason })),
  })
}

// Source: KIP-937.
function examineTimestamps(records: Uint8Array, header: BatchHeader, { config }: Topic, now: number): void {
  if (config['message.timestamp.type'] === 'LogAppendTime') return
  const earliest = now - Number(config['message.timestamp.before.max.ms'] ?? Infinity)
  const latest = now + Number(config['message.timestamp.after.max.ms'] ?? 3_600_000)
  if (earliest === -Infinity && header.maxTimestamp <= latest) return
  const wrong = readRecords(records, header.recordCount).flatMap(({ timestampDelta }, index) => {
    const timestamp = header.baseTimestamp + timestampDelta
    return timestamp >= 0 && (timestamp < earliest || timestamp > latest) ? [index] : []
  })
  if (wrong.length === 0) return
  const reason = 'the timestamp is too far from the time of the broker'
  throw new Refusal({
    errorCode: codeOf('INVALID_TIMESTAMP'),
    errorMessage: reason,
    recordErrors: wrong.map(batchIndex => ({ batchIndex, batchIndexErrorMessage: reason })),
  })
}

function refusal(
  index: number,
  { errorCode, errorMessage = null, recordErrors = [] }: PartitionFailure,
): PartitionResponse {
  return { index, errorCode, baseOffset: -1n, logAppendTimeMs: -1n, recordErrors, errorMessage }
}

function leaderHint({ currentLeader }: PartitionResponse): number | undefined {
  return currentLeader?.leaderId
}
