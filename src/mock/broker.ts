// One broker: its connections, and a request's way from a frame through the controls to an answer.

import type { Clock } from '../clock.ts'
import { ProtocolError } from '../errors.ts'
import { apiVersions } from '../protocol/apis/api-versions.ts'
import { decodeRequestHeader, encodeResponse, type RequestHeader } from '../protocol/header.ts'
import { Reader } from '../protocol/reader.ts'
import type { ControlContext, Controls } from './controls.ts'
import type { TransactionCoordinator } from './coordinator.ts'
import { codeOf, type Endpoint, type Served } from './endpoint.ts'
import type { MockApiName, MockRequest } from './endpoints.ts'
import { type Outcome, ServerConnection, type Wire } from './server-connection.ts'
import type { Topology } from './topology.ts'
import type { OfferedVersions } from './versions.ts'

/** A request that reached a broker. */
export interface RequestRecord<Name extends MockApiName = MockApiName> {
  readonly api: Name
  readonly version: number
  readonly broker: number
  /** A number for the connection, unique in its broker. */
  readonly connection: number
  readonly correlationId: number
  readonly clientId: string | null
  /** When its turn came: milliseconds, by the cluster's clock. */
  readonly time: number
  /** Decoded, with every field, whatever the version. */
  readonly body: MockRequest<Name>
}

/** What the brokers of a cluster share. */
export interface World {
  readonly clock: Clock
  readonly topology: Topology
  readonly transactions: TransactionCoordinator
  readonly endpoints: Readonly<Record<MockApiName, Endpoint>>
  readonly versions: OfferedVersions
  readonly controls: Controls
  readonly maxRequestBytes: number
  received(request: RequestRecord): void
  /** A request has had its effect. */
  served(): void
  throttleMs(api: MockApiName, broker: number): number
  /** A control that threw, or a bug in here: nothing that a client can bring about. */
  failed(error: unknown): void
}

interface Request extends RequestHeader {
  readonly name: MockApiName
  readonly endpoint: Endpoint
  readonly body: unknown
}

const unsupportedVersion = codeOf('UNSUPPORTED_VERSION')

export class Broker {
  readonly id: number
  /** Added to the way of every answer (milliseconds). */
  roundTripMs = 0
  /** Takes no connections. */
  down = false
  readonly #world: World
  readonly #connections = new Set<ServerConnection>()
  #connectionCount = 0

  constructor(id: number, world: World) {
    this.id = id
    this.#world = world
  }

  get connections(): number {
    return this.#connections.size
  }

  accept(wire: Wire): ServerConnection {
    const { clock, maxRequestBytes } = this.#world
    const number = ++this.#connectionCount
    const connection: ServerConnection = new ServerConnection(wire, {
      clock,
      maxRequestBytes,
      roundTripMs: () => this.roundTripMs,
      serve: frame => this.#serve(frame, number),
      closed: () => {
        this.#connections.delete(connection)
      },
    })
    this.#connections.add(connection)
    if (this.down) connection.destroy()
    return connection
  }

  disconnect(): void {
    for (const connection of [...this.#connections]) connection.destroy()
  }

  async #serve(frame: Uint8Array, connection: number): Promise<Outcome> {
    try {
      const reader = new Reader(frame)
      const header = decodeRequestHeader(reader)
      const known = this.#endpoint(header.apiKey)
      if (known === undefined) return 'close'
      const { name, endpoint } = known
      const { apiVersion: version, correlationId, clientId } = header
      if (!this.#world.versions.serves(name, endpoint.api, version, this.id)) {
        const saysSo = name === 'ApiVersions' && this.#world.versions.refusesPolitely
        return saysSo ? this.#refuseVersion(correlationId) : 'close'
      }
      const body = endpoint.api.request.decode(reader, version)
      reader.end()
      const { clock } = this.#world
      const place = { api: name, version, broker: this.id, connection, correlationId, clientId, time: clock.now() }
      this.#world.received({ ...place, body: body as MockRequest<MockApiName> })
      const outcome = await this.#answer({ ...header, name, endpoint, body })
      this.#world.served()
      return outcome
    } catch (error) {
      if (!(error instanceof ProtocolError)) this.#world.failed(error)
      return 'close'
    }
  }

  async #answer(request: Request): Promise<Outcome> {
    const { name, endpoint, body, apiVersion: version, correlationId, clientId } = request
    const { topology, transactions, versions, clock, controls } = this.#world
    const { transactionVersion } = versions
    const advertised = () => this.#advertised()
    const served: Served = { broker: this.id, version, topology, transactions, transactionVersion, clock, advertised }
    const context: ControlContext = {
      api: name,
      version,
      broker: this.id,
      clientId,
      process: async () => endpoint.handle(body, served),
    }
    const verdict = (await controls.judge(body, context)) ?? { respond: await endpoint.handle(body, served) }
    if ('drop' in verdict) return 'close'
    if ('hang' in verdict) return 'hang'
    const response = 'respond' in verdict ? verdict.respond : endpoint.refuse(body, codeOf(verdict.error), served)

    const delivery = endpoint.delivery?.(body, response) ?? 'send'
    if (delivery === 'close') return 'close'
    const throttleMs = this.#world.throttleMs(name, this.id)
    const afterwards = version >= endpoint.pausesAfterwardsFrom
    const stamped = throttleMs > 0 ? { ...(response as object), throttleTimeMs: throttleMs } : response
    return {
      answer: delivery === 'keep' ? null : encodeResponse(endpoint.api, version, correlationId, stamped),
      holdMs: afterwards ? 0 : throttleMs,
      pauseMs: afterwards ? throttleMs : 0,
    }
  }

  #endpoint(apiKey: number): { name: MockApiName; endpoint: Endpoint } | undefined {
    for (const name of namesOf(this.#world.endpoints)) {
      const endpoint = this.#world.endpoints[name]
      if (endpoint.api.key === apiKey) return { name, endpoint }
    }
    return undefined
  }

  #advertised(): { apiKey: number; minVersion: number; maxVersion: number }[] {
    const served = namesOf(this.#world.endpoints).flatMap(name => {
      const { api } = this.#world.endpoints[name]
      const range = this.#world.versions.advertised(name, api, this.id)
      return range === null ? [] : [{ apiKey: api.key, minVersion: range.min, maxVersion: range.max }]
    })
    return [...served, this.#world.versions.announcedOnly()].sort((a, b) => a.apiKey - b.apiKey)
  }

  // In version 0, which everyone reads, with the range of ApiVersions alone. Source: KIP-511.
  #refuseVersion(correlationId: number): Outcome {
    const apiKeys = this.#advertised().filter(({ apiKey }) => apiKey === apiVersions.key)
    const answer = encodeResponse(apiVersions, 0, correlationId, { errorCode: unsupportedVersion, apiKeys })
    return { answer, holdMs: 0, pauseMs: 0 }
  }
}

function namesOf(endpoints: World['endpoints']): MockApiName[] {
  return Object.keys(endpoints) as MockApiName[]
}
