// One transactional producer, request by request: whatever it is told to say, it says.

import { randomBytes } from 'node:crypto'
import { addOffsetsToTxn } from '../../src/protocol/apis/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../src/protocol/apis/add-partitions-to-txn.ts'
import { endTxn } from '../../src/protocol/apis/end-txn.ts'
import { findCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { initProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { txnOffsetCommit } from '../../src/protocol/apis/txn-offset-commit.ts'
import { batch } from '../mock/batches.ts'
import { nameOf, type Place, settled, type TestTopic, until, type Verdict } from './place.ts'

const transactional = 16

export interface Stamp {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export class Transactor {
  readonly id: string
  readonly #place: Place
  /** The one that the coordinator gave last; `end()` of the second protocol moves it on. */
  stamp: Stamp = { producerId: -1n, producerEpoch: -1 }

  constructor(place: Place, id = `conformance-${randomBytes(6).toString('hex')}`) {
    this.#place = place
    this.id = id
  }

  static async begin(place: Place, timeoutMs = 60_000, id?: string): Promise<Transactor> {
    const transactor = new Transactor(place, id)
    const error = await transactor.init({ timeoutMs })
    if (error !== 'NONE') throw new Error(`no producer id: ${error}`)
    return transactor
  }

  /** Asks for a producer id, again while another transaction is being ended. `current` is given along. */
  async init({ timeoutMs = 60_000, version = 5, current }: InitOptions = {}): Promise<string> {
    await this.#locate(1, this.id)
    const wanted = { transactionalId: this.id, transactionTimeoutMs: timeoutMs, ...current }
    const answer = await settled(() => this.#place.ask(initProducerId, version, wanted))
    if (answer.errorCode === 0) this.stamp = { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
    return nameOf(answer.errorCode)
  }

  /** The error of each partition, 0 where only one is asked for. */
  async add(topics: readonly { name: string; partitions: number[] }[], { version = 3, ...other }: Other = {}) {
    const errors = async () => {
      const body = { transactionalId: this.id, ...this.stamp, ...other, topics }
      const { results } = await this.#place.ask(addPartitionsToTxn, version, body)
      return results.flatMap(topic =>
        topic.results.map(({ partitionIndex, errorCode }) => ({
          partition: `${topic.name}-${partitionIndex}`,
          errorCode,
        })),
      )
    }
    const { all } = await settled(async () => {
      const all = await errors()
      return { all, errorCode: all.find(({ errorCode }) => errorCode !== 0)?.errorCode ?? 0 }
    })
    return Object.fromEntries(all.map(({ partition, errorCode }) => [partition, nameOf(errorCode)]))
  }

  async addOne(topic: TestTopic, other: Other = {}): Promise<string | undefined> {
    return (await this.add([{ name: topic.name, partitions: [0] }], other))[`${topic.name}-0`]
  }

  /** One record of the transaction; Produce v11 is the first protocol's, v12 the second's. */
  async produce(topic: TestTopic, sequence: number, { version = 11, ...other }: Other = {}): Promise<Verdict> {
    const bytes = batch(['t'], { attributes: transactional, baseSequence: sequence, ...this.stamp, ...other })
    let verdict = await this.#place.produce(topic, bytes, { version, transactionalId: this.id })
    await until(async () => {
      if (!['CONCURRENT_TRANSACTIONS', 'NOT_ENOUGH_REPLICAS'].includes(verdict.error)) return true
      verdict = await this.#place.produce(topic, bytes, { version, transactionalId: this.id })
      return false
    })
    return verdict
  }

  async end(committed: boolean, { version = 4, ...other }: Other = {}): Promise<string> {
    const body = { transactionalId: this.id, ...this.stamp, ...other, committed }
    const answer = await settled(() => this.#place.ask(endTxn, version, body))
    // The answer comes before the partitions know: asked again, the coordinator says when they do.
    if (answer.errorCode === 0) await settled(() => this.#place.ask(endTxn, version, body))
    if (answer.errorCode === 0 && version >= 5) {
      this.stamp = { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
    }
    return nameOf(answer.errorCode)
  }

  async addOffsets(groupId: string, { version = 4, ...other }: Other = {}): Promise<string> {
    const body = { transactionalId: this.id, ...this.stamp, ...other, groupId }
    return nameOf((await settled(() => this.#place.ask(addOffsetsToTxn, version, body))).errorCode)
  }

  async commitOffset(groupId: string, topic: string, options: Other & OffsetOptions = {}): Promise<string> {
    const { version = 4, offset = 7n, ...other } = options
    await this.#locate(0, groupId)
    const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: null }]
    const body = { transactionalId: this.id, groupId, ...this.stamp, ...other, topics: [{ name: topic, partitions }] }
    const answer = await settled(async () => {
      const { topics } = await this.#place.ask(txnOffsetCommit, version, body)
      return { errorCode: topics[0]?.partitions[0]?.errorCode ?? -1 }
    })
    return nameOf(answer.errorCode)
  }

  async #locate(keyType: number, key: string): Promise<void> {
    await settled(async () => {
      const { coordinators } = await this.#place.ask(findCoordinator, 4, { keyType, coordinatorKeys: [key] })
      return { errorCode: coordinators[0]?.errorCode ?? 0 }
    })
  }
}

interface InitOptions {
  readonly timeoutMs?: number
  readonly version?: number
  readonly current?: Stamp
}

interface Other extends Partial<Stamp> {
  readonly version?: number
}

interface OffsetOptions {
  readonly offset?: bigint
  readonly generationId?: number
  readonly memberId?: string
}
