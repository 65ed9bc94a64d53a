// What a broker answers that accepts everything and keeps nothing. The topic `tN` has N partitions.

import { apiByKey, apis } from '../../src/protocol/apis.ts'
import { decodeRequestHeader, encodeResponse } from '../../src/protocol/header.ts'
import { Reader } from '../../src/protocol/reader.ts'

interface ProducedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitionData: readonly { readonly index: number; readonly records: Uint8Array }[]
}

type Answers = Readonly<Record<string, (request: never) => object>>

const idOf = (name: string) => `${name.padEnd(21, '_')}A`
const countOffset = 57

/** Answers the frames of requests; null for a Produce request where `silent`. No record is read. */
export function answering(port: () => number, silent: boolean): (frame: Uint8Array) => Uint8Array[] | null {
  const offsets = new Map<string, bigint>()
  const answers: Answers = {
    ApiVersions: () => ({
      errorCode: 0,
      apiKeys: apis.map(({ key, versions: [minVersion, maxVersion] }) => ({ apiKey: key, minVersion, maxVersion })),
      throttleTimeMs: 0,
    }),
    Metadata: ({ topics }: { topics: { name: string }[] | null }) => ({
      throttleTimeMs: 0,
      brokers: [{ nodeId: 1, host: '127.0.0.1', port: port(), rack: null }],
      clusterId: 'sink',
      controllerId: 1,
      topics: (topics ?? []).map(({ name }) => ({
        errorCode: 0,
        name,
        topicId: idOf(name),
        isInternal: false,
        partitions: Array.from({ length: Number(name.slice(1)) }, (_, partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: 1,
          leaderEpoch: 0,
          replicaNodes: [1],
          isrNodes: [1],
          offlineReplicas: [],
        })),
      })),
    }),
    InitProducerId: () => ({ throttleTimeMs: 0, errorCode: 0, producerId: 1n, producerEpoch: 0 }),
    Produce: ({ topicData }: { topicData: ProducedTopic[] }) => ({
      responses: topicData.map(({ name, topicId, partitionData }) => ({
        name,
        topicId,
        partitionResponses: partitionData.map(({ index, records }) => {
          const place = `${topicId}${index}`
          const baseOffset = offsets.get(place) ?? 0n
          const count = new DataView(records.buffer, records.byteOffset).getInt32(countOffset)
          offsets.set(place, baseOffset + BigInt(count))
          return { index, errorCode: 0, baseOffset, logAppendTimeMs: -1n, logStartOffset: 0n }
        }),
      })),
      throttleTimeMs: 0,
    }),
  }
  return frame => {
    const reader = new Reader(frame)
    const { apiKey, apiVersion, correlationId } = decodeRequestHeader(reader, apiByKey)
    const api = apiByKey(apiKey)
    if (api === undefined) throw new Error(`no API ${apiKey}`)
    if (silent && api.name === 'Produce') return null
    const answer = answers[api.name]?.(api.request.decode(reader, apiVersion) as never)
    const encode = encodeResponse as (...parts: unknown[]) => Uint8Array[]
    return encode(api, apiVersion, correlationId, answer)
  }
}
