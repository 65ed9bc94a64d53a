// The memory that batches are written into: chunks in sizes of powers of two, reused.

import { Buffer } from 'node:buffer'

const smallestBytes = 4096
const largestBytes = 262144
// A record from this size on has memory of exactly its size: rounded up, it could take twice of what is counted for it.
const singleBytes = 16384

/** A chunk that is written up to `end`. */
export interface Filled {
  readonly chunk: Buffer
  readonly end: number
}

/**
 * Hands out chunks and takes them back. A chunk may come back only when nothing refers to it any more, that is after
 * the socket's write callback and the answer of the request it went out in: a chunk reused earlier would put one
 * topic's records into another's request. Source: KAFKA-19012.
 *
 * What comes back stays, as long as it is not more than was in use at once lately: a queue that fills and empties again
 * and again makes no garbage, and memory that lies outside the heap is garbage that the runtime stops everything for.
 */
export class ChunkPool {
  readonly #free = new Map<number, Buffer[]>()
  readonly #minBytes: number
  readonly #maxIdleBytes: number
  #idleBytes = 0
  #usedBytes = 0
  // The most that was in use in this period and in the one before.
  #peakBytes = 0
  #peakBefore = 0

  /** In use and idle it keeps `minBytes` at least, and of idle ones never more than `maxIdleBytes`. */
  constructor(minBytes = 8 * 1024 * 1024, maxIdleBytes = 128 * 1024 * 1024) {
    this.#minBytes = minBytes
    this.#maxIdleBytes = maxIdleBytes
  }

  /** A chunk of at least `bytes`, sized for a batch that already holds `batchBytes`: as much again, within bounds. */
  take(bytes: number, batchBytes: number): Buffer {
    const size = bytes >= singleBytes ? bytes : sizeFor(bytes, batchBytes)
    this.#usedBytes += size
    if (this.#usedBytes > this.#peakBytes) this.#peakBytes = this.#usedBytes
    const chunk = isPooled(size) ? this.#free.get(size)?.pop() : undefined
    if (chunk !== undefined) this.#idleBytes -= size
    else if (this.#idleBytes > 0) this.#trim()
    return chunk ?? Buffer.allocUnsafeSlow(size)
  }

  give(chunk: Buffer): void {
    const size = chunk.length
    this.#usedBytes -= size
    if (!isPooled(size) || this.#idleBytes + size > this.#mayBeIdle) return
    this.#idleBytes += size
    const free = this.#free.get(size)
    if (free === undefined) this.#free.set(size, [chunk])
    else free.push(chunk)
  }

  /** A period is over: what was in use in the one before counts no more. */
  endPeriod(): void {
    this.#peakBefore = this.#peakBytes
    this.#peakBytes = this.#usedBytes
    this.#trim()
  }

  get #mayBeIdle(): number {
    const most = Math.max(this.#minBytes, this.#peakBytes, this.#peakBefore)
    return Math.min(most - this.#usedBytes, this.#maxIdleBytes)
  }

  // Chunks of other sizes than those that are asked for now.
  #trim(): void {
    for (const [size, free] of this.#free) {
      while (this.#idleBytes > this.#mayBeIdle && free.pop() !== undefined) this.#idleBytes -= size
    }
  }
}

function sizeFor(bytes: number, batchBytes: number): number {
  let size = smallestBytes
  while (size < bytes || (size < largestBytes && size <= batchBytes)) size *= 2
  return size
}

function isPooled(size: number): boolean {
  return size <= largestBytes && (size & (size - 1)) === 0
}
