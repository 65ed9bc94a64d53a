// A broker that accepts everything and keeps nothing, in a process of its own, so that the CPU time measured here is the
// client's alone. It speaks the protocol and reads no records.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { apiByKey, apis } from '../../src/protocol/apis.ts'
import { FrameSplitter } from '../../src/protocol/frame.ts'
import { decodeRequestHeader, encodeResponse } from '../../src/protocol/header.ts'
import { Reader } from '../../src/protocol/reader.ts'

export interface Sink {
  readonly port: number
  stop(): void
}

/** In the parent: starts this very program again as the sink. The topic `tN` has N partitions. */
export async function startSink(): Promise<Sink> {
  const child: ChildProcess = fork(process.argv[1] as string, ['sink'], { execArgv: [] })
  const [port] = (await once(child, 'message')) as [number]
  return { port, stop: () => child.kill() }
}

export const isSink = process.argv[2] === 'sink'

type Answers = Readonly<Record<string, (request: never) => object>>

/** In the child. A silent one answers everything but Produce. */
export function runSink({ silent = false } = {}): void {
  const offsets = new Map<string, bigint>()
  const server = createServer(socket => {
    socket.setNoDelay(true)
    const splitter = new FrameSplitter(1 << 30, frame => {
      const reader = new Reader(frame)
      const { apiKey, apiVersion, correlationId } = decodeRequestHeader(reader)
      const api = apiByKey(apiKey)
      if (api === undefined) throw new Error(`no API ${apiKey}`)
      if (silent && api.name === 'Produce') return
      const request = api.request.decode(reader, apiVersion)
      const answer = answers[api.name]?.(request as never)
      const encode = encodeResponse as (...parts: unknown[]) => Uint8Array[]
      for (const chunk of encode(api, apiVersion, correlationId, answer)) socket.write(chunk)
    })
    socket.on('data', bytes => splitter.push(bytes))
    socket.on('error', () => socket.destroy())
  })
  const address = (): AddressInfo => server.address() as AddressInfo
  const idOf = (name: string) => `${name.padEnd(21, '_')}A`
  const answers: Answers = {
    ApiVersions: () => ({
      errorCode: 0,
      apiKeys: apis.map(({ key, versions: [minVersion, maxVersion] }) => ({ apiKey: key, minVersion, maxVersion })),
      throttleTimeMs: 0,
    }),
    Metadata: ({ topics }: { topics: { name: string }[] | null }) => ({
      throttleTimeMs: 0,
      brokers: [{ nodeId: 1, host: '127.0.0.1', port: address().port, rack: null }],
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
          const count = new DataView(records.buffer, records.byteOffset).getInt32(57)
          offsets.set(place, baseOffset + BigInt(count))
          return { index, errorCode: 0, baseOffset, logAppendTimeMs: -1n, logStartOffset: 0n }
        }),
      })),
      throttleTimeMs: 0,
    }),
  }
  server.listen(0, '127.0.0.1', () => process.send?.(address().port))
  process.on('disconnect', () => process.exit(0))
}

interface ProducedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitionData: readonly { readonly index: number; readonly records: Uint8Array }[]
}
