// The pump: whatever happens ends in `pump()`, which sends all that can go now and returns.
// One Produce request per leader and round, one batch per partition in it.

import type { Clock } from '../clock.ts'
import { backoff } from '../cluster/backoff.ts'
import type { BrokerPool } from '../cluster/broker-pool.ts'
import type { Connection } from '../cluster/connection.ts'
import type { Metadata } from '../cluster/metadata.ts'
import { type CodecName, codecs } from '../compression/codecs.ts'
import { Deque } from '../deque.ts'
import { brokerError, type KafkaError, ProtocolError } from '../errors.ts'
import { produce } from '../protocol/apis/produce.ts'
import { type ResponseOf, zeroUuid } from '../protocol/schema.ts'
import type { Accumulator } from './accumulator.ts'
import type { Batch } from './batch.ts'
import type { Idempotence } from './idempotence.ts'
import { judgeCode, judgeFault, type Outcome } from './outcome.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { Settlement } from './settlement.ts'

export interface SenderLimits {
  readonly maxInFlight: number
  readonly maxRequestBytes: number
  readonly maxRetries: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  /** Over and above the broker's own limit for acknowledging. */
  readonly socketTimeoutMs: number
}

export interface SenderParts {
  readonly limits: SenderLimits
  readonly clock: Clock
  readonly random: () => number
  readonly accumulator: Accumulator
  readonly pool: BrokerPool
  readonly metadata: Metadata
  readonly settlement: Settlement
  /** Null without idempotence. */
  readonly idempotence: Idempotence | null
  readonly fatal: (error: KafkaError) => void
}

/** A broker and what there is to send to it. */
interface Leader {
  readonly nodeId: number
  /** Partitions with a batch that may go. */
  readonly ready: Deque<PartitionQueue>
  /** Partitions whose open batch somebody awaits; they go when the leader is idle, or with its next answer. */
  readonly awaited: PartitionQueue[]
  inFlight: number
  /** It has answered since the awaited ones were looked at. */
  answered: boolean
}

interface Entry {
  readonly queue: PartitionQueue
  readonly batch: Batch
  /** By this id it was sent, from Produce 13 on; the metadata may know another one by now. */
  readonly topicId: string
}

type PartitionResponse = ResponseOf<typeof produce>['responses'][number]['partitionResponses'][number]

export class Sender {
  readonly #parts: SenderParts
  readonly #leaders = new Map<number, Leader>()
  readonly #dirty = new Set<Leader>()
  readonly #backingOff = new Set<PartitionQueue>()
  // Somebody pumps, or is about to.
  #busy = false
  #scheduled = false
  #stopped = false
  #timer: unknown
  #timerAt = Number.POSITIVE_INFINITY
  #nextRetryAt = Number.POSITIVE_INFINITY
  /** Messages in requests without an answer. */
  inFlight = 0

  constructor(parts: SenderParts) {
    this.#parts = parts
  }

  /** Pumps at the end of this turn of the event loop. */
  wake(): void {
    if (this.#scheduled || this.#busy || this.#stopped) return
    this.#scheduled = true
    this.#parts.clock.defer(() => {
      this.#scheduled = false
      this.pump()
    })
  }

  /** A partition may have something to send. */
  list(queue: PartitionQueue): void {
    if (queue.leader < 0 || queue.listed) return
    queue.listed = true
    const leader = this.#leader(queue.leader)
    leader.ready.push(queue)
    this.#dirty.add(leader)
    this.wake()
  }

  /** Somebody awaits a message in the partition's open batch. */
  listAwaited(queue: PartitionQueue): void {
    if (queue.leader < 0 || queue.awaitedListed) return
    queue.awaitedListed = true
    const leader = this.#leader(queue.leader)
    leader.awaited.push(queue)
    this.#dirty.add(leader)
    this.wake()
  }

  /** A batch takes no more records: it goes through its codec, then it is ready. */
  sealed(queue: PartitionQueue, batch: Batch): void {
    const { 'compression.codec': name, 'compression.level': level } = batch.profile
    if (name === 'none') return this.#ready(queue, batch)
    const codec = codecs[name as CodecName]
    batch.to('compressing')
    batch.pin()
    const take = (bytes: Uint8Array | null): void => {
      if (batch.state === 'compressing') {
        // What a codec cannot make smaller goes as it is.
        if (bytes !== null && bytes.length < batch.recordsBytes) {
          batch.payload = [bytes]
          batch.codecId = codec.id
        }
        this.#ready(queue, batch)
      }
      batch.unpin()
    }
    const compressed = codec.compress(batch.payload, batch.recordsBytes, level)
    if (compressed instanceof Uint8Array) take(compressed)
    else compressed.then(take, () => take(null))
  }

  /** The broker can be reached, or takes more. */
  available(nodeId: number): void {
    const leader = this.#leaders.get(nodeId)
    if (leader === undefined) return
    this.#dirty.add(leader)
    this.wake()
  }

  /** Every broker may be served again. */
  availableAll(): void {
    for (const leader of this.#leaders.values()) this.#dirty.add(leader)
    this.wake()
  }

  /** Sends whatever can go now. Any event may call it, at any time; it never waits. */
  pump(): void {
    if (this.#busy || this.#stopped) return
    this.#busy = true
    try {
      const now = this.#parts.clock.now()
      this.#tick(now)
      for (const leader of this.#dirty) {
        this.#dirty.delete(leader)
        this.#serve(leader, now)
      }
    } finally {
      this.#busy = false
    }
    this.arm()
  }

  stop(): void {
    this.#stopped = true
    this.#parts.clock.clearTimer(this.#timer)
  }

  /** Says that a batch is given up before its answer. */
  forsake(batch: Batch): void {
    if (batch.state === 'inFlight') this.inFlight -= batch.count
    this.#breakSequence(batch)
  }

  // The place of a batch that is not acknowledged may stay empty, so the epoch ends with it.
  #breakSequence(batch: Batch): void {
    if (batch.stamp !== null) this.#parts.idempotence?.bump(batch.stamp.producerId, batch.stamp.producerEpoch)
  }

  #leader(nodeId: number): Leader {
    let leader = this.#leaders.get(nodeId)
    if (leader === undefined) {
      leader = { nodeId, ready: new Deque(), awaited: [], inFlight: 0, answered: false }
      this.#leaders.set(nodeId, leader)
    }
    return leader
  }

  #ready(queue: PartitionQueue, batch: Batch): void {
    batch.to('ready')
    this.list(queue)
  }

  // What time alone brings about.
  #tick(now: number): void {
    const { accumulator, settlement } = this.#parts
    accumulator.releaseLingered(now)
    for (const { queue, batch } of accumulator.takeExpired(now)) {
      this.forsake(batch)
      settlement.expire(queue, batch)
    }
    if (this.#nextRetryAt > now) return
    this.#nextRetryAt = Number.POSITIVE_INFINITY
    for (const queue of this.#backingOff) {
      if (queue.retryAt > now) this.#backOff(queue)
      else {
        this.#backingOff.delete(queue)
        this.list(queue)
      }
    }
  }

  #backOff(queue: PartitionQueue): void {
    this.#backingOff.add(queue)
    this.#nextRetryAt = Math.min(this.#nextRetryAt, queue.retryAt)
  }

  /** Sets the one timer for whatever time brings next: linger, a deadline, the end of a backoff. */
  arm(): void {
    const { accumulator, clock } = this.#parts
    if (this.#busy || this.#stopped) return
    const at = Math.min(accumulator.nextWakeAt(), this.#nextRetryAt)
    // A timer that comes too early does no harm and is cheaper than a new one.
    if (at >= this.#timerAt) return
    clock.clearTimer(this.#timer)
    this.#timerAt = at
    this.#timer = clock.setTimer(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY
        this.pump()
      },
      Math.max(0, at - clock.now()),
    )
  }

  #serve(leader: Leader, now: number): void {
    const { idempotence, pool, limits } = this.#parts
    if (leader.ready.size === 0 && leader.awaited.length === 0) return
    if (idempotence !== null && !idempotence.ready()) return
    const connection = pool.connection(leader.nodeId)
    if (connection === null) return
    if (leader.answered || leader.inFlight === 0) this.#releaseAwaited(leader)
    leader.answered = false
    while (leader.ready.size > 0 && leader.inFlight < limits.maxInFlight && !connection.congested) {
      const entries = this.#drain(leader, now)
      if (entries.length === 0) break
      this.#send(leader, connection, entries)
    }
  }

  #releaseAwaited(leader: Leader): void {
    for (const queue of leader.awaited.splice(0)) {
      if (queue.leader !== leader.nodeId) continue
      queue.awaitedListed = false
      if (queue.open?.awaited !== true) continue
      queue.due = true
      this.list(queue)
    }
  }

  // Takes one batch of each partition that has one ready, beginning where the last round ended.
  #drain(leader: Leader, now: number): Entry[] {
    const { accumulator, idempotence, limits } = this.#parts
    const entries: Entry[] = []
    let bytes = 0
    for (let left = leader.ready.size; left > 0; left--) {
      const queue = leader.ready.shift() as PartitionQueue
      if (queue.leader !== leader.nodeId) continue
      queue.listed = false
      const batch = queue.next(now)
      if (batch === null) {
        if (queue.retryAt > now && queue.waiting) this.#backOff(queue)
        continue
      }
      if (batch.state === 'open') accumulator.seal(queue, batch)
      if (batch.state !== 'ready') continue
      const first = entries[0]
      if (
        first !== undefined &&
        (bytes + batch.recordsBytes > limits.maxRequestBytes || !sameTerms(first.batch, batch))
      ) {
        this.list(queue)
        continue
      }
      if (idempotence !== null && !idempotence.stamp(queue, batch)) continue
      batch.to('inFlight')
      batch.attempts++
      batch.pin()
      queue.inFlight++
      queue.owingLeader = leader.nodeId
      this.inFlight += batch.count
      bytes += batch.recordsBytes
      entries.push({ queue, batch, topicId: accumulator.topics.get(queue.topic)?.metadata?.topicId ?? zeroUuid })
      if (queue.next(now) !== null) this.list(queue)
    }
    return entries
  }

  #send(leader: Leader, connection: Connection, entries: readonly Entry[]): void {
    const { limits } = this.#parts
    const { profile } = (entries[0] as Entry).batch
    const acks = profile['request.required.acks']
    const topics = new Map<
      string,
      { name: string; topicId: string; partitionData: { index: number; records: Uint8Array[] }[] }
    >()
    let haveIds = true
    for (const { queue, batch, topicId } of entries) {
      if (topicId === zeroUuid) haveIds = false
      let topic = topics.get(queue.topic)
      if (topic === undefined) {
        topic = { name: queue.topic, topicId, partitionData: [] }
        topics.set(queue.topic, topic)
      }
      topic.partitionData.push({ index: queue.partition, records: [batch.header(false), ...batch.payload] })
    }
    leader.inFlight++
    const timeoutMs = profile['request.timeout.ms']
    const best = connection.version(produce)
    const body = { transactionalId: null, acks, timeoutMs, topicData: [...topics.values()] }
    connection.send(produce, body, {
      ...(best !== undefined && best > 12 && !haveIds ? { version: 12 } : {}),
      timeoutMs: Math.max(limits.socketTimeoutMs, timeoutMs),
      expectAnswer: acks !== 0,
      written: () => {
        for (const { batch } of entries) batch.unpin()
      },
      settled: (error, response, written) => {
        leader.inFlight--
        leader.answered = true
        this.#dirty.add(leader)
        this.#busy = true
        try {
          if (error !== null) this.#faulted(entries, error, written)
          else if (response === null) this.#acknowledgeAll(entries)
          else this.#answered(entries, response, connection.label)
        } finally {
          this.#busy = false
        }
        this.pump()
      },
    })
  }

  // acks 0: all that is known is that the bytes went out.
  #acknowledgeAll(entries: readonly Entry[]): void {
    for (const entry of entries)
      if (this.#land(entry)) this.#parts.settlement.succeed(entry.queue, entry.batch, -1n, -1)
  }

  #faulted(entries: readonly Entry[], error: KafkaError, written: boolean): void {
    const outcome = judgeFault(error, written)
    for (const entry of entries) {
      if (!written) entry.batch.attempts--
      if (this.#land(entry)) this.#act(entry, outcome, error, null, false)
    }
  }

  #answered(entries: readonly Entry[], response: ResponseOf<typeof produce>, broker: string): void {
    const byPlace = new Map<string, PartitionResponse>()
    for (const { name, topicId, partitionResponses } of response.responses) {
      for (const partition of partitionResponses) byPlace.set(`${name || topicId} ${partition.index}`, partition)
    }
    for (const entry of entries) {
      const { queue, topicId } = entry
      const answer = byPlace.get(`${queue.topic} ${queue.partition}`) ?? byPlace.get(`${topicId} ${queue.partition}`)
      if (answer === undefined) {
        const error = new ProtocolError(`the answer leaves out ${queue.topic}[${queue.partition}]`, { broker })
        if (this.#land(entry)) this.#act(entry, judgeFault(error, true), error, null, false)
      } else this.#judge(entry, answer, response, broker)
    }
  }

  #judge(entry: Entry, answer: PartitionResponse, response: ResponseOf<typeof produce>, broker: string): void {
    const { queue, batch } = entry
    const { errorCode, errorMessage, currentLeader } = answer
    const outcome = judgeCode(errorCode)
    if (!this.#land(entry)) return
    if (outcome.action === 'complete') {
      queue.proven = queue.owingLeader === queue.leader
      queue.failures = 0
      queue.lastError = null
      this.#parts.settlement.succeed(
        queue,
        batch,
        errorCode === 0 ? answer.baseOffset : -1n,
        Number(answer.logAppendTimeMs),
      )
      return
    }
    const { topic, partition } = queue
    const error = brokerError(errorCode, { topic, partition, broker, detail: errorMessage })
    const hinted =
      currentLeader.leaderId >= 0 &&
      this.#parts.metadata.leaderHint(
        topic,
        partition,
        currentLeader.leaderId,
        currentLeader.leaderEpoch,
        response.nodeEndpoints,
      )
    this.#act(entry, outcome, error, answer, hinted)
  }

  // Takes an entry out of flight. False when its batch was given up in the meantime.
  #land({ queue, batch }: Entry): boolean {
    queue.inFlight--
    if (batch.state !== 'done') this.inFlight -= batch.count
    this.list(queue)
    return batch.state === 'inFlight'
  }

  #act(entry: Entry, outcome: Outcome, error: KafkaError, answer: PartitionResponse | null, hinted: boolean): void {
    const { queue, batch } = entry
    const { idempotence, settlement, limits, accumulator } = this.#parts
    const isHead = queue.batches.first() === batch
    batch.to('ready')
    queue.lastError = error
    queue.proven = false
    if (outcome.uncertain) batch.uncertain = true
    switch (outcome.action) {
      case 'fatal':
        settlement.fail(queue, batch, error)
        this.#parts.fatal(error)
        return
      case 'split':
        if (batch.count === 1) break
        for (const part of accumulator.split(queue, batch, Math.ceil(batch.recordsBytes / 2))) this.sealed(queue, part)
        this.#breakSequence(batch)
        return
      case 'sequence':
      case 'renew':
        if (idempotence === null || batch.stamp === null) break
        // Only the first batch in line says something about the sequence; the others fail because it did.
        if (isHead) {
          if (outcome.action === 'renew') idempotence.renew(batch.stamp.producerId)
          else this.#breakSequence(batch)
          batch.uncertain = false
        }
        return this.#again(queue, isHead)
      case 'retry':
      case 'refresh':
        if (outcome.counts && batch.attempts > limits.maxRetries) break
        if (outcome.action === 'refresh' && !hinted) this.#parts.metadata.refresh()
        return this.#again(queue, isHead && !hinted)
    }
    this.#breakSequence(batch)
    settlement.fail(queue, batch, error, recordErrors(answer, error))
  }

  // The batch stays where it is. Only the first one in line makes the partition wait, and not for a leader just named.
  #again(queue: PartitionQueue, waits: boolean): void {
    const { clock, limits, random } = this.#parts
    if (!waits) return this.list(queue)
    const delayMs = backoff(++queue.failures, limits.retryBackoffMs, limits.retryBackoffMaxMs, random)
    queue.retryAt = clock.now() + delayMs
    this.#backOff(queue)
  }
}

// One request carries one set of terms.
function sameTerms(a: Batch, b: Batch): boolean {
  return (
    a.profile === b.profile ||
    (a.profile['request.required.acks'] === b.profile['request.required.acks'] &&
      a.profile['request.timeout.ms'] === b.profile['request.timeout.ms'])
  )
}

// Source: KIP-467.
function recordErrors(answer: PartitionResponse | null, error: KafkaError): ReadonlyMap<number, KafkaError> | null {
  if (answer === null || answer.recordErrors.length === 0) return null
  const { topic, partition, broker } = error
  return new Map(
    answer.recordErrors.map(({ batchIndex, batchIndexErrorMessage }) => [
      batchIndex,
      brokerError(error.code, { topic, partition, broker, detail: batchIndexErrorMessage ?? error.message }),
    ]),
  )
}
