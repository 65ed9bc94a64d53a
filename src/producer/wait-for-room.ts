// One message that stands in line for room.

import type { Room } from './room.ts'

/** Calls `append` when there is room, or `failed` when waiting has no end; the signal takes it out of the line. */
export function waitForRoom(
  room: Room,
  userBytes: number,
  append: () => void,
  failed: (error: unknown) => void,
  signal: AbortSignal | undefined,
): void {
  const leave = (): void => room.leave(waiter, signal?.reason)
  const waiter = {
    size: 1,
    admit: () => {
      if (!room.fits(userBytes)) return false
      signal?.removeEventListener('abort', leave)
      try {
        append()
      } catch (error) {
        failed(error)
      }
      return true
    },
    giveUp: (error: Error) => {
      signal?.removeEventListener('abort', leave)
      failed(error)
    },
  }
  signal?.addEventListener('abort', leave, { once: true })
  room.wait(waiter)
}
