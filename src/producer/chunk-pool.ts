// The memory that batches are written into: chunks in sizes of powers of two, reused.

import { Buffer } from 'node:buffer'

const smallestBytes = 4096
const largestBytes = 262144
// A record from this size on has memory of exactly its size: rounded up, it could take twice of what is counted for it.
const singleBytes = 16384
const slabBytes = 1 << 20

/** Memory that chunks of one size share. An object for each of ten thousand chunks would hardly ever be in the cache. */
class Slab {
  readonly memory: Buffer
  readonly chunkBytes: number
  readonly free: Chunk[] = []

  constructor(chunkBytes: number) {
    this.chunkBytes = chunkBytes
    this.memory = Buffer.allocUnsafeSlow(isPooled(chunkBytes) ? slabBytes : chunkBytes)
    for (let end = this.memory.length; end > 0; end -= chunkBytes) {
      this.free.push({ slab: this, start: end - chunkBytes, end })
    }
  }

  get isIdle(): boolean {
    return this.free.length * this.chunkBytes === this.memory.length
  }
}

/** `slab.memory` from `start` to `end`. */
export interface Chunk {
  readonly slab: Slab
  readonly start: number
  readonly end: number
}

/** What is written of a chunk. */
export interface Filled {
  readonly chunk: Chunk
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
  // By the size of their chunks, those with a free one; of which some are idle.
  readonly #slabs = new Map<number, Slab[]>()
  readonly #minBytes: number
  readonly #maxIdleBytes: number
  // Of whole slabs: a chunk keeps all of its slab.
  #idleBytes = 0
  #usedBytes = 0
  // The most that was in use in this period and in the one before.
  #peakBytes = 0
  #peakBefore = 0

  /** In use and idle it keeps `minBytes` at least, and of idle memory never more than `maxIdleBytes`. */
  constructor(minBytes = 8 * 1024 * 1024, maxIdleBytes = 256 * 1024 * 1024) {
    this.#minBytes = minBytes
    this.#maxIdleBytes = maxIdleBytes
  }

  /** A chunk of at least `bytes`, sized for a batch that already holds `batchBytes`: as much again, within bounds. */
  take(bytes: number, batchBytes: number): Chunk {
    const size = bytes >= singleBytes ? bytes : sizeFor(bytes, batchBytes)
    const slabs = this.#slabsOf(size)
    const slab = slabs.at(-1) ?? this.#newSlab(size, slabs)
    if (slab.isIdle) this.#use(slab)
    const chunk = slab.free.pop() as Chunk
    if (slab.free.length === 0) slabs.pop()
    if (this.#idleBytes > this.#mayBeIdle) this.#trim()
    return chunk
  }

  give(chunk: Chunk): void {
    const { slab } = chunk
    const slabs = this.#slabsOf(slab.chunkBytes)
    if (slab.free.length === 0) slabs.push(slab)
    slab.free.push(chunk)
    if (!slab.isIdle) return
    this.#usedBytes -= slab.memory.length
    this.#idleBytes += slab.memory.length
    if (this.#idleBytes > this.#mayBeIdle || !isPooled(slab.chunkBytes)) this.#drop(slab, slabs)
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

  // One of a size of its own is nowhere kept.
  #slabsOf(chunkBytes: number): Slab[] {
    const known = this.#slabs.get(chunkBytes)
    if (known !== undefined) return known
    const slabs: Slab[] = []
    if (isPooled(chunkBytes)) this.#slabs.set(chunkBytes, slabs)
    return slabs
  }

  #use(slab: Slab): void {
    this.#idleBytes -= slab.memory.length
    this.#usedBytes += slab.memory.length
    if (this.#usedBytes > this.#peakBytes) this.#peakBytes = this.#usedBytes
  }

  #newSlab(chunkBytes: number, slabs: Slab[]): Slab {
    const slab = new Slab(chunkBytes)
    slabs.push(slab)
    this.#idleBytes += slab.memory.length
    return slab
  }

  // Slabs with chunks of other sizes than those that are asked for now.
  #trim(): void {
    for (const slabs of this.#slabs.values()) {
      for (const slab of slabs.filter(({ isIdle }) => isIdle)) {
        if (this.#idleBytes > this.#mayBeIdle) this.#drop(slab, slabs)
      }
    }
  }

  #drop(slab: Slab, slabs: Slab[]): void {
    slabs.splice(slabs.lastIndexOf(slab), 1)
    this.#idleBytes -= slab.memory.length
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
