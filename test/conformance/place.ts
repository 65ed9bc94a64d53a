// A cluster that the conformance suite asks questions of, and cannot tell what it is. Everything goes over its port.

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeErrorCode } from '../../src/error-codes.ts'
import { createTopics } from '../../src/protocol/apis/create-topics.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { type Api, zeroUuid } from '../../src/protocol/schema.ts'
import { ask } from '../support/raw-request.ts'

export interface TestTopic {
  readonly name: string
  readonly id: string
}

export interface ProduceOptions {
  readonly version?: number
  readonly acks?: number
  readonly partition?: number
  readonly transactionalId?: string
}

/** What a partition answers, as far as it does not depend on the moment. */
export interface Verdict {
  readonly error: string
  readonly offset: number
}

const patienceMs = 20_000

export class Place {
  readonly servers: string

  constructor(servers: string) {
    this.servers = servers
  }

  /** One request on a connection of its own. Rejects when the broker hangs up. */
  ask<Request, Response>(api: Api<Request, Response>, version: number, body: Request): Promise<Response> {
    return ask(this.servers, api, version, body)
  }

  /** Creates a topic that no other test has, and waits until it can be written to. */
  async topic(configs: Readonly<Record<string, string>> = {}, partitions = 1): Promise<TestTopic> {
    const name = `conformance-${randomBytes(6).toString('hex')}`
    const settings = Object.entries({ 'retention.ms': '-1', ...configs })
    const topic = {
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: settings.map(([name, value]) => ({ name, value })),
    }
    const { topics } = await this.ask(createTopics, 7, { topics: [topic], timeoutMs: 10_000, validateOnly: false })
    const [created] = topics
    if (created?.errorCode !== 0) throw new Error(`${name}: ${created?.errorMessage}`)
    await until(async () => {
      const answer = await this.ask(metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
      const leaders = answer.topics[0]?.partitions.filter(({ errorCode, leaderId }) => errorCode === 0 && leaderId >= 0)
      return leaders?.length === partitions
    })
    return { name, id: created.topicId }
  }

  /** The whole answer of one partition to one batch. */
  async produceFully(topic: TestTopic, batch: Uint8Array | null, options: ProduceOptions = {}) {
    const { version = 9, acks = -1, partition = 0, transactionalId = null } = options
    const partitionData = [{ index: partition, records: batch === null ? null : [batch] }]
    const topicData = [{ name: topic.name, topicId: topic.id, partitionData }]
    // Metadata may name the leader before the leader knows: error 6.
    return settled(async () => {
      const { responses } = await this.ask(produce, version, { transactionalId, acks, timeoutMs: 5_000, topicData })
      const answer = responses[0]?.partitionResponses[0]
      if (answer === undefined) throw new Error('the answer names no partition')
      return answer
    })
  }

  /** `offset` is -1 where the batch was refused. */
  async produce(topic: TestTopic, batch: Uint8Array | null, options: ProduceOptions = {}): Promise<Verdict> {
    const { errorCode, baseOffset } = await this.produceFully(topic, batch, options)
    return { error: nameOf(errorCode), offset: Number(baseOffset) }
  }
}

export function nameOf(errorCode: number): string {
  return errorCode === 0 ? 'NONE' : describeErrorCode(errorCode).name
}

/** Asks again and again: a real cluster needs a moment for some things. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + patienceMs
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`it did not come about within ${patienceMs} ms`)
    await sleep(20)
  }
}

/** Asks again while the answer is one that a cluster gives when it is not ready yet. */
export async function settled<T extends { readonly errorCode: number }>(askOnce: () => Promise<T>): Promise<T> {
  const passing = [6, 14, 15, 16, 51]
  let answer = await askOnce()
  await until(async () => {
    if (!passing.includes(answer.errorCode)) return true
    answer = await askOnce()
    return false
  })
  return answer
}

export const nowhere: TestTopic = { name: 'there-is-no-such-topic', id: zeroUuid }
