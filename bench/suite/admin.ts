// What the suite itself asks of a broker: topics made, counted and removed again.

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTopics } from '../../src/protocol/apis/create-topics.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { FrameSplitter } from '../../src/protocol/frame.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/header.ts'
import {
  type Api,
  api,
  array,
  int8,
  int16,
  int32,
  int64,
  nullableString,
  string,
  struct,
} from '../../src/protocol/schema.ts'

const deleteTopics = api({
  name: 'DeleteTopics',
  key: 20,
  versions: [1, 1],
  flexible: Infinity,
  request: { topicNames: array(string), timeoutMs: int32 },
  response: { throttleTimeMs: int32, responses: array(struct({ name: nullableString, errorCode: int16 })) },
})

const listOffsets = api({
  name: 'ListOffsets',
  key: 2,
  versions: [2, 2],
  flexible: Infinity,
  request: {
    replicaId: int32,
    isolationLevel: int8,
    topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, timestamp: int64 })) })),
  },
  response: {
    throttleTimeMs: int32,
    topics: array(
      struct({
        name: string,
        partitions: array(struct({ partitionIndex: int32, errorCode: int16, timestamp: int64, offset: int64 })),
      }),
    ),
  },
})

const latest = -1n
const timeoutMs = 30_000

/** One request on a connection of its own. */
function ask<Request, Response>(server: string, api: Api<Request, Response>, version: number, body: Request) {
  const [host = '', port] = server.split(':')
  return new Promise<Response>((resolve, reject) => {
    const socket = connect(Number(port), host, () => {
      for (const chunk of encodeRequest(api, version, 1, 'bench', body)) socket.write(chunk)
    })
    const splitter = new FrameSplitter(1 << 26, frame => {
      socket.destroy()
      resolve(decodeResponse(api, version, frame).body)
    })
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`${api.name}: no answer`)))
    socket.on('data', bytes => splitter.push(bytes))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`${api.name}: the broker hung up`)))
  })
}

function succeeded(what: string, errorCode: number | undefined): void {
  if (errorCode !== 0) throw new Error(`${what}: error code ${errorCode}`)
}

/** Leaders by partition; null while one of them is missing. */
async function leaders(server: string, topic: string): Promise<string[] | null> {
  const request = { topics: [{ name: topic }], allowAutoTopicCreation: false }
  const { brokers, topics } = await ask(server, metadata, 8, request)
  const found = topics[0]
  if (found === undefined || found.errorCode !== 0 || found.partitions.length === 0) return null
  const addresses = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, `${host}:${port}`]))
  const sorted = [...found.partitions].sort((a, b) => a.partitionIndex - b.partitionIndex)
  const known = sorted.flatMap(({ leaderId }) => addresses.get(leaderId) ?? [])
  return known.length === sorted.length ? known : null
}

/** Resolves when every broker knows a leader for every partition of the new topic. */
export async function createTopic(servers: readonly string[], name: string, partitions: number, replicas: number) {
  const [server = ''] = servers
  const topic = { name, numPartitions: partitions, replicationFactor: replicas, assignments: [], configs: [] }
  const { topics } = await ask(server, createTopics, 5, { topics: [topic], timeoutMs, validateOnly: false })
  succeeded(`creating ${name}`, topics[0]?.errorCode)
  for (const each of servers) while ((await leaders(each, name)) === null) await sleep(20)
}

export async function deleteTopic(server: string, name: string): Promise<void> {
  const { responses } = await ask(server, deleteTopics, 1, { topicNames: [name], timeoutMs })
  succeeded(`deleting ${name}`, responses[0]?.errorCode)
}

/** How many messages the topic's partitions hold together. */
export async function countMessages(server: string, name: string): Promise<number> {
  const byPartition = (await leaders(server, name)) ?? []
  const ends = byPartition.map(async (leader, partitionIndex) => {
    const partitions = [{ partitionIndex, timestamp: latest }]
    const request = { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions }] }
    const { topics } = await ask(leader, listOffsets, 2, request)
    const answer = topics[0]?.partitions[0]
    succeeded(`counting ${name}`, answer?.errorCode)
    return Number(answer?.offset)
  })
  return (await Promise.all(ends)).reduce((sum, end) => sum + end, 0)
}
