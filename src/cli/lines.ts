// Cuts a stream of bytes into lines. The last one needs no line end; what is between two line ends is never decoded.

import { Buffer } from 'node:buffer'

/** `message.max.bytes` cannot be set higher: a line that is longer is no message, and is not gathered in memory. */
const longestLine = 1_000_000_000

/**
 * The lines of `chunks`, without the byte that ends them. A carriage return stays part of its line, as in kcat.
 * A line is valid until the next one is asked for. Throws when a line is longer than any message may be.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array | string>,
  end: number,
): AsyncGenerator<readonly Uint8Array[]> {
  // Lines come in handfuls, all that a chunk completes, so that waiting costs once per chunk and not once per line.
  let parts: Uint8Array[] = []
  let held = 0
  for await (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    const lines: Uint8Array[] = []
    let start = 0
    for (let at = bytes.indexOf(end); at !== -1; at = bytes.indexOf(end, start)) {
      const rest = bytes.subarray(start, at)
      lines.push(parts.length === 0 ? rest : Buffer.concat([...parts, rest]))
      parts = []
      held = 0
      start = at + 1
    }
    if (start < bytes.length) {
      parts.push(bytes.subarray(start))
      held += bytes.length - start
      if (held > longestLine) throw new Error(`a line is longer than any message may be (${longestLine} bytes)`)
    }
    yield lines
  }
  if (parts.length > 0) yield [Buffer.concat(parts)]
}
