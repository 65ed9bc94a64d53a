import * as zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { codecUnavailable } from '../../src/compression/codecs.ts'
import { gzip } from '../../src/compression/gzip.ts'
import { zstd } from '../../src/compression/zstd.ts'
import { checkZstdFrame } from '../../src/compression/zstd-frame.ts'
import { ProtocolError } from '../../src/errors.ts'
import vectors from '../vectors/compression.json' with { type: 'json' }
import { hex, inChunks, payloads, sameBytes } from './payloads.ts'

const json = payloads['JSON lines'] ?? hex('')

describe('gzip', () => {
  test('is at once for small batches and off the event loop for large ones', async () => {
    expect(gzip.compress([json.subarray(0, 16_384)], 16_384, -1)).toBeInstanceOf(Uint8Array)
    const pending = gzip.compress([json.subarray(0, 16_385)], 16_385, -1)
    expect(pending).toBeInstanceOf(Promise)
    expect(sameBytes(zlib.gunzipSync(await pending), json.subarray(0, 16_385))).toBe(true)
  })

  test('compresses harder at higher levels', async () => {
    const sizes = await Promise.all(
      [0, 1, 9].map(async level => (await gzip.compress([json], json.length, level)).length),
    )
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
    expect(sizes[0]).toBeGreaterThan(json.length)
    expect(sizes[2]).toBeLessThan(sizes[1] ?? 0)
  })

  test('takes levels beyond 9 as 9', async () => {
    const nine = await gzip.compress([json], json.length, 9)
    expect(sameBytes(await gzip.compress([json], json.length, 12), nine)).toBe(true)
  })

  test('does not pin much more memory than the result has', async () => {
    const small = await gzip.compress(inChunks(json.subarray(0, 600), 100), 600, -1)
    expect(small.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize)
  })

  test('names what is wrong with the bytes', () => {
    const bytes = zlib.gzipSync('hello')
    expect(() => gzip.decompress(bytes.subarray(0, -1), 5)).toThrow('gzip: unexpected end of file')
    expect(() => gzip.decompress(Buffer.concat([bytes, hex('01')]), 5)).toThrow(ProtocolError)
    expect(() => gzip.decompress(hex('00'), 5)).toThrow(ProtocolError)
  })
})

describe('the outline of a zstd frame', () => {
  test.each([
    ['a raw block, size in one byte', vectors.hello.zstd],
    ['a window, no size', '28b52ffd 00 58 290000 68656c6c6f'],
    ['a dictionary id of one byte', '28b52ffd 21 07 05 290000 68656c6c6f'],
    ['a size in two bytes', '28b52ffd 60 0000 290000 68656c6c6f'],
    ['a size in four bytes', '28b52ffd a0 05000000 290000 68656c6c6f'],
    ['a size in eight bytes', '28b52ffd e0 0500000000000000 290000 68656c6c6f'],
    ['a checksum', '28b52ffd 24 05 290000 68656c6c6f 00000000'],
    ['a run of one byte before the last block', '28b52ffd 20 0a 2a0000 61 290000 68656c6c6f'],
  ])('with %s is whole, and no shorter', (_, bytes) => {
    const frame = hex(bytes)
    expect(() => checkZstdFrame(frame)).not.toThrow()
    for (let length = 0; length < frame.length; length++) {
      expect(() => checkZstdFrame(frame.subarray(0, length))).toThrow(/zstd: cut off/)
    }
    expect(() => checkZstdFrame(Buffer.concat([frame, hex('00')]))).toThrow('1 bytes behind the frame')
  })

  test('begins with its magic', () => {
    expect(() => checkZstdFrame(hex('28b52ffe2005290000'))).toThrow('no frame begins here')
  })
})

// Runtimes without zstd run the same tests on nothing; that they say so is tested with the table of codecs.
describe.each(codecUnavailable('zstd') === null ? [zstd] : [])('$name', codec => {
  test('is at once for small batches and off the event loop for large ones', async () => {
    expect(codec.compress([json.subarray(0, 16_384)], 16_384, -1)).toBeInstanceOf(Uint8Array)
    const pending = codec.compress([json.subarray(0, 16_385)], 16_385, -1)
    expect(pending).toBeInstanceOf(Promise)
    expect(sameBytes(await codec.decompress(await pending, 16_385), json.subarray(0, 16_385))).toBe(true)
  })

  test('writes one frame with its content size', async () => {
    const compressed = await codec.compress([json.subarray(0, 1000)], 1000, -1)
    expect(() => checkZstdFrame(compressed)).not.toThrow()
    expect(Buffer.from(compressed.subarray(0, 7)).toString('hex')).toBe('28b52ffd60e802') // 1000 = 256 + 0x2e8
  })

  test('reads the known frame', async () => {
    expect(Buffer.from(await codec.decompress(hex(vectors.hello.zstd), 5)).toString()).toBe('hello')
  })
})
