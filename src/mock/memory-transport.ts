// Connections without sockets: bytes go from one side to the other at the end of a turn of the cluster's clock.

import type { Clock } from '../clock.ts'
import { ConnectionError } from '../errors.ts'
import { quoted } from '../quoted.ts'
import type { Transport, TransportListener, TransportOptions, TransportSocket } from '../transport.ts'
import type { Broker } from './broker.ts'
import type { ServerConnection, Wire } from './server-connection.ts'

// As much as waits for the broker before the writer is told to stop, about what a kernel would take.
const highWaterBytes = 256 * 1024

export class MemoryTransport implements Transport {
  readonly #clock: Clock
  readonly #lookup: (host: string, port: number) => Broker | undefined
  readonly #isSecure: boolean

  /** `isSecure`: the brokers want TLS. In memory that only means that clients have to ask for it. */
  constructor(clock: Clock, lookup: (host: string, port: number) => Broker | undefined, isSecure: boolean) {
    this.#clock = clock
    this.#lookup = lookup
    this.#isSecure = isSecure
  }

  connect({ host, port, tls, signal }: TransportOptions, on: TransportListener): Promise<TransportSocket> {
    const label = `${quoted(host)}:${port}`
    return new Promise((resolve, reject) => {
      const fail = (code: -195 | -193 | -181, what: string) =>
        reject(new ConnectionError(code, `${label}: ${what}`, { broker: label }))
      this.#clock.defer(() => {
        const broker = this.#lookup(host, port)
        if (signal?.aborted) fail(-195, 'the attempt to connect was ended')
        else if (broker === undefined || broker.down) fail(-195, 'no connection (refused)')
        else if (tls !== undefined && !this.#isSecure)
          fail(-181, 'the TLS handshake failed (the mock broker speaks plaintext)')
        else resolve(new MemorySocket(this.#clock, label, broker, on, tls === undefined && this.#isSecure))
      })
    })
  }
}

interface Write {
  readonly chunks: Uint8Array[]
  readonly bytes: number
  done(error?: Error): void
}

class MemorySocket implements TransportSocket {
  readonly #clock: Clock
  readonly #label: string
  readonly #on: TransportListener
  readonly #server: ServerConnection
  #toServer: Write[] = []
  #toServerBytes = 0
  #toClient: Uint8Array[] = []
  #scheduled = false
  #paused = false
  #full = false
  /** The server wants to close as soon as its answers are out. */
  #closing = false
  #closed = false

  /** `isDeaf`: whatever the client says, the broker closes. */
  constructor(clock: Clock, label: string, broker: Broker, on: TransportListener, isDeaf: boolean) {
    this.#clock = clock
    this.#label = label
    this.#on = on
    this.#server = broker.accept(this.#wire())
    this.#closing = isDeaf
  }

  /** The chunks are read when the broker gets them, not before: who reuses them too early is found out. */
  write(chunks: Uint8Array[], done: (error?: Error) => void): boolean {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    this.#toServer.push({ chunks, bytes, done })
    this.#toServerBytes += bytes
    this.#full = this.#toServerBytes >= highWaterBytes
    this.#schedule()
    return !this.#full
  }

  destroy(): void {
    this.#close(undefined)
  }

  #wire(): Wire {
    return {
      write: chunks => {
        this.#toClient.push(...chunks)
        this.#schedule()
      },
      close: () => {
        this.#closing = true
        this.#schedule()
      },
      destroy: () => this.#closedByServer(),
      pause: () => {
        this.#paused = true
      },
      resume: () => {
        this.#paused = false
        this.#schedule()
      },
    }
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#clock.defer(() => {
      this.#scheduled = false
      this.#deliverToServer()
      this.#deliverToClient()
    })
  }

  #deliverToServer(): void {
    while (!this.#paused && !this.#closed && !this.#closing) {
      const write = this.#toServer.shift()
      if (write === undefined) break
      for (const chunk of write.chunks) this.#server.data(chunk)
      this.#toServerBytes -= write.bytes
      write.done()
    }
    if (this.#closed) this.#giveUpWrites()
    else if (this.#full && this.#toServerBytes < highWaterBytes) {
      this.#full = false
      this.#on.drained()
    }
  }

  #deliverToClient(): void {
    const chunks = this.#toClient
    this.#toClient = []
    for (const chunk of chunks) if (!this.#closed) this.#on.data(chunk)
    if (this.#closing) this.#closedByServer()
  }

  #closedByServer(): void {
    this.#close(
      new ConnectionError(-195, `${this.#label}: the other side closed the connection`, { broker: this.#label }),
    )
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#toClient = []
    // As with a socket, nobody is told from within their own call.
    this.#clock.defer(() => {
      this.#server.gone()
      this.#giveUpWrites()
      this.#on.closed(error)
    })
  }

  #giveUpWrites(): void {
    const writes = this.#toServer
    this.#toServer = []
    for (const write of writes) write.done(new ConnectionError(-195, `${this.#label}: the connection is closed`))
  }
}
