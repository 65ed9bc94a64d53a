// A TCP proxy before one broker that does to its connections what networks do: cuts, resets, delays, silence, slivers.
// Faults that hit a request are scripted for the next Produce requests, one each; the others hold until they are lifted.

import { Buffer } from 'node:buffer'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { FrameSplitter } from '../../src/protocol/frame.ts'

/**
 * cutBeforeRequest: the connection ends, and the broker never sees the request. cutBeforeAnswer: the broker has
 * answered, the client never hears of it. reset: the request is passed on, and the client gets a reset instead of an answer.
 */
export type RequestFault = 'cutBeforeRequest' | 'cutBeforeAnswer' | 'reset'

const produceKey = 0
const maxFrameBytes = 200_000_000

export class FaultProxy {
  /** How often each fault struck, and what passed otherwise. */
  readonly counts = {
    cutBeforeRequest: 0,
    cutBeforeAnswer: 0,
    reset: 0,
    held: 0,
    slivers: 0,
    connections: 0,
    produced: 0,
  }
  readonly #target: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #script: RequestFault[] = []
  readonly #closing = new AbortController()
  #delayMs = 0
  #sliverBytes = Number.POSITIVE_INFINITY
  #silence: Promise<void> | null = null

  /** Listens at once, for a broker at `targetPort` of this machine that may come later. */
  static async start(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort)
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  private constructor(targetPort: number) {
    this.#target = targetPort
    this.#server = createServer(client => this.#accept(client))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Scripts faults for the Produce requests to come, in this order, after those scripted before. */
  next(fault: RequestFault, times = 1): void {
    for (let i = 0; i < times; i++) this.#script.push(fault)
  }

  /** Scripted faults that have not struck yet. */
  get pending(): number {
    return this.#script.length
  }

  /** Everything arrives this much later, in both directions. 0 lifts it. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** Everything arrives in pieces of at most this many bytes, each in a turn of the event loop of its own. Infinity lifts it. */
  slivers(bytes: number): void {
    this.#sliverBytes = bytes
  }

  /** For so long nothing arrives, in either direction, and nothing is closed; then all of it does. */
  async blackHole(ms: number): Promise<void> {
    this.#silence = wait(ms, undefined, { signal: this.#closing.signal }).catch(() => {})
    await this.#silence
    this.#silence = null
  }

  /** Ends the listener and every connection. */
  async close(): Promise<void> {
    this.#closing.abort()
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    this.counts.connections++
    const broker = connect(this.#target, '127.0.0.1')
    const end = () => {
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket
        .setNoDelay(true)
        .on('error', () => {})
        .on('close', () => {
          this.#sockets.delete(socket)
          end()
        })
    }
    // A broker answers in the order of the requests.
    const owed: (RequestFault | null)[] = []
    const toBroker = this.#lane(broker)
    const toClient = this.#lane(client)
    const requests = new FrameSplitter(maxFrameBytes, frame => {
      if (client.destroyed) return
      const produces = frame[0] === 0 && frame[1] === produceKey
      const fault = produces ? (this.#script.shift() ?? null) : null
      if (fault !== null) this.counts[fault]++
      else if (produces) this.counts.produced++
      if (fault === 'cutBeforeRequest') return end()
      owed.push(fault)
      toBroker(framed(frame))
      if (fault === 'reset') client.resetAndDestroy()
    })
    const answers = new FrameSplitter(maxFrameBytes, frame => {
      if (client.destroyed) return
      if (owed.shift() === 'cutBeforeAnswer') end()
      else toClient(framed(frame))
    })
    client.on('data', bytes => requests.push(bytes))
    broker.on('data', bytes => answers.push(bytes))
  }

  /** One direction of one connection: what it is given arrives in order, as late and as cut up as is the fashion. */
  #lane(socket: Socket): (bytes: Buffer) => void {
    const queue: { bytes: Buffer; at: number }[] = []
    let busy = false
    const deliver = async () => {
      busy = true
      for (let item = queue.shift(); item !== undefined && !socket.destroyed; item = queue.shift()) {
        const late = item.at + this.#delayMs - performance.now()
        if (this.#delayMs > 0 && late > 0) await wait(late, undefined, { signal: this.#closing.signal })
        for (let rest = item.bytes; rest.length > 0; rest = rest.subarray(this.#sliverBytes)) {
          if (this.#silence !== null) {
            this.counts.held++
            await this.#silence
          }
          socket.write(rest.subarray(0, this.#sliverBytes))
          if (rest.length <= this.#sliverBytes) break
          this.counts.slivers++
          await turn()
        }
      }
      busy = false
    }
    return bytes => {
      queue.push({ bytes, at: performance.now() })
      if (!busy) deliver().catch(() => socket.destroy())
    }
  }
}

function framed(frame: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + frame.length)
  bytes.writeInt32BE(frame.length)
  bytes.set(frame, 4)
  return bytes
}
