// Ends batches: one verdict for each, given out in the order of the partition.

import { DeliveryError, type KafkaError } from '../errors.ts'
import type { Batch } from './batch.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { DeliveryReport, Verdict } from './report.ts'

export interface SettlementListener {
  /** A batch's reports are out, so its room is free. */
  published(batch: Batch): void
  /** Gets each report, or null while nobody wants those of a batch that succeeded, or of one that failed. */
  reports(failed: boolean): ((report: DeliveryReport) => void) | null
}

export class Settlement {
  readonly #listener: SettlementListener

  constructor(listener: SettlementListener) {
    this.#listener = listener
  }

  succeed(queue: PartitionQueue, batch: Batch, baseOffset: bigint, logAppendTimeMs: number): void {
    const status = batch.profile['request.required.acks'] === 0 ? 'possibly-persisted' : 'persisted'
    this.#end(queue, batch, { error: null, status, baseOffset, logAppendTimeMs, recordErrors: null })
  }

  /** Whether it may be in the log after all follows from what became of its attempts. */
  fail(
    queue: PartitionQueue,
    batch: Batch,
    error: KafkaError,
    recordErrors: ReadonlyMap<number, KafkaError> | null = null,
  ): void {
    const status = batch.uncertain || batch.state === 'inFlight' ? 'possibly-persisted' : 'not-persisted'
    this.#end(queue, batch, { error, status, baseOffset: -1n, logAppendTimeMs: -1, recordErrors })
  }

  /** `message.timeout.ms` is over; `queue.lastError` says what stood in the way. */
  expire(queue: PartitionQueue, batch: Batch): void {
    const { topic, partition } = batch
    const after = `${batch.profile['message.timeout.ms']} ms, ${batch.attempts} attempts`
    const why = queue.lastError === null ? '' : `: ${queue.lastError.message}`
    const message = `no acknowledgement from '${topic}' within message.timeout.ms (${after})${why}`
    this.fail(queue, batch, new DeliveryError(-192, message, { topic, partition, cause: queue.lastError ?? undefined }))
  }

  /** Given up on purpose, by `purge()` or `close()`. */
  purge(queue: PartitionQueue, batch: Batch): void {
    const { topic, partition } = batch
    const written = batch.state === 'inFlight' || batch.uncertain
    const where = written ? 'in flight' : 'in the queue'
    const cause = queue.lastError ?? undefined
    this.fail(
      queue,
      batch,
      new DeliveryError(written ? -151 : -152, `purged ${where}, to '${topic}'`, { topic, partition, cause }),
    )
  }

  /** For a batch that stands in no queue. */
  refuse(batch: Batch, error: KafkaError): void {
    batch.to('sealed')
    batch.decide({ error, status: 'not-persisted', baseOffset: -1n, logAppendTimeMs: -1, recordErrors: null })
    this.#publish(batch)
  }

  #end(queue: PartitionQueue, batch: Batch, verdict: Verdict): void {
    queue.userBytes -= batch.userBytes
    batch.decide(verdict)
    // A listener of a report may end further batches: their reports follow when this one's are out.
    if (queue.publishing) return
    queue.publishing = true
    for (let head = queue.batches.first(); head?.state === 'done'; head = queue.batches.first()) {
      queue.batches.shift()
      if (queue.newest === head) queue.newest = null
      this.#publish(head)
    }
    queue.publishing = false
  }

  #publish(batch: Batch): void {
    const { error, recordErrors } = batch.decided as Verdict
    batch.publish(this.#listener.reports(error !== null || recordErrors !== null))
    this.#listener.published(batch)
  }
}
