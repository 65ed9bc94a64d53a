import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecs, codecUnavailable } from '../../src/compression/codecs.ts'
import { inChunks, payloads, sameBytes } from '../compression/payloads.ts'
import { askKafka, kafkaAnswers } from '../support/kafka-answers.ts'

const names = (['gzip', 'snappy', 'lz4', 'zstd'] as const).filter(name => codecUnavailable(name) === null)
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

describe.runIf(kafkaAnswers).each(names)('%s', name => {
  const codec = codecs[name]

  test('is read by the broker’s own classes', async () => {
    const all = Object.values(payloads)
    const compressed = await Promise.all(
      all.map(payload => codec.compress(inChunks(payload, 10_000), payload.length, -1)),
    )
    const answers = await askKafka(compressed.map(bytes => `decompress ${name} ${text(bytes)}`))
    expect(answers.map((answer, i) => answer === text(all[i] ?? new Uint8Array(1)))).toEqual(all.map(() => true))
  })

  test('reads what Kafka’s own producer compresses', async () => {
    const all = Object.values(payloads)
    const answers = await askKafka(all.map(payload => `compress ${name} ${text(payload)}`))
    for (const [i, payload] of all.entries()) {
      const bytes = Buffer.from(answers[i] ?? '', 'base64')
      expect(sameBytes(await codec.decompress(bytes, payload.length), payload)).toBe(true)
    }
  })

  test('accepts no damaged bytes that the broker refuses or reads otherwise', async () => {
    const payload = (payloads['JSON lines'] ?? new Uint8Array(0)).subarray(0, 300)
    const compressed = await codec.compress([payload], payload.length, -1)
    const damages = fc.sample(fc.tuple(fc.nat(compressed.length - 1), fc.nat(255)), { numRuns: 1500, seed: 219 })
    const damaged = damages.map(([at, value]) => Uint8Array.from(compressed).fill(value, at, at + 1))
    const answers = await askKafka(damaged.map(bytes => `decompress ${name} ${text(bytes)}`))
    const disagreements: string[] = []
    for (const [i, bytes] of damaged.entries()) {
      const ours = await Promise.resolve()
        .then(() => codec.decompress(bytes, 4000))
        .then(text, () => null)
      if (ours !== null && ours !== answers[i]) disagreements.push(`${damages[i]}: ${answers[i]}`)
    }
    expect(disagreements).toEqual([])
  })
})
