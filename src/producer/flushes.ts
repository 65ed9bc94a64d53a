// Those who wait until everything that was queued at a certain moment has its report.

import type { Accumulator } from './accumulator.ts'
import type { Batch } from './batch.ts'
import type { Room } from './room.ts'

export class Flushes {
  readonly #waiting = new Set<() => void>()

  /** Resolves when what is queued now, and what waits for room now, has its report; what comes later is not awaited. */
  wait(accumulator: Accumulator, room: Room): Promise<void> {
    return new Promise(resolve => {
      let batches = queuedBatches(accumulator)
      let at = 0
      let ticket = room.lastTicket
      const check = (): void => {
        for (; at < batches.length; at++) {
          const batch = batches[at] as Batch
          if (batch.forward !== null) batches.push(...new Set(batch.forward.batches))
          else if (batch.verdict === null) return
        }
        if (!room.hasPassed(ticket)) return
        if (ticket > 0) {
          // Those who waited are in, so now their batches are awaited.
          ticket = 0
          batches = queuedBatches(accumulator)
          at = 0
          return check()
        }
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }

  /** Something has its report, or left the line for room. */
  check(): void {
    for (const check of this.#waiting) check()
  }
}

function queuedBatches(accumulator: Accumulator): Batch[] {
  return Array.from(accumulator.alive(), ({ batch }) => batch)
}
