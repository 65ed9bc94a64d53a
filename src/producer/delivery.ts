// The handle that leads a caller to the report on a dispatched message.

import type { Clock } from '../clock.ts'
import { InvalidMessageError, WaitTimeoutError } from '../errors.ts'
import { onAbort } from './aborts.ts'
import type { Batch } from './batch.ts'
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
  #owner: Batch
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
    this.#follow()
    return this.#owner.opaqueAt(this.#index)
  }

  /** Whether the verdict is there. */
  get settled(): boolean {
    this.#follow()
    return this.#owner.verdict !== null
  }

  /** The verdict, null before it is there. */
  get report(): DeliveryReport | null {
    this.#follow()
    return this.#owner.verdict === null ? null : this.#owner.reportAt(this.#index)
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
    this.#follow()
    const settled = new Promise<DeliveryReport>((resolve, reject) => {
      const give = (): void => {
        this.#follow()
        const report = this.#owner.reportAt(this.#index)
        if (report.error !== null && throwOnError) reject(report.error)
        else resolve(report)
      }
      if (this.#owner.verdict !== null) give()
      else this.#owner.callers.notify(this.#index, give)
    })
    if (timeoutMs === undefined && signal === undefined) return settled
    return withLimits(settled, this.#owner.clock, signal, timeoutMs, () => {
      const { topic, partition } = this.#owner
      return new WaitTimeoutError(`no verdict on a message to '${topic}' within ${timeoutMs} ms`, { topic, partition })
    })
  }

  // The message may have moved: out of its topic's holder, or into a part of a batch that was split.
  #follow(): void {
    while (this.#owner.forward !== null) {
      const { batches, indexes } = this.#owner.forward
      const next = batches[this.#index]
      if (next === undefined) return
      this.#index = indexes[this.#index] as number
      this.#owner = next
    }
  }
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
