// What stands around the batches: Produce requests written, and their answers read. Counted by partition, of which each
// request and each answer has so many.

import { produce } from '../../src/protocol/apis/produce.ts'
import { decodeResponse, encodeRequest, encodeResponse } from '../../src/protocol/header.ts'
import type { Contender } from '../support/measure.ts'

const version = 13
const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
const batch = new Uint8Array(61)
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

const writing = (partitions: number) => {
  const topicData = [{ topicId, partitionData: range(partitions).map(index => ({ index, records: [batch] })) }]
  const body = { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData }
  return (count: number) => {
    for (let i = 0; i < count; i += partitions) encodeRequest(produce, version, i, 'bench', body)
  }
}

const reading = (partitions: number) => {
  const partitionResponses = range(partitions).map(index => {
    return { index, errorCode: 0, baseOffset: 123_456n, logAppendTimeMs: -1n, logStartOffset: 0n }
  })
  const body = { responses: [{ topicId, partitionResponses }], throttleTimeMs: 0 }
  const frame = Buffer.concat(encodeResponse(produce, version, 1, body)).subarray(4)
  return (count: number) => {
    for (let i = 0; i < count; i += partitions) decodeResponse(produce, version, frame)
  }
}

const sizes = [1, 12, 1000]
export const requests: readonly Contender[] = sizes.map(count => ({
  name: `a request's batch, ${count.toLocaleString('en')} in each`,
  run: writing(count),
}))
export const responses: readonly Contender[] = sizes.map(count => ({
  name: `an answer's batch, ${count.toLocaleString('en')} in each`,
  run: reading(count),
}))
