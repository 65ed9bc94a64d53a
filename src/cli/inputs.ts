// Where lines come from: files in the order given, or stdin.

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { addAbortSignal, type Readable } from 'node:stream'

export interface Input {
  /** How messages about it call it. */
  readonly name: string
  /** Null where the size is not known beforehand. */
  readonly bytes: number | null
  /** Reading ends with an error when `stop` says so. */
  open(stop: AbortSignal): Readable
}

/** `-`, and no file at all, mean stdin. Rejects before anything is read when a file is not there. */
export async function openInputs(files: readonly string[], stdin: Readable): Promise<Input[]> {
  return Promise.all(
    (files.length === 0 ? ['-'] : files).map(file => (file === '-' ? stdinInput(stdin) : fileInput(file))),
  )
}

function stdinInput(stdin: Readable): Input {
  return { name: 'stdin', bytes: null, open: stop => addAbortSignal(stop, stdin) }
}

async function fileInput(file: string): Promise<Input> {
  const found = await stat(file)
  const open = (stop: AbortSignal): Readable => createReadStream(file, { signal: stop, highWaterMark: 1 << 18 })
  return { name: file, bytes: found.isFile() ? found.size : null, open }
}
