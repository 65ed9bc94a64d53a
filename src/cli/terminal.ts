// What a command sees of the world outside: three streams and the wish to stop.

import type { Readable } from 'node:stream'

export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean }

export interface Terminal {
  readonly stdin: Readable
  readonly stdout: Output
  readonly stderr: Output
  /** Calls `fn` at every Ctrl-C (or SIGTERM); gives back what ends that. */
  onInterrupt(fn: () => void): () => void
}

/** The terminal of this process. */
export const processTerminal: Terminal = {
  get stdin() {
    return process.stdin
  },
  stdout: process.stdout,
  stderr: process.stderr,
  onInterrupt(fn) {
    process.on('SIGINT', fn).on('SIGTERM', fn)
    return () => {
      process.off('SIGINT', fn).off('SIGTERM', fn)
    }
  },
}
