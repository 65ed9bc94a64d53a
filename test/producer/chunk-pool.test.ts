import { describe, expect, test } from 'vitest'
import { ChunkPool } from '../../src/producer/chunk-pool.ts'

describe('the chunk pool', () => {
  test('begins with 4 KB, so that many partitions are cheap', () => {
    expect(new ChunkPool().take(10, 0)).toHaveLength(4096)
  })

  test('doubles with what the batch holds, up to 256 KB', () => {
    const pool = new ChunkPool()
    const sizes: number[] = []
    for (let held = 0; held < 1_000_000; held += sizes.at(-1) as number) sizes.push(pool.take(10, held).length)
    expect(sizes.slice(0, 8)).toEqual([4096, 8192, 16384, 32768, 65536, 131072, 262144, 262144])
  })

  test('gives a record that is larger than any chunk its own memory', () => {
    const pool = new ChunkPool()
    expect(pool.take(262_144, 0)).toHaveLength(262_144)
    const large = pool.take(262_145, 0)
    expect(large).toHaveLength(262_145)
    pool.give(large)
    expect(pool.take(262_145, 0)).not.toBe(large)
  })

  test('gives a record from 16 KB on memory of its own size, so that nothing is counted too low', () => {
    const pool = new ChunkPool()
    const chunks = [pool.take(132_000, 0), pool.take(132_000, 132_000)]
    expect(chunks.map(({ length }) => length)).toEqual([132_000, 132_000])
    for (const chunk of chunks) pool.give(chunk)
    expect(pool.take(10, 200_000).length).toBe(262_144)
  })

  test('a chunk that came back is given out again, and only once', () => {
    const pool = new ChunkPool()
    const chunk = pool.take(10, 0)
    pool.give(chunk)
    expect(pool.take(5000, 0)).not.toBe(chunk)
    expect(pool.take(10, 0)).toBe(chunk)
    expect(pool.take(10, 0)).not.toBe(chunk)
  })

  describe('keeps', () => {
    const takeAll = (pool: ChunkPool, count: number): Buffer[] => Array.from({ length: count }, () => pool.take(10, 0))
    const giveAll = (pool: ChunkPool, chunks: readonly Buffer[]): void => {
      for (const chunk of chunks) pool.give(chunk)
    }
    const known = (chunks: readonly Buffer[], again: readonly Buffer[]): number =>
      again.filter(chunk => chunks.includes(chunk)).length

    test('what was in use at once, so that a queue that fills and empties makes no garbage', () => {
      const pool = new ChunkPool(8192)
      const chunks = takeAll(pool, 30)
      for (let i = 0; i < 3; i++) {
        giveAll(pool, chunks)
        expect(known(chunks, takeAll(pool, 30))).toBe(30)
      }
    })

    test('no more than its bounds', () => {
      const few = new ChunkPool(0, 3 * 4096)
      const chunks = takeAll(few, 30)
      giveAll(few, chunks)
      expect(known(chunks, takeAll(few, 30))).toBe(3)
    })

    test('only its least when the time is over in which more was in use', () => {
      const pool = new ChunkPool(8192)
      const chunks = takeAll(pool, 30)
      giveAll(pool, chunks)
      pool.endPeriod()
      pool.endPeriod()
      expect(known(chunks, takeAll(pool, 30))).toBe(2)
    })

    test('all that was in use in this period and in the one before', () => {
      const pool = new ChunkPool(0)
      const chunks = takeAll(pool, 30)
      giveAll(pool, chunks)
      pool.endPeriod()
      expect(known(chunks, takeAll(pool, 30))).toBe(30)
    })

    test('no chunks of another size beside those that are in use', () => {
      const pool = new ChunkPool(0)
      const small = takeAll(pool, 8)
      giveAll(pool, small)
      const large = pool.take(10, 16_384)
      expect(large).toHaveLength(32_768)
      expect(known(small, takeAll(pool, 8))).toBe(0)
    })
  })
})
