import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecById, codecs, codecUnavailable } from '../../src/compression/codecs.ts'
import { ConfigError, ProtocolError } from '../../src/errors.ts'
import { hex, inChunks, payloads, sameBytes } from './payloads.ts'

const everywhere = ['gzip', 'snappy', 'lz4'] as const
const here = codecUnavailable('zstd') === null ? ([...everywhere, 'zstd'] as const) : everywhere

test('the numbers are those of the record batch format', () => {
  expect([0, 1, 2, 3, 4, 5, 7].map(id => codecById(id)?.name)).toEqual([
    undefined,
    'gzip',
    'snappy',
    'lz4',
    'zstd',
    undefined,
    undefined,
  ])
  for (const [name, codec] of Object.entries(codecs)) {
    expect(codec.name).toBe(name)
    expect(codecById(codec.id)).toBe(codec)
  }
})

test('gzip, snappy and lz4 are there on every runtime', () => {
  expect(everywhere.map(codecUnavailable)).toEqual([null, null, null])
})

test('zstd is there, or says which versions have it', () => {
  const reason = codecUnavailable('zstd')
  if (reason === null)
    return expect(sameBytes(hex('61'), codecs.zstd.decompress(hex('28b52ffd200109000061'), 1) as Uint8Array)).toBe(true)
  expect(reason).toContain('22.15')
  expect(() => codecs.zstd.compress([], 0, -1)).toThrow(ConfigError)
  expect(() => codecs.zstd.decompress(hex('28b52ffd200109000061'), 1)).toThrow(reason)
})

describe.each(here)('%s', name => {
  const codec = codecs[name]

  test.each(Object.keys(payloads))('gives back %s', async label => {
    const payload = payloads[label] ?? new Uint8Array(0)
    for (const chunks of [[payload], inChunks(payload, 1000), inChunks(payload, 65_536)]) {
      const compressed = await codec.compress(chunks, payload.length, -1)
      expect(sameBytes(await codec.decompress(compressed, payload.length), payload)).toBe(true)
    }
  })

  test.each([-1, 0, 1, 3, 9, 12, 22, 100])('takes level %i, the nearest it has', async level => {
    const payload = payloads['JSON lines'] ?? new Uint8Array(0)
    const compressed = await codec.compress([payload], payload.length, level)
    expect(sameBytes(await codec.decompress(compressed, payload.length), payload)).toBe(true)
  })

  test('makes JSON at most half as large', async () => {
    const payload = payloads['JSON lines'] ?? new Uint8Array(0)
    expect((await codec.compress([payload], payload.length, -1)).length).toBeLessThan(payload.length / 2)
  })

  test('adds little to what does not compress', async () => {
    const payload = payloads['900 KB of noise'] ?? new Uint8Array(0)
    expect((await codec.compress([payload], payload.length, -1)).length).toBeLessThan(payload.length * 1.001 + 64)
  })

  test('gives the same bytes for the same input, whatever was compressed before', async () => {
    const payload = payloads['JSON lines'] ?? new Uint8Array(0)
    const first = Uint8Array.from(await codec.compress([payload], payload.length, -1))
    for (const other of Object.values(payloads)) await codec.compress([other], other.length, -1)
    const second = await codec.compress(inChunks(payload, 777), payload.length, -1)
    expect(sameBytes(first, second)).toBe(true)
  })

  test('gives memory that later calls leave alone', async () => {
    const payload = inChunks(payloads['JSON lines'] ?? new Uint8Array(0), 5000)
    const results = await Promise.all(
      payload.map(async chunk => codec.compress([chunk.subarray(0, 99), chunk.subarray(99)], chunk.length, -1)),
    )
    for (const [i, chunk] of payload.entries()) {
      expect(sameBytes(await codec.decompress(results[i] ?? hex(''), chunk.length), chunk)).toBe(true)
    }
  })

  test('keeps parallel calls apart', async () => {
    const parts = inChunks(payloads['JSON lines'] ?? new Uint8Array(0), 40_000)
    const results = await Promise.all(parts.map(part => codec.compress(inChunks(part, 1000), part.length, -1)))
    for (const [i, part] of parts.entries()) {
      expect(sameBytes(await codec.decompress(results[i] ?? hex(''), part.length), part)).toBe(true)
    }
  })

  test('gives back whatever it was given', async () => {
    // Few different bytes, so that there are matches of all lengths and distances.
    const bytes = fc.array(fc.uint8Array({ maxLength: 40, max: 3 }), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(bytes, async chunks => {
        const whole = Buffer.concat(chunks)
        return sameBytes(await codec.decompress(await codec.compress(chunks, whole.length, -1), whole.length), whole)
      }),
      { numRuns: 200 },
    )
  })

  test('gives nothing of an output that is too large', async () => {
    for (const payload of [
      payloads['1 MB of zeros'],
      payloads['900 KB of noise'],
      payloads['JSON lines'],
      payloads['one byte'],
    ]) {
      const bytes = payload ?? hex('')
      const compressed = await codec.compress([bytes], bytes.length, -1)
      for (const maxBytes of [0, bytes.length >> 1, bytes.length - 1]) {
        await expect(async () => codec.decompress(compressed, maxBytes)).rejects.toThrow(ProtocolError)
        await expect(async () => codec.decompress(compressed, maxBytes)).rejects.toThrow(/more than \d+ bytes/)
      }
    }
  })

  test('refuses what is cut off, wherever that is', async () => {
    const payload = Buffer.from(
      '{"a":1,"b":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}{"a":1,"b":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}',
    )
    const compressed = await codec.compress([payload], payload.length, -1)
    for (let length = 0; length < compressed.length; length++) {
      await expect(async () => codec.decompress(compressed.subarray(0, length), 1000)).rejects.toThrow(ProtocolError)
    }
  })

  test('either refuses damaged bytes or stays within its bounds', async () => {
    const payload = (payloads['JSON lines'] ?? hex('')).subarray(0, 2000)
    const compressed = await codec.compress([payload], payload.length, -1)
    const damages = fc.array(fc.tuple(fc.nat(compressed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(damages, async damage => {
        const bytes = Uint8Array.from(compressed)
        for (const [at, value] of damage) bytes[at] = value
        return outcomeWithin(() => codec.decompress(bytes, 4000), 4000)
      }),
      { numRuns: 2000 },
    )
  })

  test('either refuses noise or stays within its bounds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), bytes =>
        outcomeWithin(() => codec.decompress(bytes, 500), 500),
      ),
      { numRuns: 2000 },
    )
  })
})

async function outcomeWithin(decompress: () => Uint8Array | Promise<Uint8Array>, maxBytes: number): Promise<boolean> {
  try {
    return (await decompress()).length <= maxBytes
  } catch (error) {
    return error instanceof ProtocolError
  }
}
