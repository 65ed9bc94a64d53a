// One broker: its connections, and a request's way from a frame through the controls to an answer.

import type { Clock } from '../clock.ts'
import { ProtocolError } from '../errors.ts'
import { apiVersions } from '../protocol/apis/api-versions.ts'
import { apiByKey } from '../protocol/apis.ts'
import { decodeRequestHeader, encodeResponse, type RequestHeader } from '../protocol/header.ts'
import { Reader } from '../protocol/reader.ts'
import type { ControlContext, Controls } from './controls.ts'
import type { TransactionCoordinator } from './coordinator.ts'
import { codeOf, type Endpoint, type Served } from './endpoint.ts'
import type { MockApiName, MockRequest } from './endpoints.ts'
import type { SaslAuthority } from './sasl-authority.ts'
import { SaslSession } from './sasl-session.ts'
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
  /** Null where no SASL is wanted. */
  readonly sasl: SaslAuthority | null
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
  readonly session: SaslSession | null
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
    const { clock, maxRequestBytes, sasl } = this.#world
    const session = sasl === null ? null : new SaslSession(sasl, clock)
    const number = ++this.#connectionCount
    const connection: ServerConnection = new ServerConnection(wire, {
      clock,
      maxRequestBytes,
      roundTripMs: () => this.roundTripMs,
      serve: frame => this.#serve(frame, number, session),
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

  async #serve(frame: Uint8Array, connection: number, session: SaslSession | null): Promise<Outcome> {
    try {
      if (session?.bare) return await converse(session, frame)
      const reader = new Reader(frame)
      const header = decodeRequestHeader(reader, apiByKey)
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
      const outcome = await this.#answer({ ...header, name, endpoint, body, session })
      this.#world.served()
      return outcome
    } catch (error) {
      if (!(error instanceof ProtocolError)) this.#world.failed(error)
      return 'close'
    }
  }

  async #answer(request: Request): Promise<Outcome> {
    const { name, endpoint, body, session, apiVersion: version, correlationId, clientId } = request
    const { topology, transactions, versions, clock, controls } = this.#world
    const { transactionVersion } = versions
    const advertised = () => this.#advertised()
    const place = { broker: this.id, version, session }
    const served: Served = { ...place, topology, transactions, transactionVersion, clock, advertised }
    const context: ControlContext = {
      api: name,
      version,
      broker: this.id,
      clientId,
      process: async () => endpoint.handle(body, served),
    }
    const isUnwelcome = session !== null && !session.admits(name)
    if (isUnwelcome && !session.interrupt()) return 'close'
    const verdict = isUnwelcome
      ? { error: 'ILLEGAL_SASL_STATE' }
      : ((await controls.judge(body, context)) ?? { respond: await endpoint.handle(body, served) })
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
      isLast: session?.over ?? false,
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
    return { answer, holdMs: 0, pauseMs: 0, isLast: false }
  }
}

/** One message of a SASL exchange whose frames hold nothing else. Source: KIP-43. */
async function converse(session: SaslSession, message: Uint8Array): Promise<Outcome> {
  const reply = await session.authenticate(message)
  if (reply === null || 'refused' in reply) return 'close'
  const size = new Uint8Array(4)
  new DataView(size.buffer).setInt32(0, reply.bytes.length)
  return { answer: [size, reply.bytes], holdMs: 0, pauseMs: 0, isLast: false }
}

function namesOf(endpoints: World['endpoints']): MockApiName[] {
  return Object.keys(endpoints) as MockApiName[]
}
