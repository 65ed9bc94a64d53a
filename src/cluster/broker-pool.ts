// Which connections there are: one for each broker that is wanted, and whichever can be had where any broker will do.

import { AuthenticationError, ConnectionError, type KafkaError, ProtocolError, StateError } from '../errors.ts'
import type { BrokerAddress, Endpoint } from './addresses.ts'
import { Broker, type BrokerOptions } from './broker.ts'
import type { Connection } from './connection.ts'

export interface BrokerPoolOptions extends Omit<BrokerOptions, 'on'> {
  readonly bootstrapServers: readonly Endpoint[]
  /** Idle connections are closed after this time (milliseconds); 0 is never. */
  readonly connectionsMaxIdleMs: number
  readonly on: {
    /** `connection(nodeId)` has something to give. */
    ready(nodeId: number): void
    drained(nodeId: number): void
    connected(broker: BrokerAddress): void
    /** A connection ended or could not be made; without an error when that was wanted. */
    disconnected(broker: BrokerAddress, error?: KafkaError): void
    throttled(broker: BrokerAddress, ms: number): void
  }
}

interface Search {
  readonly promise: Promise<Connection>
  readonly resolve: (connection: Connection) => void
  readonly reject: (error: KafkaError) => void
  /** In the order in which they are dialled; the first `next` have been. */
  readonly candidates: readonly Broker[]
  next: number
  readonly dialling: Set<Broker>
  timer: unknown
}

// As in a race between a host's addresses: whoever is slow stays in it, but is not waited for.
const nextCandidateAfterMs = 1000

// Metadata may name any number of brokers.
const mostReasons = 5

export class BrokerPool {
  readonly #options: BrokerPoolOptions
  readonly #brokerOptions: BrokerOptions
  readonly #bootstrap: Broker[]
  readonly #known = new Map<number, Broker>()
  /** Out of use, with answers to come. */
  readonly #leaving = new Set<Broker>()
  #search: Search | null = null
  /** The last search found nobody. */
  #cutOff = false
  #idleTimer: unknown
  #closed = false

  constructor(options: BrokerPoolOptions) {
    this.#options = options
    this.#brokerOptions = {
      ...options,
      on: {
        ready: broker => this.#ready(broker),
        gone: (broker, wasReady, error) => this.#gone(broker, wasReady, error),
        drained: ({ address }) => options.on.drained(address.nodeId),
        throttled: ({ address }, ms) => options.on.throttled(address, ms),
      },
    }
    this.#bootstrap = options.bootstrapServers.map(server => this.#bootstrapBroker(server))
  }

  /** A connection to this broker, or null: it is being dialled then, if metadata knows it, and `on.ready` follows. */
  connection(nodeId: number): Connection | null {
    const broker = this.#known.get(nodeId)
    if (broker === undefined || this.#closed) return null
    if (broker.ready === null) broker.want()
    return broker.ready
  }

  /** Why the broker's last connection ended or could not be made; undefined while there is a ready one. */
  lastError(nodeId: number): KafkaError | undefined {
    return this.#known.get(nodeId)?.error
  }

  /**
   * A connection to whichever broker has least to do; if there is none, the first to be had from the known brokers and
   * then the bootstrap servers. Rejects when each has failed once: with the last refusal itself (AuthenticationError,
   * ProtocolError, ConnectionError -181) if all bootstrap servers refuse for good, else with a ConnectionError.
   */
  any(): Promise<Connection> {
    if (this.#closed) return Promise.reject(closedError())
    const ready = this.#leastLoaded()
    if (ready !== null) return Promise.resolve(ready)
    if (this.#search !== null) return this.#search.promise
    const search = this.#newSearch()
    this.#search = search
    this.#dialNext(search)
    return search.promise
  }

  /** The brokers there are now. Those gone or moved finish what is in flight; those new are dialled when wanted. */
  setBrokers(brokers: ReadonlyMap<number, BrokerAddress>): void {
    if (this.#closed) return
    for (const [nodeId, broker] of this.#known) {
      if (samePlace(broker.address, brokers.get(nodeId))) continue
      this.#known.delete(nodeId)
      this.#leaving.add(broker)
      broker.finish()
      if (!broker.connected) this.#leaving.delete(broker)
    }
    for (const [nodeId, address] of brokers) {
      const broker = this.#known.get(nodeId) ?? this.#adopted(address) ?? new Broker(address, this.#brokerOptions)
      broker.identify(address)
      this.#known.set(nodeId, broker)
      // When all were gone at once, how often each was dialled in vain says nothing about it any more.
      if (this.#cutOff) broker.redial()
    }
    if (brokers.size > 0) this.#cutOff = false
    this.#leaveBootstrap()
  }

  /** Forgets all brokers: the next search begins with the bootstrap servers, their names resolved anew (KIP-1102). */
  rebootstrap(): void {
    this.setBrokers(new Map())
    for (const broker of this.#bootstrap) broker.close()
  }

  /** Ends all connections and timers at once; what is in flight fails. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#options.connection.clock.clearTimer(this.#idleTimer)
    this.#endSearch()?.reject(closedError())
    for (const broker of this.#all()) broker.close()
  }

  #all(): Broker[] {
    return [...this.#known.values(), ...this.#bootstrap, ...this.#leaving]
  }

  #bootstrapBroker({ host, port }: Endpoint): Broker {
    return new Broker({ nodeId: -1, host, port, rack: null }, this.#brokerOptions)
  }

  #leastLoaded(): Connection | null {
    let best: Connection | null = null
    for (const { ready } of [...this.#known.values(), ...this.#bootstrap]) {
      if (ready !== null && (best === null || load(ready) < load(best))) best = ready
    }
    return best
  }

  // A bootstrap connection to the very address that metadata gives a broker becomes that broker's.
  #adopted(address: BrokerAddress): Broker | null {
    const index = this.#bootstrap.findIndex(broker => broker.connected && samePlace(broker.address, address))
    const broker = this.#bootstrap[index]
    if (broker === undefined) return null
    this.#bootstrap[index] = this.#bootstrapBroker(address)
    return broker
  }

  // Bootstrap servers are a first contact only: with a known broker at hand their connections are not needed.
  #leaveBootstrap(): void {
    if (![...this.#known.values()].some(broker => broker.ready !== null)) return
    for (const broker of this.#bootstrap) {
      if (broker.ready === null || broker.ready.inFlight === 0) broker.close()
    }
  }

  #ready(broker: Broker): void {
    const { address, ready } = broker
    this.#options.on.connected(address)
    if (ready !== null) this.#endSearch()?.resolve(ready)
    this.#closeIdle()
    if (address.nodeId < 0) return
    this.#leaveBootstrap()
    this.#options.on.ready(address.nodeId)
  }

  #gone(broker: Broker, wasReady: boolean, error: KafkaError | undefined): void {
    this.#leaving.delete(broker)
    if (wasReady || error !== undefined) this.#options.on.disconnected(broker.address, error)
    if (this.#search?.dialling.delete(broker)) this.#dialNext(this.#search)
  }

  #newSearch(): Search {
    const { connection, random } = this.#options
    const now = connection.clock.now()
    const known = [...this.#known.values()]
    const first = Math.floor(random() * known.length)
    const fresh = this.#bootstrap.filter(({ address }) => !known.some(broker => samePlace(broker.address, address)))
    const all = [...known.slice(first), ...known.slice(0, first), ...fresh]
    // Who failed a moment ago would only be waited for, unless there is nobody else.
    const rested = all.filter(({ dialAt }) => dialAt <= now)
    const earliest = all.toSorted((a, b) => a.searchAt - b.searchAt).slice(0, 1)
    let resolve = (_: Connection) => {}
    let reject = (_: KafkaError) => {}
    const promise = new Promise<Connection>((...settlers) => {
      ;[resolve, reject] = settlers
    })
    const candidates = rested.length > 0 ? rested : earliest
    return { promise, resolve, reject, candidates, next: 0, dialling: new Set(), timer: undefined }
  }

  #dialNext(search: Search): void {
    const { clock } = this.#options.connection
    clock.clearTimer(search.timer)
    const broker = search.candidates[search.next++]
    if (broker !== undefined) {
      search.dialling.add(broker)
      search.timer = clock.setTimer(() => this.#dialNext(search), nextCandidateAfterMs)
      broker.seek()
    } else if (search.dialling.size === 0) {
      this.#cutOff = true
      this.#endSearch()?.reject(this.#unreachable(search))
    }
  }

  #endSearch(): Search | null {
    const search = this.#search
    this.#search = null
    if (search !== null) this.#options.connection.clock.clearTimer(search.timer)
    return search
  }

  #unreachable({ candidates }: Search): KafkaError {
    const refusals = this.#bootstrap.map(({ error }) => error).filter(isRefusal)
    const refusal = refusals.at(-1)
    if (refusal !== undefined && refusals.length === this.#bootstrap.length) return refusal
    const faults = candidates.flatMap(({ error }) => error ?? [])
    const reasons = faults.slice(0, mostReasons).map(({ message }) => message)
    return new ConnectionError(-195, `no broker could be reached: ${reasons.join('; ')}`, { cause: faults.at(-1) })
  }

  #closeIdle(): void {
    const { connectionsMaxIdleMs, connection } = this.#options
    if (connectionsMaxIdleMs <= 0) return
    const { clock } = connection
    let nextMs = Infinity
    for (const { ready } of this.#all()) {
      if (ready === null) continue
      const leftMs = ready.inFlight > 0 ? connectionsMaxIdleMs : ready.usedAt + connectionsMaxIdleMs - clock.now()
      if (leftMs <= 0) ready.close()
      else nextMs = Math.min(nextMs, leftMs)
    }
    clock.clearTimer(this.#idleTimer)
    if (nextMs < Infinity) this.#idleTimer = clock.setTimer(() => this.#closeIdle(), nextMs)
  }
}

function load(connection: Connection): number {
  return connection.inFlight + (connection.congested ? 1_000_000 : 0)
}

function samePlace(a: Endpoint, b: Endpoint | undefined): boolean {
  return a.host === b?.host && a.port === b.port
}

/** Refused for a reason that does not go away by asking again. */
function isRefusal(error: KafkaError | undefined): error is KafkaError {
  if (error instanceof AuthenticationError) return !error.retriable
  if (error instanceof ProtocolError) return true
  return error instanceof ConnectionError && error.code === -181
}

function closedError(): StateError {
  return new StateError('closed', 'the connections to the cluster are closed')
}
