// A terminal for tests of the command line: input that is given, output that is kept, Ctrl-C by hand.

import { PassThrough, Readable } from 'node:stream'
import type { Terminal } from '../../src/cli/terminal.ts'

export interface TestTerminal extends Terminal {
  readonly out: string
  readonly err: string
  interrupt(): void
}

export function testTerminal(input: string | Readable = '', isTTY = false): TestTerminal {
  const kept = { out: '', err: '' }
  const listeners = new Set<() => void>()
  const keep = (name: 'out' | 'err'): PassThrough & { isTTY: boolean } => {
    const stream = Object.assign(new PassThrough(), { isTTY })
    stream.setEncoding('utf8').on('data', (text: string) => {
      kept[name] += text
    })
    return stream
  }
  return {
    stdin: typeof input === 'string' ? Readable.from([Buffer.from(input)]) : input,
    stdout: keep('out'),
    stderr: keep('err'),
    onInterrupt(fn) {
      listeners.add(fn)
      return () => listeners.delete(fn)
    },
    get out() {
      return kept.out
    },
    get err() {
      return kept.err
    },
    interrupt: () => {
      for (const fn of listeners) fn()
    },
  }
}
