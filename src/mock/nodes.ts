// The brokers that run, and where each of them can be reached.

import { Broker, type World } from './broker.ts'
import { type Listener, listen } from './listener.ts'

interface Node {
  readonly broker: Broker
  readonly host: string
  readonly port: number
  /** Null in memory. */
  listener: Listener | null
}

export interface NodesOptions {
  /** `memory` opens no sockets. */
  readonly transport: 'memory' | 'tcp'
  readonly host: string
  /** One for each broker in turn; any free one where none is given. */
  readonly ports: readonly number[]
  /** Options of `tls.createServer`; null is plaintext. */
  readonly tls: object | null
}

const memoryPort = 9092

export class Nodes {
  readonly #options: NodesOptions
  readonly #world: World
  readonly #nodes = new Map<number, Node>()
  #lastId = 0

  constructor(options: NodesOptions, world: World) {
    this.#options = options
    this.#world = world
  }

  get brokers(): readonly Broker[] {
    return [...this.#nodes.values()].map(({ broker }) => broker)
  }

  broker(id: number): Broker {
    return this.#node(id).broker
  }

  /** The broker that is told of under this address. */
  at(host: string, port: number): Broker | undefined {
    return [...this.#nodes.values()].find(node => node.host === host && node.port === port)?.broker
  }

  /** Resolves to the new broker's address when it takes connections. */
  async add(): Promise<{ id: number; host: string; port: number }> {
    const id = ++this.#lastId
    const { transport, host, ports, tls } = this.#options
    const broker = new Broker(id, this.#world)
    const given = ports[id - 1] ?? 0
    const listener = transport === 'memory' ? null : await listen(host, given, tls, wire => broker.accept(wire))
    const address = { host: listener === null ? `mock-${id}` : host, port: listener?.port ?? memoryPort }
    this.#nodes.set(id, { broker, ...address, listener })
    return { id, ...address }
  }

  /** Takes no connections from now on; resolves when those that were there are gone. */
  down(id: number): Promise<void> {
    const { broker, listener } = this.#node(id)
    broker.down = true
    const closed = listener?.close() ?? Promise.resolve()
    broker.disconnect()
    return closed
  }

  /** Resolves when the broker takes connections again, where it did before. */
  async up(id: number): Promise<void> {
    const node = this.#node(id)
    const { broker, host, port } = node
    if (!broker.down) return
    if (node.listener !== null) node.listener = await listen(host, port, this.#options.tls, wire => broker.accept(wire))
    broker.down = false
  }

  async remove(id: number): Promise<void> {
    const gone = this.down(id)
    this.#nodes.delete(id)
    await gone
  }

  async removeAll(): Promise<void> {
    await Promise.all([...this.#nodes.keys()].map(id => this.remove(id)))
  }

  #node(id: number): Node {
    const node = this.#nodes.get(id)
    if (node === undefined) throw new RangeError(`there is no broker ${id}`)
    return node
  }
}
