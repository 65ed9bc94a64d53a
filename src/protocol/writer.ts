// Appends the protocol's primitive types to a growing buffer; large foreign chunks are kept by reference between its parts.

import { Buffer } from 'node:buffer'

export class Writer {
  /** As with `Reader.kept`: without an instance its optimised code would not outlive a collection. */
  static readonly kept = new Writer(1)
  #bytes: Buffer
  /** Where the part begins that is not cut off yet by a reference. */
  #start = 0
  #at = 0
  readonly #cut: Uint8Array[] = []
  #cutBytes = 0

  constructor(initialBytes = 512) {
    this.#bytes = Buffer.allocUnsafe(initialBytes)
  }

  /** Bytes written so far, referenced chunks included. */
  get position(): number {
    return this.#cutBytes + this.#at - this.#start
  }

  int8(value: number): void {
    const at = this.#take(1)
    this.#bytes.writeInt8(value, at)
  }

  int16(value: number): void {
    const at = this.#take(2)
    this.#bytes.writeInt16BE(value, at)
  }

  int32(value: number): void {
    const at = this.#take(4)
    this.#bytes.writeInt32BE(value, at)
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int64(value: bigint): void {
    const at = this.#take(8)
    this.#bytes.writeBigInt64BE(value, at)
  }

  /** LEB128 of an unsigned 32-bit integer. */
  uvarint(value: number): void {
    let at = this.#take(uvarintBytes(value))
    let rest = value >>> 0
    while (rest > 0x7f) {
      this.#bytes[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[at] = rest
  }

  /** Sixteen bytes from Kafka's text form: base64url without padding, 22 characters. */
  uuid(value: string): void {
    const at = this.#take(16)
    if (value.length !== 22 || this.#bytes.write(value, at, 16, 'base64url') !== 16) {
      throw new RangeError(`'${value}' is not a uuid in Kafka's text form (22 characters of base64url)`)
    }
  }

  /** The text as UTF-8, without a length; `byteLength` is what it comes to. */
  utf8(text: string, byteLength: number): void {
    const at = this.#take(byteLength)
    this.#bytes.write(text, at, byteLength, 'utf8')
  }

  /** A copy of the bytes. */
  raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** The chunk itself, which must not change until the write is over. */
  reference(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#cutOff()
    this.#cut.push(chunk)
    this.#cutBytes += chunk.length
  }

  /** Overwrites four bytes at a position before the first reference, such as the size of the frame. */
  setInt32(position: number, value: number): void {
    const first = this.#cut[0] ?? this.#bytes
    new DataView(first.buffer, first.byteOffset, first.byteLength).setInt32(position, value)
  }

  /** Everything in order, for a gathered write. */
  chunks(): Uint8Array[] {
    this.#cutOff()
    return [...this.#cut]
  }

  /** Everything as one copy. */
  toBytes(): Uint8Array {
    const whole = new Uint8Array(this.position)
    let at = 0
    for (const chunk of this.chunks()) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return whole
  }

  #cutOff(): void {
    if (this.#at === this.#start) return
    this.#cut.push(this.#bytes.subarray(this.#start, this.#at))
    this.#cutBytes += this.#at - this.#start
    this.#start = this.#at
  }

  #take(count: number): number {
    if (this.#at + count > this.#bytes.length) this.#grow(count)
    const at = this.#at
    this.#at += count
    return at
  }

  // Parts cut off already stay in the old memory; only the open one moves.
  #grow(count: number): void {
    const open = this.#bytes.subarray(this.#start, this.#at)
    this.#bytes = Buffer.allocUnsafe(Math.max(256, (open.length + count) * 2))
    this.#bytes.set(open)
    this.#start = 0
    this.#at = open.length
  }
}

function uvarintBytes(value: number): number {
  return Math.max(1, Math.ceil((32 - Math.clz32(value)) / 7))
}
