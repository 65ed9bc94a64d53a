// A broker that is none: 100,000 answers to every API that were tampered with. Each is read, or refused as malformed.

import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { apis } from '../../src/protocol/apis.ts'
import { decodeResponse, encodeResponse } from '../../src/protocol/header.ts'
import type { Api } from '../../src/protocol/schema.ts'
import { sampleOf } from '../support/schema-arbitrary.ts'
import { seededRandom } from '../support/seeded-random.ts'

const answers = 100_000
const random = seededRandom(7)
const below = (limit: number) => Math.floor(random() * limit)

/** Lengths and counts that a decoder must not believe. */
const lies = ['7fffffff', '80000000', 'ffffffff', 'ffffffff07', 'ffffffff0f', '7fff', '8000', '00ffffff'].map(hex =>
  Buffer.from(hex, 'hex'),
)

function tamper(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  for (let times = 1 + below(3); times > 0 && copy.length > 0; times--) {
    const at = below(copy.length)
    if (random() < 0.5) copy[at] = below(256)
    else copy.set((lies[below(lies.length)] ?? lies[0] ?? copy).subarray(0, copy.length - at), at)
  }
  return random() < 0.2 ? copy.subarray(0, below(copy.length + 1)) : copy
}

/** How many values there are in what was read. */
function size(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 1
  return Object.values(value).reduce((sum: number, part) => sum + size(part), 1)
}

test('100,000 answers that were tampered with are read or refused, in bounded time and memory', () => {
  const samples = (apis as readonly Api[]).flatMap(api =>
    Array.from({ length: api.versions[1] - api.versions[0] + 1 }, (_, i) => api.versions[0] + i).flatMap(version =>
      fc.sample(sampleOf(api.response.shape, version), { numRuns: 3, seed: version }).map(({ given }) => {
        const speaking = api as Api<never, unknown, unknown, unknown>
        return { api, version, frame: Buffer.concat(encodeResponse(speaking, version, 1, given)).subarray(4) }
      }),
    ),
  )
  let refused = 0
  let longestMs = 0
  const strange: string[] = []
  for (let i = 0; i < answers; i++) {
    const { api, version, frame } = samples[i % samples.length] ?? expect.unreachable()
    const tampered = tamper(frame)
    const start = performance.now()
    try {
      const { body } = decodeResponse(api, version, tampered)
      if (size(body) > 50 + 50 * tampered.length) strange.push(`${api.name} ${version}: ${size(body)} values`)
    } catch (error) {
      refused++
      if (!(error instanceof ProtocolError)) strange.push(`${api.name} ${version}: ${String(error)}`)
    }
    longestMs = Math.max(longestMs, performance.now() - start)
  }
  expect(strange).toEqual([])
  expect(refused).toBeGreaterThan(answers / 10)
  expect(longestMs).toBeLessThan(1000)
}, 60_000)

test('nothing in an answer reaches a prototype', () => {
  for (const api of apis as readonly Api[]) {
    const version = api.versions[1]
    const [sample] = fc.sample(sampleOf(api.response.shape, version), { numRuns: 1, seed: 1 })
    const chunks = encodeResponse(api as Api<never, unknown, unknown, unknown>, version, 1, sample?.given)
    const { body } = decodeResponse(api, version, Buffer.concat(chunks).subarray(4))
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype)
  }
  expect(Object.keys(Object.prototype)).toEqual([])
})
