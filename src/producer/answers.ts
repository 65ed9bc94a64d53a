// What becomes of batches when their request is answered, or is not. The fault policy decides, this acts.

import type { Clock } from '../clock.ts'
import { backoff } from '../cluster/backoff.ts'
import type { Metadata } from '../cluster/metadata.ts'
import { brokerError, type KafkaError, ProtocolError } from '../errors.ts'
import type { Accumulator } from './accumulator.ts'
import type { Batch } from './batch.ts'
import { compressBatch, type PluggedCodecs } from './compress-batch.ts'
import type { Idempotence } from './idempotence.ts'
import { judgeCode, judgeFault, type Outcome } from './outcome.ts'
import type { PartitionQueue } from './partition-queue.ts'
import { answersOf, type Entry, type PartitionResponse, type ProduceResponse } from './produce-request.ts'
import type { Schedule } from './schedule.ts'
import type { Settlement } from './settlement.ts'

export interface AnswersParts {
  readonly maxRetries: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly clock: Clock
  readonly random: () => number
  readonly accumulator: Accumulator
  readonly metadata: Metadata
  readonly settlement: Settlement
  readonly codecs: PluggedCodecs
  readonly schedule: Schedule
  /** Null without idempotence. */
  readonly idempotence: Idempotence | null
  readonly fatal: (error: KafkaError) => void
}

export class Answers {
  /** Messages in requests without an answer. */
  inFlight = 0
  readonly #parts: AnswersParts

  constructor(parts: AnswersParts) {
    this.#parts = parts
  }

  /** Puts a batch into flight. */
  launch(queue: PartitionQueue, batch: Batch): void {
    batch.to('inFlight')
    batch.attempts++
    batch.pin()
    queue.inFlight++
    queue.owingLeader = queue.leader
    this.inFlight += batch.count
  }

  /** A batch is given up before its answer. */
  forsake(batch: Batch): void {
    if (batch.state === 'inFlight') this.inFlight -= batch.count
    this.#breakSequence(batch)
  }

  /** acks 0: all that is known is that the bytes went out. */
  acknowledge(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (this.#land(entry)) this.#parts.settlement.succeed(entry.queue, entry.batch, -1n, -1)
    }
  }

  /** The request got no proper answer. `written`: its bytes may have reached the broker. */
  faulted(entries: readonly Entry[], error: KafkaError, written: boolean): void {
    const outcome = judgeFault(error, written)
    for (const entry of entries) {
      if (!written) entry.batch.attempts--
      if (this.#land(entry)) this.#act(entry, outcome, error, null, false)
    }
  }

  /** Each partition is judged by itself: what succeeded is never sent again. */
  answered(entries: readonly Entry[], response: ProduceResponse, broker: string): void {
    const find = answersOf(response)
    for (const entry of entries) {
      const { queue } = entry
      const answer = find(entry)
      if (answer === undefined) {
        const error = new ProtocolError(`the answer leaves out ${queue.topic}[${queue.partition}]`, { broker })
        if (this.#land(entry)) this.#act(entry, judgeFault(error, true), error, null, false)
      } else if (this.#land(entry)) this.#judge(entry, answer, response, broker)
    }
  }

  // The place of a batch that is not acknowledged may stay empty, so the epoch ends with it.
  #breakSequence(batch: Batch): void {
    if (batch.stamp !== null) this.#parts.idempotence?.bump(batch.stamp.producerId, batch.stamp.producerEpoch)
  }

  #judge(entry: Entry, answer: PartitionResponse, response: ProduceResponse, broker: string): void {
    const { queue, batch } = entry
    const { errorCode, errorMessage, baseOffset, logAppendTimeMs, currentLeader } = answer
    const outcome = judgeCode(errorCode)
    if (outcome.action === 'complete') {
      queue.proven = queue.owingLeader === queue.leader
      queue.failures = 0
      queue.lastError = null
      const offset = errorCode === 0 ? baseOffset : -1n
      this.#parts.settlement.succeed(queue, batch, offset, Number(logAppendTimeMs))
      return
    }
    batch.to('ready')
    const { topic, partition } = queue
    const { leaderId, leaderEpoch } = currentLeader
    const error = brokerError(errorCode, { topic, partition, broker, detail: errorMessage })
    const hinted =
      leaderId >= 0 && this.#parts.metadata.leaderHint(topic, partition, leaderId, leaderEpoch, response.nodeEndpoints)
    // The hint has been told to listeners, and one of them may have given the batch up.
    if (batch.state === 'ready') this.#act(entry, outcome, error, answer, hinted)
  }

  // Takes an entry out of flight. False when its batch was given up in the meantime.
  #land({ queue, batch }: Entry): boolean {
    queue.inFlight--
    if (batch.state !== 'done') this.inFlight -= batch.count
    // This one, should it go again, is listed when that is decided.
    if (queue.batches.last() !== batch) this.#parts.schedule.list(queue)
    return batch.state === 'inFlight'
  }

  #act(entry: Entry, outcome: Outcome, error: KafkaError, answer: PartitionResponse | null, hinted: boolean): void {
    const { queue, batch } = entry
    const { accumulator, codecs, idempotence, maxRetries, metadata, schedule, settlement } = this.#parts
    const isHead = queue.batches.first() === batch
    if (batch.state === 'inFlight') batch.to('ready')
    queue.lastError = error
    queue.proven = false
    if (outcome.uncertain) batch.uncertain = true
    switch (outcome.action) {
      case 'fatal':
        settlement.fail(queue, batch, error)
        this.#parts.fatal(error)
        return
      case 'split':
        // Parts get new sequences, under which a broker would not recognise what it may have.
        if (batch.count === 1 || (idempotence !== null && batch.uncertain)) break
        for (const part of accumulator.split(queue, batch, Math.ceil(batch.recordsBytes / 2))) {
          compressBatch(part, codecs, () => schedule.list(queue))
        }
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
        if (outcome.counts && batch.attempts > maxRetries) break
        if (outcome.action === 'refresh' && !hinted) metadata.refresh()
        return this.#again(queue, isHead && !hinted)
    }
    this.#breakSequence(batch)
    settlement.fail(queue, batch, error, recordErrors(answer, error))
  }

  // The batch stays where it is. Only the first one in line makes the partition wait, and not for a leader just named.
  #again(queue: PartitionQueue, waits: boolean): void {
    const { clock, random, retryBackoffMs, retryBackoffMaxMs, schedule } = this.#parts
    if (!waits) return schedule.list(queue)
    const delayMs = backoff(++queue.failures, retryBackoffMs, retryBackoffMaxMs, random)
    queue.retryAt = clock.now() + delayMs
    schedule.backOff(queue)
  }
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
