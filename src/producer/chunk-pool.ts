// The memory that batches are written into: chunks in sizes of powers of two, reused.

import { Buffer } from 'node:buffer'

const smallestBytes = 4096
const largestBytes = 262144
// A record from this size on has memory of exactly its size: rounded up, it could take twice of what is counted for it.
const singleBytes = 16384

/**
 * Hands out chunks and takes them back. A chunk may come back only when nothing refers to it any more, that is after
 * the socket's write callback and the answer of the request it went out in: a chunk reused earlier would put one
 * topic's records into another's request. Source: KAFKA-19012.
 */
export class ChunkPool {
  readonly #free = new Map<number, Buffer[]>()
  readonly #minIdleBytes: number
  #idleBytes = 0
  #usedBytes = 0

  /** It keeps as much idle as is in use, or `minIdleBytes`: what it lets go is there until the next garbage collection. */
  constructor(minIdleBytes = 8 * 1024 * 1024) {
    this.#minIdleBytes = minIdleBytes
  }

  /** A chunk of at least `bytes`, sized for a batch that already holds `batchBytes`: as much again, within bounds. */
  take(bytes: number, batchBytes: number): Buffer {
    if (bytes >= singleBytes) {
      this.#usedBytes += bytes
      return Buffer.allocUnsafeSlow(bytes)
    }
    let size = smallestBytes
    while (size < bytes || (size < largestBytes && size <= batchBytes)) size *= 2
    this.#usedBytes += size
    const chunk = this.#free.get(size)?.pop()
    if (chunk === undefined) return Buffer.allocUnsafeSlow(size)
    this.#idleBytes -= size
    return chunk
  }

  give(chunk: Buffer): void {
    const size = chunk.length
    this.#usedBytes -= size
    if (!isPooled(size) || this.#idleBytes + size > Math.max(this.#minIdleBytes, this.#usedBytes)) return
    this.#idleBytes += size
    const free = this.#free.get(size)
    if (free === undefined) this.#free.set(size, [chunk])
    else free.push(chunk)
  }
}

function isPooled(size: number): boolean {
  return size <= largestBytes && (size & (size - 1)) === 0
}
