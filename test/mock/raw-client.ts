// A client that sends what it is told, right or wrong: requests one by one over any transport, answers decoded.

import { FrameSplitter } from '../../src/protocol/frame.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/header.ts'
import type { Api } from '../../src/protocol/schema.ts'
import type { Transport, TransportSocket } from '../../src/transport.ts'

export class RawClient {
  #socket: TransportSocket | null = null
  readonly #waiting: ((frame: Uint8Array | null) => void)[] = []
  #correlationId = 0
  isClosed = false
  /** Resolves when the broker has closed the connection. */
  readonly closed: Promise<void>
  #closed = () => {}

  private constructor() {
    this.closed = new Promise(resolve => {
      this.#closed = resolve
    })
  }

  static async connect(transport: Transport, address: string): Promise<RawClient> {
    const client = new RawClient()
    const splitter = new FrameSplitter(1 << 26, frame => client.#waiting.shift()?.(frame))
    const [host = '', port] = address.split(':')
    client.#socket = await transport.connect(
      { host, port: Number(port) },
      {
        data: bytes => splitter.push(bytes),
        drained: () => {},
        closed: () => {
          client.isClosed = true
          for (const settle of client.#waiting.splice(0)) settle(null)
          client.#closed()
        },
      },
    )
    return client
  }

  /** The answer, or null if the connection is closed instead. Throws if it is the answer to another request. */
  async call<Request, Response>(api: Api<Request, Response>, version: number, body: Request): Promise<Response | null> {
    const correlationId = ++this.#correlationId
    const frame = await this.exchange(encodeRequest(api, version, correlationId, 'raw', body))
    if (frame === null) return null
    const answer = decodeResponse(api, version, frame)
    if (answer.correlationId !== correlationId) throw new Error(`answer ${answer.correlationId} to ${correlationId}`)
    return answer.body
  }

  /** Sends a request and does not look for an answer. */
  send<Request>(api: Api<Request>, version: number, body: Request): void {
    this.write(encodeRequest(api, version, ++this.#correlationId, 'raw', body))
  }

  /** Sends bytes as they are; the next frame that comes back, or null if the connection is closed. */
  exchange(chunks: Uint8Array[]): Promise<Uint8Array | null> {
    const answer = new Promise<Uint8Array | null>(resolve => this.#waiting.push(resolve))
    this.write(chunks)
    return answer
  }

  write(chunks: Uint8Array[]): boolean {
    return this.#socket?.write(chunks, () => {}) ?? false
  }

  destroy(): void {
    this.#socket?.destroy()
  }
}
