import { describe, expect, test } from 'vitest'
import { type Chunk, ChunkPool } from '../../src/producer/chunk-pool.ts'

const bytesOf = ({ start, end }: Chunk): number => end - start

describe('the chunk pool', () => {
  test('begins with 4 KB, so that many partitions are cheap', () => {
    expect(bytesOf(new ChunkPool().take(10, 0))).toBe(4096)
  })

  test('gives each its own part of the memory that they share', () => {
    const pool = new ChunkPool()
    const chunks = Array.from({ length: 1000 }, () => pool.take(10, 0))
    const parts = new Map<Buffer, Set<number>>()
    for (const { slab, start } of chunks) {
      expect(start % 4096).toBe(0)
      parts.set(slab.memory, (parts.get(slab.memory) ?? new Set()).add(start))
    }
    expect(parts.size).toBe(4)
    expect([...parts.values()].reduce((sum, { size }) => sum + size, 0)).toBe(1000)
  })

  test('doubles with what the batch holds, up to 256 KB', () => {
    const pool = new ChunkPool()
    const sizes: number[] = []
    for (let held = 0; held < 1_000_000; held += sizes.at(-1) as number) sizes.push(bytesOf(pool.take(10, held)))
    expect(sizes.slice(0, 8)).toEqual([4096, 8192, 16384, 32768, 65536, 131072, 262144, 262144])
  })

  test('gives a record that is larger than any chunk its own memory', () => {
    const pool = new ChunkPool()
    expect(bytesOf(pool.take(262_144, 0))).toBe(262_144)
    const large = pool.take(262_145, 0)
    expect(large.slab.memory).toHaveLength(262_145)
    expect(bytesOf(large)).toBe(262_145)
    pool.give(large)
    expect(pool.take(262_145, 0)).not.toBe(large)
  })

  test('gives a record from 16 KB on memory of its own size, so that nothing is counted too low', () => {
    const pool = new ChunkPool()
    const chunks = [pool.take(132_000, 0), pool.take(132_000, 132_000)]
    expect(chunks.map(({ slab }) => slab.memory.length)).toEqual([132_000, 132_000])
    for (const chunk of chunks) pool.give(chunk)
    expect(bytesOf(pool.take(10, 200_000))).toBe(262_144)
  })

  test('a chunk that came back is given out again, and only once', () => {
    const pool = new ChunkPool()
    const chunk = pool.take(10, 0)
    pool.give(chunk)
    expect(pool.take(5000, 0)).not.toBe(chunk)
    expect(pool.take(10, 0)).toBe(chunk)
    expect(pool.take(10, 0)).not.toBe(chunk)
  })

  describe('keeps, in pieces of 1 MB', () => {
    const mebi = 1 << 20
    // Four of them are one piece.
    const takeAll = (pool: ChunkPool, count: number): Chunk[] =>
      Array.from({ length: count }, () => pool.take(10, 262_144))
    const giveAll = (pool: ChunkPool, chunks: readonly Chunk[]): void => {
      for (const chunk of chunks) pool.give(chunk)
    }
    const known = (chunks: readonly Chunk[], again: readonly Chunk[]): number =>
      again.filter(chunk => chunks.includes(chunk)).length

    test('what was in use at once, so that a queue that fills and empties makes no garbage', () => {
      const pool = new ChunkPool(2 * mebi)
      const chunks = takeAll(pool, 40)
      for (let i = 0; i < 3; i++) {
        giveAll(pool, chunks)
        expect(known(chunks, takeAll(pool, 40))).toBe(40)
      }
    })

    test('no more than its bounds', () => {
      const few = new ChunkPool(0, 3 * mebi)
      const chunks = takeAll(few, 40)
      giveAll(few, chunks)
      expect(known(chunks, takeAll(few, 40))).toBe(12)
    })

    test('only its least when the time is over in which more was in use', () => {
      const pool = new ChunkPool(2 * mebi)
      const chunks = takeAll(pool, 40)
      giveAll(pool, chunks)
      pool.endPeriod()
      pool.endPeriod()
      expect(known(chunks, takeAll(pool, 40))).toBe(8)
    })

    test('all that was in use in this period and in the one before', () => {
      const pool = new ChunkPool(0)
      const chunks = takeAll(pool, 40)
      giveAll(pool, chunks)
      pool.endPeriod()
      expect(known(chunks, takeAll(pool, 40))).toBe(40)
    })

    test('a piece of which anything is in use, whole', () => {
      const pool = new ChunkPool(0, 0)
      const chunks = takeAll(pool, 4)
      giveAll(pool, chunks.slice(1))
      expect(known(chunks, takeAll(pool, 4))).toBe(3)
    })

    test('no chunks of another size beside those that are in use', () => {
      const pool = new ChunkPool(0)
      const large = takeAll(pool, 8)
      giveAll(pool, large)
      const small = Array.from({ length: 300 }, () => pool.take(10, 0))
      expect(small.every(chunk => bytesOf(chunk) === 4096)).toBe(true)
      expect(known(large, takeAll(pool, 8))).toBe(0)
    })
  })
})
