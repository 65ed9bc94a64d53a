// What the codecs have to digest in these tests, and how batches arrive: in chunks.

import { seededRandom } from '../support/seeded-random.ts'

const random = seededRandom(4)

function text(lines: number, line: (i: number) => string): Uint8Array {
  return Buffer.from(Array.from({ length: lines }, (_, i) => line(i)).join('\n'))
}

export const payloads: Readonly<Record<string, Uint8Array>> = {
  'no byte': new Uint8Array(0),
  'one byte': Uint8Array.of(0x61),
  'twelve bytes': Buffer.from('aaaaaaaaaaaa'),
  'thirteen bytes': Buffer.from('aaaaaaaaaaaaa'),
  '1 MB of zeros': new Uint8Array(1_000_000),
  '900 KB of noise': Uint8Array.from({ length: 900_000 }, () => random() * 256),
  'JSON lines': text(8000, i =>
    JSON.stringify({ id: i, user: `user-${Math.floor(random() * 500)}`, paid: random() < 0.5, total: random() }),
  ),
  'a period longer than an offset': Buffer.concat([1, 2, 3].map(() => noise(70_000, 7))),
  'a period just within an offset': Buffer.concat([1, 2, 3].map(() => noise(65_535, 7))),
  'exactly one block of 64 KB': text(700, () => 'x'.repeat(93)).subarray(0, 65_536),
  'one byte more than 64 KB': text(700, () => `${random()}`.padEnd(93)).subarray(0, 65_537),
  'zeros around noise': Buffer.concat([new Uint8Array(70_000), noise(140_000, 9), new Uint8Array(70_000)]),
}

export function noise(length: number, seed: number): Uint8Array {
  const draw = seededRandom(seed)
  return Uint8Array.from({ length }, () => draw() * 256)
}

/** The bytes in chunks of `chunkBytes`, as a batch of many small records has them. */
export function inChunks(bytes: Uint8Array, chunkBytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.slice(at, at + chunkBytes))
  return chunks
}

export function hex(text: string): Uint8Array {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

/** Equality that does not take a second for a megabyte, as a structural comparison of arrays would. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
