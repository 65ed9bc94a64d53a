// A network without sockets: each connection ends at a peer that the test scripts, speaking the real schemas in reverse.

import { Buffer } from 'node:buffer'
import { ConnectionError } from '../../src/errors.ts'
import { type ApiName, apiByKey, apiByName, apis } from '../../src/protocol/apis.ts'
import { FrameSplitter } from '../../src/protocol/frame.ts'
import { decodeRequestHeader, encodeResponse } from '../../src/protocol/header.ts'
import { Reader } from '../../src/protocol/reader.ts'
import type { Api } from '../../src/protocol/schema.ts'
import type { Transport, TransportListener, TransportOptions, TransportSocket } from '../../src/transport.ts'

export interface FakeRequest {
  readonly api: string
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly body: Readonly<Record<string, unknown>>
}

type Answer = Readonly<Record<string, unknown>>
/** What to answer; null is nothing, undefined leaves ApiVersions to the default and is nothing otherwise. */
export type Script = (request: FakeRequest, peer: FakePeer) => Answer | null | undefined

/** The answer to ApiVersions of a broker that speaks all we do, but for `changes`. */
export function allVersions(changes: Partial<Record<ApiName, [number, number] | null>> = {}): Answer {
  const ranges = apis.flatMap(({ name, key, versions }) => {
    const range = changes[name as ApiName]
    if (range === null) return []
    const [minVersion, maxVersion] = range ?? versions
    return [{ apiKey: key, minVersion, maxVersion }]
  })
  return { errorCode: 0, apiKeys: ranges }
}

export class FakePeer implements TransportSocket {
  readonly target: TransportOptions
  readonly requests: FakeRequest[] = []
  /** Whether our side has closed the connection. */
  closed = false
  held = true
  readonly #on: TransportListener
  readonly #script: Script
  readonly #splitter = new FrameSplitter(1e9, frame => this.#receive(frame))
  #stalled: (() => void)[] | null = null

  constructor(target: TransportOptions, on: TransportListener, script: Script) {
    this.target = target
    this.#on = on
    this.#script = script
  }

  write(chunks: Uint8Array[], done: (error?: Error) => void): boolean {
    const bytes = Buffer.concat(chunks)
    if (this.#stalled !== null) {
      this.#stalled.push(done)
      return false
    }
    queueMicrotask(() => {
      done()
      if (!this.closed) this.#splitter.push(bytes)
    })
    return true
  }

  destroy(): void {
    this.#end(undefined)
  }

  hold(on: boolean): void {
    this.held = on
  }

  /** From now on the socket takes bytes but says that it is full. */
  stall(): void {
    this.#stalled = []
  }

  /** The stalled bytes are gone, to nowhere. */
  drain(): void {
    for (const done of this.#stalled?.splice(0) ?? []) done()
    this.#stalled = null
    this.#on.drained()
  }

  answer(request: FakeRequest, body: Answer, version = request.version): void {
    const api = apiByName(request.api as ApiName) as Api
    this.send(
      Buffer.concat(encodeResponse(api as Api<never, unknown, unknown, Answer>, version, request.correlationId, body)),
    )
  }

  send(bytes: Uint8Array): void {
    if (!this.closed) this.#on.data(bytes)
  }

  /** The broker ends the connection. */
  close(): void {
    this.#end(new ConnectionError(-195, 'the other side closed the connection'))
  }

  #end(error: Error | undefined): void {
    if (this.closed) return
    this.closed = true
    queueMicrotask(() => {
      for (const done of this.#stalled?.splice(0) ?? []) done()
      this.#on.closed(error)
    })
  }

  #receive(frame: Uint8Array): void {
    const reader = new Reader(frame)
    const { apiKey, apiVersion, correlationId, clientId } = decodeRequestHeader(reader, apiByKey)
    const api = apiByKey(apiKey)
    if (api === undefined) throw new Error(`the fake peer does not know API ${apiKey}`)
    const body = api.request.decode(reader, apiVersion) as Answer
    const request = { api: api.name, version: apiVersion, correlationId, clientId, body }
    this.requests.push(request)
    const answer = this.#script(request, this)
    if (answer === null || answer === undefined) return
    // A version that a broker does not know is refused in version 0.
    this.answer(request, answer, answer.errorCode === 35 ? 0 : apiVersion)
  }
}

export class FakeTransport implements Transport {
  /** Every connection made, oldest first. */
  readonly peers: FakePeer[] = []
  /** `host:port` of every attempt, oldest first. */
  readonly dialled: string[] = []
  /** What an address answers instead of a connection; `hang` answers nothing. */
  readonly refusals = new Map<string, Error | 'hang'>()
  readonly #script: Script

  constructor(script: Script) {
    this.#script = (request, peer) => {
      const answer = script(request, peer)
      return answer === undefined && request.api === 'ApiVersions' ? allVersions() : answer
    }
  }

  /** The last connection made. */
  get peer(): FakePeer {
    const peer = this.peers.at(-1)
    if (peer === undefined) throw new Error('nobody has connected')
    return peer
  }

  get open(): FakePeer[] {
    return this.peers.filter(peer => !peer.closed)
  }

  async connect(target: TransportOptions, on: TransportListener): Promise<TransportSocket> {
    const label = `${target.host}:${target.port}`
    this.dialled.push(label)
    const refusal = this.refusals.get(label)
    if (refusal === 'hang') {
      await new Promise((_, reject) => {
        target.signal?.addEventListener('abort', () => reject(new ConnectionError(-195, `${label}: ended`)))
      })
    }
    if (refusal instanceof Error) throw refusal
    const peer = new FakePeer(target, on, this.#script)
    this.peers.push(peer)
    return peer
  }
}
