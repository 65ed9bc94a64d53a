// The handle that leads a caller to the report on a dispatched message.

import type { Clock } from '../clock.ts'
import { InvalidMessageError, type KafkaError, WaitTimeoutError } from '../errors.ts'
import { onAbort } from './aborts.ts'
import { Batch } from './batch.ts'
import type { DeliveryReport } from './report.ts'

export interface WaitOptions {
  /** How long to wait (milliseconds); absent: as long as it takes. */
  readonly timeoutMs?: number
  /** False: a failed delivery resolves with its report, whose `error` is set. Default true. */
  readonly throwOnError?: boolean
  readonly signal?: AbortSignal
}

/** Leads to the verdict on one dispatched message. Not thenable, so that it can be awaited out of a function. */
export class DeliveryHandle {
  // The report once it was read: from then on the batch is not needed.
  #owner: Batch | DeliveryReport
  #index: number

  /** @internal */
  constructor(owner: Batch, index: number) {
    this.#owner = owner
    this.#index = index
  }

  get topic(): string {
    return this.#owner.topic
  }

  get opaque(): unknown {
    const owner = this.#follow()
    return owner instanceof Batch ? owner.opaqueAt(this.#index) : owner.opaque
  }

  /** Whether the verdict is there. */
  get settled(): boolean {
    const owner = this.#follow()
    return !(owner instanceof Batch) || owner.verdict !== null
  }

  /** The verdict, null before it is there. */
  get report(): DeliveryReport | null {
    const owner = this.#follow()
    if (!(owner instanceof Batch)) return owner
    if (owner.verdict === null) return null
    const report = owner.reportAt(this.#index)
    this.#owner = report
    return report
  }

  /**
   * Resolves with the report once the message has its verdict; may be called again, with the same result.
   * Rejects with the delivery's KafkaError unless `throwOnError` is false, with WaitTimeoutError after `timeoutMs`
   * (the message is still on its way then), and with the signal's reason.
   * Source: librdkafka delivery reports.
   */
  wait(options: WaitOptions = {}): Promise<DeliveryReport> {
    const { timeoutMs, throwOnError = true, signal } = options
    const fault = timeoutFault(timeoutMs)
    if (fault !== null) return Promise.reject(fault)
    if (signal?.aborted) return Promise.reject(signal.reason)
    const { report } = this
    const owner = this.#owner
    if (report !== null || !(owner instanceof Batch)) return outcome(report as DeliveryReport, throwOnError)
    const settled = new Promise<DeliveryReport>(resolve => {
      owner.callers.notify(this.#index, () => resolve(outcome(this.report as DeliveryReport, throwOnError)))
    })
    if (timeoutMs === undefined && signal === undefined) return settled
    return withLimits(settled, owner.clock, signal, timeoutMs, () => {
      const { topic, partition } = this.#owner
      return new WaitTimeoutError(`no verdict on a message to '${topic}' within ${timeoutMs} ms`, { topic, partition })
    })
  }

  /** @internal Calls `fn` once, with what went wrong or null; costs neither a promise nor a report. */
  tell(fn: (error: KafkaError | null) => void): void {
    const owner = this.#follow()
    const settled = (): void => fn(this.#error)
    if (owner instanceof Batch && owner.verdict === null) owner.callers.call(this.#index, { settled })
    else settled()
  }

  // Of a message that has its verdict.
  get #error(): KafkaError | null {
    const owner = this.#follow()
    if (!(owner instanceof Batch)) return owner.error
    return owner.verdict?.recordErrors?.get(this.#index) ?? owner.verdict?.error ?? null
  }

  // The message may have moved: out of its topic's holder, or into a part of a batch that was split.
  #follow(): Batch | DeliveryReport {
    while (this.#owner instanceof Batch && this.#owner.forward !== null) {
      const { batches, indexes } = this.#owner.forward
      const next = batches[this.#index]
      if (next === undefined) break
      this.#index = indexes[this.#index] as number
      this.#owner = next
    }
    return this.#owner
  }
}

function outcome(report: DeliveryReport, throwOnError: boolean): Promise<DeliveryReport> {
  return report.error !== null && throwOnError ? Promise.reject(report.error) : Promise.resolve(report)
}

/** What is wrong with a limit of time; Infinity is none. */
export function timeoutFault(timeoutMs: number | undefined): InvalidMessageError | null {
  if (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs >= 0)) return null
  return new InvalidMessageError('timeoutMs', `timeoutMs is ${timeoutMs}: it must be milliseconds from 0 to Infinity`)
}

/** Ends the waiting for `promise`, though not what it stands for, when the signal or the time says so. */
export function withLimits<T>(
  promise: Promise<T>,
  clock: Clock,
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
  timeoutError: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = Number.isFinite(timeoutMs)
      ? clock.setTimer(() => end(() => reject(timeoutError())), timeoutMs as number)
      : undefined
    let release = (): void => {}
    const end = (settle: () => void): void => {
      if (timer !== undefined) clock.clearTimer(timer)
      release()
      settle()
    }
    if (signal?.aborted) end(() => reject(signal.reason))
    else if (signal !== undefined) release = onAbort(signal, () => end(() => reject(signal.reason)))
    promise.then(
      value => end(() => resolve(value)),
      error => end(() => reject(error)),
    )
  })
}
