// Cuts a stream of bytes into frames, each behind its size as an int32.

import { ProtocolError } from '../errors.ts'

export class FrameSplitter {
  readonly #maxBytes: number
  readonly #onFrame: (frame: Uint8Array) => void
  /** How many of the four bytes of the size are here. */
  #prefix = 0
  #size = 0
  #frame = new Uint8Array(0)
  #filled = 0

  constructor(maxBytes: number, onFrame: (frame: Uint8Array) => void) {
    this.#maxBytes = maxBytes
    this.#onFrame = onFrame
  }

  /**
   * Takes what came in and hands over every frame that it completes, each in memory of its own.
   * Throws ProtocolError for a frame that says it is negative or larger than allowed; nothing can follow that.
   */
  push(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#prefix < 4) {
        this.#size = (this.#size << 8) | (bytes[at++] ?? 0)
        if (++this.#prefix < 4) continue
        if (this.#size < 0 || this.#size > this.#maxBytes) {
          throw new ProtocolError(`a frame announces ${this.#size} bytes, at most ${this.#maxBytes} are allowed`)
        }
      } else {
        at += this.#append(bytes, at)
      }
      if (this.#filled === this.#size) this.#emit()
    }
  }

  // Grows with what arrives: an announcement alone reserves nothing.
  #append(bytes: Uint8Array, at: number): number {
    const count = Math.min(bytes.length - at, this.#size - this.#filled)
    const needed = this.#filled + count
    if (needed > this.#frame.length) {
      const larger = new Uint8Array(Math.min(this.#size, Math.max(needed, this.#frame.length * 2)))
      larger.set(this.#frame)
      this.#frame = larger
    }
    this.#frame.set(bytes.subarray(at, at + count), this.#filled)
    this.#filled = needed
    return count
  }

  #emit(): void {
    const frame = this.#frame
    this.#prefix = 0
    this.#size = 0
    this.#frame = new Uint8Array(0)
    this.#filled = 0
    this.#onFrame(frame)
  }
}
