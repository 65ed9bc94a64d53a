// The transactions of a cluster: who may write under which transactional id, what is open, and how it ends.
// Source: Apache Kafka `TransactionCoordinator`, `TransactionMetadata`; KIP-98, KIP-360, KIP-588, KIP-890.

import type { Clock } from '../clock.ts'
import type { PartitionLog } from './partition-log.ts'
import type { Topology } from './topology.ts'

/** A consumer group's offset as part of a transaction. */
export interface TransactionOffset {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly metadata: string | null
}

/** A transaction that was begun. */
export interface TransactionFacts {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly outcome: 'open' | 'committed' | 'aborted'
  /** Who ended it: its producer, its timeout, or another producer of the same transactional id. */
  readonly endedBy: 'producer' | 'timeout' | 'fencing' | null
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[]
  /** Groups whose offsets were announced or committed with it. */
  readonly groups: readonly string[]
  readonly offsets: readonly TransactionOffset[]
}

/** A producer as it names itself. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

type Answer = ProducerIdentity | { readonly error: string }

interface Transaction {
  readonly facts: Omit<TransactionFacts, 'outcome' | 'endedBy' | 'partitions' | 'groups' | 'offsets'>
  outcome: TransactionFacts['outcome']
  endedBy: TransactionFacts['endedBy']
  readonly partitions: Map<string, { readonly topic: string; readonly log: PartitionLog }>
  readonly groups: Set<string>
  readonly offsets: TransactionOffset[]
  readonly timer: unknown
}

interface Registration {
  readonly transactionalId: string
  producerId: bigint
  epoch: number
  /** The one that a client gave when it was given the present one; -1 if there was none. */
  lastEpoch: number
  timeoutMs: number
  open: Transaction | null
  last: 'empty' | 'committed' | 'aborted'
}

// Source: Apache Kafka `TransactionMetadata.isEpochExhausted`, broker property `transaction.max.timeout.ms`.
const lastEpoch = 32_766
const maxTimeoutMs = 900_000

export class TransactionCoordinator {
  readonly #topology: Topology
  readonly #clock: Clock
  readonly #registrations = new Map<string, Registration>()
  readonly #transactions: Transaction[] = []
  /** Called when a transaction ended that no request ended. */
  expired: () => void = () => {}

  constructor(topology: Topology, clock: Clock) {
    this.#topology = topology
    this.#clock = clock
  }

  facts(): TransactionFacts[] {
    return this.#transactions.map(({ facts, outcome, endedBy, partitions, groups, offsets }) => ({
      ...facts,
      outcome,
      endedBy,
      partitions: [...partitions.values()].map(({ topic, log }) => ({ topic, partition: log.index })),
      groups: [...groups],
      offsets: [...offsets],
    }))
  }

  stop(): void {
    for (const { open } of this.#registrations.values()) if (open !== null) this.#clock.clearTimer(open.timer)
  }

  /** `current` is what the client has been until now, with -1 for nothing. */
  init(transactionalId: string, timeoutMs: number, current: ProducerIdentity): Answer {
    if (transactionalId === '' || current.producerId < 0n !== current.producerEpoch < 0) {
      return { error: 'INVALID_REQUEST' }
    }
    if (timeoutMs <= 0 || timeoutMs > maxTimeoutMs) return { error: 'INVALID_TRANSACTION_TIMEOUT' }
    const known = this.#registrations.get(transactionalId)
    if (known === undefined) return this.#register(transactionalId, timeoutMs)

    const isNamed = current.producerId >= 0n
    const isRepeated = isNamed && current.producerEpoch === known.lastEpoch
    if (isNamed && current.producerId !== known.producerId) return { error: 'PRODUCER_FENCED' }
    if (isNamed && current.producerEpoch !== known.epoch && !isRepeated) return { error: 'PRODUCER_FENCED' }
    if (known.open !== null) {
      this.#bump(known)
      this.#end(known, false, 'fencing')
      return { error: 'CONCURRENT_TRANSACTIONS' } // its markers are on their way; the client asks again
    }
    known.timeoutMs = timeoutMs
    if (!isRepeated) {
      this.#bump(known)
      known.lastEpoch = isNamed ? current.producerEpoch : -1
    }
    known.last = 'empty'
    return { producerId: known.producerId, producerEpoch: known.epoch }
  }

  /** Makes partitions part of the transaction, which begins if there is none. Null, or the name of an error. */
  addPartitions(
    transactionalId: string,
    producer: ProducerIdentity,
    partitions: readonly { readonly topic: string; readonly log: PartitionLog }[],
  ): string | null {
    const known = this.#known(transactionalId, producer)
    if ('error' in known) return known.error
    const transaction = this.#begin(known)
    for (const entry of partitions) transaction.partitions.set(`${entry.topic}-${entry.log.index}`, entry)
    return null
  }

  addGroup(transactionalId: string, producer: ProducerIdentity, groupId: string): string | null {
    const known = this.#known(transactionalId, producer)
    if ('error' in known) return known.error
    this.#begin(known).groups.add(groupId)
    return null
  }

  /** Whether a partition is part of the open transaction, for a leader that is to take a batch of it. */
  verify(transactionalId: string, producer: ProducerIdentity, log: PartitionLog): string | null {
    const known = this.#known(transactionalId, producer)
    if ('error' in known) return known.error
    const isAdded = [...(known.open?.partitions.values() ?? [])].some(entry => entry.log === log)
    return isAdded ? null : 'TRANSACTION_ABORTABLE'
  }

  commitOffsets(
    transactionalId: string,
    producer: ProducerIdentity,
    groupId: string,
    offsets: readonly TransactionOffset[],
  ): string | null {
    const known = this.#known(transactionalId, producer)
    if ('error' in known) return known.error
    if (known.open?.groups.has(groupId) !== true) return 'TRANSACTION_ABORTABLE'
    known.open.offsets.push(...offsets)
    return null
  }

  /** `bumps`: the second protocol, in which every end begins an epoch. */
  end(transactionalId: string, producer: ProducerIdentity, committed: boolean, bumps: boolean): Answer {
    const known = this.#registrations.get(transactionalId)
    if (known === undefined || known.producerId !== producer.producerId) {
      return { error: 'INVALID_PRODUCER_ID_MAPPING' }
    }
    const ended = committed ? 'committed' : 'aborted'
    const isRepeated = bumps && known.open === null && producer.producerEpoch === known.epoch - 1
    if (producer.producerEpoch !== known.epoch && !(isRepeated && known.last !== 'empty')) {
      return { error: 'PRODUCER_FENCED' }
    }
    if (known.open === null) {
      const isNoted = known.last === ended && (isRepeated || !bumps)
      const mayEndNothing = bumps && !isRepeated && !committed
      if (!isNoted && !mayEndNothing) return { error: 'INVALID_TXN_STATE' }
      if (mayEndNothing) this.#bump(known)
      known.last = ended
    } else {
      if (bumps) this.#bump(known)
      this.#end(known, committed, 'producer')
    }
    return { producerId: known.producerId, producerEpoch: known.epoch }
  }

  #register(transactionalId: string, timeoutMs: number): ProducerIdentity {
    const producerId = this.#topology.nextProducerId()
    const registration = { transactionalId, producerId, epoch: 0, lastEpoch: -1, timeoutMs, open: null }
    this.#registrations.set(transactionalId, { ...registration, last: 'empty' })
    return { producerId, producerEpoch: 0 }
  }

  #known(transactionalId: string, { producerId, producerEpoch }: ProducerIdentity): Registration | { error: string } {
    if (transactionalId === '') return { error: 'INVALID_REQUEST' }
    const known = this.#registrations.get(transactionalId)
    if (known === undefined || known.producerId !== producerId) return { error: 'INVALID_PRODUCER_ID_MAPPING' }
    return known.epoch === producerEpoch ? known : { error: 'PRODUCER_FENCED' }
  }

  #begin(known: Registration): Transaction {
    if (known.open !== null) return known.open
    const { transactionalId, producerId, epoch } = known
    const timer = this.#clock.setTimer(() => {
      this.#bump(known)
      this.#end(known, false, 'timeout')
      this.expired()
    }, known.timeoutMs)
    const transaction: Transaction = {
      facts: { transactionalId, producerId, producerEpoch: epoch },
      outcome: 'open',
      endedBy: null,
      partitions: new Map(),
      groups: new Set(),
      offsets: [],
      timer,
    }
    known.open = transaction
    this.#transactions.push(transaction)
    return transaction
  }

  /** Markers go to every partition at once: nobody sees a transaction that is about to end. */
  #end(known: Registration, committed: boolean, endedBy: 'producer' | 'timeout' | 'fencing'): void {
    const transaction = known.open
    if (transaction === null) return
    this.#clock.clearTimer(transaction.timer)
    transaction.outcome = committed ? 'committed' : 'aborted'
    transaction.endedBy = endedBy
    const { producerId } = transaction.facts
    const epoch = known.producerId === producerId ? known.epoch : lastEpoch + 1
    for (const { log } of transaction.partitions.values()) log.endTransaction(producerId, epoch, transaction.outcome)
    known.open = null
    known.last = transaction.outcome
  }

  #bump(known: Registration): void {
    known.lastEpoch = -1
    if (known.epoch < lastEpoch) known.epoch++
    else {
      known.producerId = this.#topology.nextProducerId()
      known.epoch = 0
    }
  }
}
