// A network in which brokers' answers are tampered with on their way: bits, lengths, order, meaning, or all of it.

import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import type { Clock } from '../../src/clock.ts'
import { apiByKey } from '../../src/protocol/apis.ts'
import { FrameSplitter } from '../../src/protocol/frame.ts'
import { decodeRequestHeader, decodeResponse, encodeResponse } from '../../src/protocol/header.ts'
import { Reader } from '../../src/protocol/reader.ts'
import type { Api } from '../../src/protocol/schema.ts'
import type { Transport, TransportListener, TransportOptions, TransportSocket } from '../../src/transport.ts'
import { sampleOf } from './schema-arbitrary.ts'

type AnyApi = Api<never, unknown, unknown, unknown>

export interface HostileOptions {
  readonly clock: Clock
  /** The only source of chance. */
  readonly random: () => number
  /** How likely an answer to this API is tampered with. */
  chance(api: string): number
  readonly maxResponseBytes: number
}

/** An answer on its way. */
interface Answer {
  readonly api: AnyApi
  readonly version: number
  readonly correlationId: number
  /** Without its size. */
  readonly frame: Buffer
}

const lies = ['7fffffff', '80000000', 'ffffffff', 'fffffffe', 'ffffffff07', '00ffffff', '7fff', '8000', '00']
const oddNumbers = [-(2 ** 31), -2, -1, 0, 1, 2, 3, 5, 35, 45, 47, 58, 87, 90, 9092, 2 ** 31 - 1]
const oddTexts = ['', 'mock-1', 'mock-2', 't', 'PLAIN', '__proto__', '\0', '\u202e', 'a\r\nb', 'x'.repeat(5000)]
const chunkBytes = 64 * 1024

export class HostileTransport implements Transport {
  /** How many answers were tampered with, by API and by what was done. */
  readonly tampered = new Map<string, number>()
  readonly ways = new Map<string, number>()
  /** Most bytes that one connection took of a frame that has no end. */
  longestFlood = 0
  readonly #inner: Transport
  readonly #options: HostileOptions

  constructor(inner: Transport, options: HostileOptions) {
    this.#inner = inner
    this.#options = options
  }

  get count(): number {
    return [...this.tampered.values()].reduce((sum, count) => sum + count, 0)
  }

  async connect(target: TransportOptions, on: TransportListener): Promise<TransportSocket> {
    const requests = new Map<number, { api: AnyApi; version: number }>()
    const asked = new FrameSplitter(1e9, frame => {
      const { apiKey, apiVersion, correlationId } = decodeRequestHeader(new Reader(frame), apiByKey)
      const api = apiByKey(apiKey)
      if (api !== undefined) requests.set(correlationId, { api: api as AnyApi, version: apiVersion })
    })
    const wire = new HostileWire(on, this.#options, this)
    const answered = new FrameSplitter(1e9, frame => {
      const correlationId = new Reader(frame).int32()
      const request = requests.get(correlationId)
      if (request !== undefined) wire.answer({ ...request, correlationId, frame: Buffer.from(frame) })
    })
    const socket = await this.#inner.connect(target, {
      data: bytes => answered.push(bytes),
      drained: () => on.drained(),
      closed: error => {
        wire.end()
        on.closed(error)
      },
    })
    return {
      write(chunks, done) {
        for (const chunk of chunks) asked.push(chunk)
        return socket.write(chunks, done)
      },
      destroy() {
        wire.end()
        socket.destroy()
      },
    }
  }
}

/** The way back of one connection. */
class HostileWire {
  readonly #on: TransportListener
  readonly #options: HostileOptions
  readonly #network: HostileTransport
  readonly #timers = new Set<unknown>()
  #open = true
  /** What comes after a frame that has no end is part of it. */
  #flooded = false
  #held: Buffer | null = null

  constructor(on: TransportListener, options: HostileOptions, network: HostileTransport) {
    this.#on = on
    this.#options = options
    this.#network = network
  }

  end(): void {
    this.#open = false
    for (const timer of this.#timers) this.#options.clock.clearTimer(timer)
    this.#timers.clear()
  }

  answer(answer: Answer): void {
    if (this.#flooded) return
    const held = this.#held
    this.#held = null
    if (this.#options.random() < this.#options.chance(answer.api.name)) this.#tamper(answer)
    else this.#deliver(framed(answer.frame))
    if (held !== null) this.#deliver(held)
  }

  #deliver(bytes: Uint8Array): void {
    if (!this.#open) return
    const cut = this.#below(4) === 0 ? this.#below(bytes.length + 1) : bytes.length
    this.#on.data(bytes.subarray(0, cut))
    if (this.#open && cut < bytes.length) this.#on.data(bytes.subarray(cut))
  }

  #tamper(answer: Answer): void {
    const name = this.#pick(Object.keys(this.#ways))
    count(this.#network.tampered, answer.api.name)
    count(this.#network.ways, name)
    this.#ways[name]?.(answer)
  }

  readonly #ways: Readonly<Record<string, (answer: Answer) => void>> = {
    bits: ({ frame }) => {
      for (let times = 1 + this.#below(8); times > 0; times--) {
        const at = this.#below(frame.length)
        frame[at] = (frame[at] ?? 0) ^ (1 << this.#below(8))
      }
      this.#deliver(framed(frame))
    },
    bytes: ({ frame }) => {
      const at = this.#below(frame.length)
      Buffer.from(this.#pick(lies), 'hex').copy(frame, at)
      this.#deliver(framed(frame))
    },
    hugeArrays: ({ frame }) => {
      for (let at = 4; at < frame.length; at += 1 + this.#below(8)) {
        Buffer.from(this.#pick(lies.slice(0, 5)), 'hex').copy(frame, at)
      }
      this.#deliver(framed(frame))
    },
    truncated: ({ frame }) => this.#deliver(framed(frame.subarray(0, this.#below(frame.length)))),
    unfinished: ({ frame }) => {
      this.#flooded = true
      this.#deliver(framed(frame).subarray(0, this.#below(frame.length + 4)))
    },
    trailing: ({ frame }) => this.#deliver(framed(Buffer.concat([frame, this.#noise(1 + this.#below(40))]))),
    size: ({ frame }) => {
      const wrong = framed(frame)
      wrong.writeInt32BE(this.#pick([-(2 ** 31), -1, 0, 1, 3, frame.length - 1, frame.length + 1, 2 ** 31 - 1]), 0)
      this.#deliver(wrong)
    },
    correlationId: ({ frame, correlationId }) => {
      frame.writeInt32BE(this.#pick([correlationId + 1, correlationId - 1, 0, -1, 2 ** 31 - 1]) | 0, 0)
      this.#deliver(framed(frame))
    },
    twice: ({ frame }) => {
      this.#deliver(framed(frame))
      this.#deliver(framed(frame))
    },
    late: ({ frame }) => {
      this.#held = framed(frame)
    },
    never: () => {},
    noise: () => this.#deliver(this.#noise(1 + this.#below(2000))),
    noiseBefore: ({ frame }) => {
      this.#deliver(framed(this.#noise(this.#below(200))))
      this.#deliver(framed(frame))
    },
    flood: ({ correlationId }) => this.#flood(correlationId, this.#options.maxResponseBytes),
    endless: ({ correlationId }) => this.#flood(correlationId, 2 ** 31 - 1),
    someOther: answer => this.#speak(answer, this.#sample(answer)),
    otherMeaning: answer => {
      try {
        const { body } = decodeResponse(answer.api as Api<never, unknown>, answer.version, answer.frame)
        this.#speak(answer, this.#twist(body))
      } catch {
        this.#deliver(framed(answer.frame)) // an answer in another version than was asked in
      }
    },
    error: answer => {
      try {
        const { body } = decodeResponse(answer.api as Api<never, unknown>, answer.version, answer.frame)
        this.#speak(answer, withError(body, this.#below(130) - 1))
      } catch {
        this.#deliver(framed(answer.frame))
      }
    },
  }

  // Bytes without end, as fast as they are taken, behind a size that does end.
  #flood(correlationId: number, size: number): void {
    this.#flooded = true
    const head = Buffer.alloc(8)
    head.writeInt32BE(size, 0)
    head.writeInt32BE(correlationId, 4)
    const bytes = this.#below(2) === 0 ? new Uint8Array(chunkBytes) : manyBytes
    let sent = 0
    const pour = (chunk: Uint8Array): void => {
      if (!this.#open) return
      sent += chunk.length
      this.#network.longestFlood = Math.max(this.#network.longestFlood, sent)
      this.#on.data(chunk)
      const timer = this.#options.clock.setTimer(() => {
        this.#timers.delete(timer)
        pour(bytes)
      }, 1)
      this.#timers.add(timer)
    }
    pour(head)
  }

  #speak({ api, version, correlationId }: Answer, body: unknown): void {
    let bytes: Buffer
    try {
      bytes = Buffer.concat(encodeResponse(api, version, correlationId, body))
    } catch {
      return // a meaning that no bytes have
    }
    this.#deliver(bytes)
  }

  /** A whole answer to the same question, of another mind. */
  #sample({ api, version }: Answer): unknown {
    const key = `${api.name} ${version}`
    const samples =
      samplesOf.get(key) ?? fc.sample(sampleOf(api.response.shape, version), { numRuns: 20, seed: version })
    samplesOf.set(key, samples)
    return this.#pick(samples).given
  }

  /** Changes a few of the values of an answer. */
  #twist(value: unknown): unknown {
    const strength = this.#pick([0.05, 0.2, 0.5])
    const twist = (part: unknown): unknown => {
      const isHit = this.#options.random() < strength
      if (typeof part === 'number') return isHit ? this.#pick(oddNumbers) : part
      if (typeof part === 'bigint')
        return isHit ? BigInt(this.#pick(oddNumbers)) * BigInt(this.#pick([1, 2 ** 31])) : part
      if (typeof part === 'string') return isHit ? this.#pick(oddTexts) : part
      if (typeof part === 'boolean') return isHit ? !part : part
      if (part instanceof Uint8Array) return isHit ? this.#noise(this.#below(100)) : part
      if (Array.isArray(part)) {
        const parts = part.map(twist)
        return isHit ? this.#pick([[], [...parts, ...parts], parts.slice(1), Array(300).fill(parts[0]).flat(0)]) : parts
      }
      if (typeof part !== 'object' || part === null) return part
      return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, twist(inner)]))
    }
    return twist(value)
  }

  #noise(length: number): Buffer {
    return Buffer.from(Uint8Array.from({ length }, () => this.#below(256)))
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T
  }

  #below(limit: number): number {
    return Math.floor(this.#options.random() * limit)
  }
}

const manyBytes = new Uint8Array(chunkBytes).map((_, i) => (i * 7919) >> 3)
const samplesOf = new Map<string, { given: unknown }[]>()

function framed(frame: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(frame.length)
  return Buffer.concat([size, frame])
}

/** The same answer with an error wherever there is room for one. */
function withError(value: unknown, errorCode: number): unknown {
  if (Array.isArray(value)) return value.map(part => withError(part, errorCode))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const entries = Object.entries(value).map(([name, part]) => [
    name,
    name === 'errorCode' ? errorCode : withError(part, errorCode),
  ])
  return Object.fromEntries(entries)
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
