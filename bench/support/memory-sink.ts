// The same broker without a network: a transport that takes what is written, and answers in the next turn of the event loop.

import { Buffer } from 'node:buffer'
import { FrameSplitter } from '../../src/protocol/frame.ts'
import type { Transport } from '../../src/transport.ts'
import { answering } from './answers.ts'

export const memorySink: Transport = {
  async connect(_, on) {
    const answer = answering(() => 1, false)
    const splitter = new FrameSplitter(1 << 30, frame => {
      const bytes = Buffer.concat(answer(frame) ?? [])
      setImmediate(() => on.data(bytes))
    })
    return {
      write(chunks, done) {
        for (const chunk of chunks) splitter.push(chunk)
        setImmediate(done)
        return true
      },
      destroy: () => on.closed(),
    }
  },
}
