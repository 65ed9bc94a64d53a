// A bounds-checked cursor over the bytes of one frame: whatever is malformed throws a ProtocolError.

import { Buffer } from 'node:buffer'
import { ProtocolError } from '../errors.ts'

export class Reader {
  /** A collection that finds no instance of a class takes the optimised code that knows it along, so one stays. */
  static readonly kept = new Reader(new Uint8Array(0))
  readonly #bytes: Buffer
  // What a Buffer puts together from bytes, this reads at once; an int64 takes half the time.
  readonly #numbers: DataView
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#end = Math.min(end, bytes.length)
    this.#at = start
  }

  get position(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#end - this.#at
  }

  uint8(): number {
    return this.#numbers.getUint8(this.#take(1))
  }

  int8(): number {
    return this.#numbers.getInt8(this.#take(1))
  }

  int16(): number {
    return this.#numbers.getInt16(this.#take(2))
  }

  int32(): number {
    return this.#numbers.getInt32(this.#take(4))
  }

  /** The int16 that comes next, which stays unread; undefined at the end. */
  peekInt16(): number | undefined {
    return this.remaining < 2 ? undefined : this.#numbers.getInt16(this.#at)
  }

  uint32(): number {
    return this.#numbers.getUint32(this.#take(4))
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  int64(): bigint {
    return this.#numbers.getBigInt64(this.#take(8))
  }

  /** An int64 that has to be a safe integer, such as a timestamp. */
  int64AsNumber(): number {
    return this.#safe(this.int32() * 0x1_0000_0000 + this.uint32())
  }

  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.uint8()
      if (shift === 28 && byte > 0x0f) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new ProtocolError(`a varint of more than 32 bits ends at byte ${this.#at}`)
  }

  varint(): number {
    const zigzag = this.uvarint()
    return (zigzag >>> 1) ^ -(zigzag & 1)
  }

  varlong(): bigint {
    let zigzag = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.uint8()
      if (shift === 63n && byte > 1) break
      zigzag |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return (zigzag >> 1n) ^ -(zigzag & 1n)
    }
    throw new ProtocolError(`a varlong of more than 64 bits ends at byte ${this.#at}`)
  }

  /** A varlong that has to be a safe integer, such as a timestamp delta. */
  varlongAsNumber(): number {
    const start = this.#at
    let zigzag = 0
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.uint8()
      zigzag += (byte & 0x7f) * scale
      if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    }
    this.#at = start
    return this.#safe(Number(this.varlong()))
  }

  /** Kafka's text form: base64url without padding. */
  uuid(): string {
    const at = this.#take(16)
    return this.#bytes.toString('base64url', at, at + 16)
  }

  /** The next `count` bytes: a view, valid as long as the frame is. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count)
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, count)
  }

  /** The next `count` bytes as UTF-8. */
  string(count: number): string {
    const at = this.#take(count)
    return this.#bytes.toString('utf8', at, at + count)
  }

  skip(count: number): void {
    this.#take(count)
  }

  /** Throws unless `count` bytes are left: asked before anything is allocated for a count that came over the wire. */
  expect(count: number): void {
    if (count < 0 || count > this.#end - this.#at) {
      throw new ProtocolError(`${count} bytes expected at byte ${this.#at}, ${this.remaining} are left`)
    }
  }

  /** Throws if bytes are left. */
  end(): void {
    if (this.remaining > 0) throw new ProtocolError(`${this.remaining} bytes too many at byte ${this.#at}`)
  }

  #take(count: number): number {
    this.expect(count)
    const at = this.#at
    this.#at += count
    return at
  }

  #safe(value: number): number {
    if (!Number.isSafeInteger(value)) throw new ProtocolError(`an integer beyond 2^53 ends at byte ${this.#at}`)
    return value
  }
}
