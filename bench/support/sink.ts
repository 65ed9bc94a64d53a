// A broker that accepts everything and keeps nothing, in a process of its own, so that the CPU time measured here is the
// client's alone.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { FrameSplitter } from '../../src/protocol/frame.ts'
import { answering } from './answers.ts'

export interface Sink {
  readonly port: number
  stop(): void
}

/** In the parent: starts this very program again as the sink. The topic `tN` has N partitions. */
export async function startSink(): Promise<Sink> {
  const child: ChildProcess = fork(process.argv[1] as string, ['sink'], { execArgv: [] })
  const [port] = (await once(child, 'message')) as [number]
  return { port, stop: () => child.kill() }
}

export const isSink = process.argv[2] === 'sink'

/** In the child. A silent one answers everything but Produce. */
export function runSink({ silent = false } = {}): void {
  const port = (): number => (server.address() as AddressInfo).port
  const answer = answering(port, silent)
  const server = createServer(socket => {
    socket.setNoDelay(true)
    const splitter = new FrameSplitter(1 << 30, frame => {
      for (const chunk of answer(frame) ?? []) socket.write(chunk)
    })
    socket.on('data', bytes => splitter.push(bytes))
    socket.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1', () => process.send?.(port()))
  process.on('disconnect', () => process.exit(0))
}
