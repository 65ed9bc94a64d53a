// Passes everything on to a broker and counts the Produce requests on the way.

import { type AddressInfo, connect, createServer } from 'node:net'

const produceKey = 0

/** Looks at the beginning of every frame, its size and its API key; the rest goes by unread. */
export class ProduceSpotter {
  readonly #onProduce: () => void
  #beginning: number[] = []
  #left = 0

  constructor(onProduce: () => void) {
    this.#onProduce = onProduce
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const passed = Math.min(this.#left, bytes.length - at)
      this.#left -= passed
      at += passed
      if (at === bytes.length) return
      this.#beginning.push(bytes[at++] ?? 0)
      if (this.#beginning.length < 6) continue
      const view = new DataView(Uint8Array.from(this.#beginning).buffer)
      if (view.getInt16(4) === produceKey) this.#onProduce()
      this.#left = view.getInt32(0) - 2
      this.#beginning = []
    }
  }
}

export class CountingProxies {
  /** Where clients find the brokers through them. */
  readonly servers: string[] = []
  count = 0

  /** Stands before the broker at `port`; resolves with where it listens itself. Does not keep the process alive. */
  async before(port: number): Promise<number> {
    const server = createServer({ noDelay: true }, client => {
      const broker = connect({ port, host: '127.0.0.1', noDelay: true })
      const spotter = new ProduceSpotter(() => this.count++)
      client.on('data', bytes => spotter.push(bytes)).pipe(broker)
      broker.pipe(client)
      client.on('error', () => broker.destroy()).on('close', () => broker.destroy())
      broker.on('error', () => client.destroy()).on('close', () => client.destroy())
    })
    server.unref()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const own = (server.address() as AddressInfo).port
    this.servers.push(`127.0.0.1:${own}`)
    return own
  }
}
