// One message that stands in line for room.

import { onAbort } from './aborts.ts'
import type { Room } from './room.ts'

/** Calls `append` when there is room, or `failed` when waiting has no end; the signal takes it out of the line. */
export function waitForRoom(
  room: Room,
  userBytes: number,
  append: () => void,
  failed: (error: unknown) => void,
  signal: AbortSignal | undefined,
): void {
  let done = (): void => {}
  const ticket = room.wait({
    size: 1,
    admit: () => {
      if (!room.fits(userBytes)) return false
      done()
      try {
        append()
      } catch (error) {
        failed(error)
      }
      return true
    },
    giveUp: (error: Error) => {
      done()
      failed(error)
    },
  })
  if (signal !== undefined) done = onAbort(signal, () => room.leave(ticket, signal.reason))
}
