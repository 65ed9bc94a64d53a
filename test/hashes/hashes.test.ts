import { createHash } from 'node:crypto'
import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/hashes/crc32.ts'
import { fnv1a } from '../../src/hashes/fnv1a.ts'
import { kafkajsLegacyMurmur2 } from '../../src/hashes/kafkajs-legacy-murmur2.ts'
import { md5 } from '../../src/hashes/md5.ts'
import { murmur2 } from '../../src/hashes/murmur2.ts'
import { xxh32 } from '../../src/hashes/xxh32.ts'
import vectors from '../vectors/partitioners.json' with { type: 'json' }

type Hash<T> = (bytes: Uint8Array, start: number, end: number) => T

const hashes = {
  crc32,
  fnv1a,
  murmur2,
  kafkajsLegacyMurmur2,
  md5: (bytes: Uint8Array, start: number, end: number) => Buffer.from(md5(bytes, start, end)).toString('hex'),
}

const texts: Record<keyof typeof vectors.texts, Hash<number>> = {
  crc32,
  xxh32,
  murmur2,
  kafkajsLegacyMurmur2,
  murmur2Unsigned: (bytes, start, end) => murmur2(bytes, start, end) >>> 0,
  fnv1aAbsolute: (bytes, start, end) => Math.abs(fnv1a(bytes, start, end) | 0),
  md5Sum: (bytes, start, end) => md5(bytes, start, end).reduce((sum, byte) => sum + byte, 0),
}

/** The bytes somewhere inside a larger buffer whose other bytes are not zero. */
function embedded<T>(hash: Hash<T>, bytes: Uint8Array, before = 3): T {
  const host = new Uint8Array(before + bytes.length + 5).fill(0xa5)
  host.set(bytes, before)
  return hash(host, before, before + bytes.length)
}

describe('the published values', () => {
  for (const [name, values] of Object.entries(vectors.hashes)) {
    for (const [id, expected] of Object.entries(values)) {
      test(`${name} of key ${id}`, () => {
        const key = Buffer.from(vectors.keys[id as keyof typeof vectors.keys], 'hex')
        const hash: Hash<number | string> = hashes[name as keyof typeof hashes]
        expect(hash(key, 0, key.length)).toBe(expected)
      })
    }
  }

  for (const [name, values] of Object.entries(vectors.texts)) {
    for (const [text, expected] of Object.entries(values)) {
      test(`${name} of '${text}'`, () => {
        const key = Buffer.from(text)
        expect(texts[name as keyof typeof texts](key, 0, key.length)).toBe(expected)
      })
    }
  }
})

const anyBytes = fc.uint8Array({ maxLength: 200 })

test.each(Object.entries({ ...hashes, xxh32 }))(
  '%s reads nothing outside its range',
  (_, hash: Hash<number | string>) => {
    fc.assert(
      fc.property(anyBytes, fc.nat(8), (bytes, before) => {
        return embedded(hash, bytes, before) === hash(bytes, 0, bytes.length)
      }),
    )
  },
)

test('md5 agrees with OpenSSL on every length up to three blocks', () => {
  for (let length = 0; length <= 192; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 7 + length)
    expect(hashes.md5(bytes, 0, length)).toBe(createHash('md5').update(bytes).digest('hex'))
  }
})

test('md5 can write into a digest of the caller', () => {
  const digest = new Uint8Array(16)
  expect(md5(Buffer.from('a'), 0, 1, digest)).toBe(digest)
  expect(Buffer.from(digest).toString('hex')).toBe('0cc175b9c0f1b6a831c399e269772661')
})

test('crc32 agrees with zlib', () => {
  fc.assert(fc.property(anyBytes, bytes => crc32(bytes, 0, bytes.length) === zlibCrc32(bytes)))
})

test('kafkajsLegacyMurmur2 computes in double precision, as the module that it follows', () => {
  const reference = (data: Uint8Array): number => {
    const m = 0x5bd1e995
    let h = 0x9747b28c ^ data.length
    for (let i = 0; i < Math.ceil(data.length / 4); i++) {
      const [a = 0, b = 0, c = 0, d = 0] = data.subarray(i * 4, i * 4 + 4)
      let k = (a + (b << 8) + (c << 16) + (d << 24)) * m
      k = (k ^ (k >>> 24)) * m
      h = (h * m) ^ k
    }
    const [a, b = 0, c = 0] = data.subarray(data.length & ~3)
    if (a !== undefined) h = (h ^ (c << 16) ^ (b << 8) ^ a) * m
    h = (h ^ (h >>> 13)) * m
    return h ^ (h >>> 15)
  }
  fc.assert(fc.property(anyBytes, bytes => kafkajsLegacyMurmur2(bytes, 0, bytes.length) === reference(bytes)))
})
