// The progress bar. On anything but a terminal there is none.

import { SingleBar } from 'cli-progress'

export interface Progress {
  /** `read` and `delivered` count messages, `bytesRead` what was taken from the input. */
  update(read: number, delivered: number, bytesRead: number): void
  stop(): void
}

const silent: Progress = { update: () => {}, stop: () => {} }

/**
 * Draws on `stream`, at most ten times a second. `totalBytes` is the size of the input, null where nobody knows it:
 * then there is a count, and no bar.
 */
export function showProgress(stream: NodeJS.WritableStream & { isTTY?: boolean }, totalBytes: number | null): Progress {
  if (!stream.isTTY) return silent
  const start = performance.now()
  const counts = '{delivered} of {read} delivered | {rate}/s'
  const bar = new SingleBar({
    stream,
    fps: 10,
    hideCursor: true,
    barsize: 30,
    format: totalBytes === null ? counts : `[{bar}] {percentage}% | ${counts}`,
  })
  bar.start(totalBytes ?? 1, 0, { delivered: 0, read: 0, rate: 0 })
  return {
    update(read, delivered, bytesRead) {
      // What is read but not delivered is not done yet.
      const done = totalBytes === null || read === 0 ? 0 : Math.round((bytesRead * delivered) / read)
      const rate = Math.round((delivered * 1000) / Math.max(1, performance.now() - start))
      bar.update(done, { delivered, read, rate })
    },
    stop: () => bar.stop(),
  }
}
