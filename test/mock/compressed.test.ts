import * as zlib from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codecs, codecUnavailable } from '../../src/compression/codecs.ts'
import { codeOf } from '../../src/mock/endpoint.ts'
import { MockCluster } from '../../src/mock/index.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { batchOf, records } from './batches.ts'
import { produceBatch } from './produce-request.ts'
import { RawClient } from './raw-client.ts'

let cluster: MockCluster
let raw: RawClient
beforeEach(async () => {
  cluster = await MockCluster.start({
    transport: 'memory',
    topics: { orders: { config: { 'max.message.bytes': 20_000_000 } } },
  })
  raw = await RawClient.connect(cluster.transport, cluster.bootstrapServers)
})
// stop() rejects with whatever went wrong inside a broker, so every test here ends with that check.
afterEach(() => cluster.stop())

const names = (['gzip', 'snappy', 'lz4', 'zstd'] as const).filter(name => codecUnavailable(name) === null)
const malformed = [codeOf('UNKNOWN_SERVER_ERROR'), codeOf('INVALID_RECORD')]

describe.each(names)('%s', name => {
  const codec = codecs[name]

  test('is read for the log', async () => {
    const payload = records(['x'.repeat(500), null, ''])
    const compressed = await codec.compress([payload], payload.length, -1)
    const answer = await produceBatch(raw, batchOf(compressed, { recordCount: 3, attributes: codec.id }))
    expect(answer).toMatchObject({ errorCode: 0, baseOffset: 0n })
    expect(cluster.batches('orders', 0)).toMatchObject([{ codec: name }])
    expect(cluster.log('orders', 0).map(({ value }) => value?.length)).toEqual([500, undefined, 0])
  })

  test('damaged in any way is taken or refused, and the log can always be read', async () => {
    const payload = records(Array.from({ length: 20 }, (_, i) => `{"id":${i},"name":"name ${i % 3}"}`))
    const compressed = await codec.compress([payload], payload.length, -1)
    const random = seededRandom(7)
    let taken = 0
    for (let run = 0; run < 500; run++) {
      const damaged = Uint8Array.from(compressed).subarray(0, run % 5 === 0 ? random() * compressed.length : undefined)
      for (let i = 0; i <= run % 3; i++) damaged[Math.floor(random() * damaged.length)] = random() * 256
      const answer = await produceBatch(raw, batchOf(damaged, { recordCount: 20, attributes: codec.id }))
      if (answer?.errorCode === 0) taken++
      else expect(malformed).toContain(answer?.errorCode)
    }
    expect(cluster.log('orders', 0)).toHaveLength(20 * taken)
    expect(taken).toBeLessThan(250)
  })
})

test('what would fill the memory is refused before it does', async () => {
  // Half a gigabyte of zeros and more, or the promise of them.
  const zeros = zlib.gzipSync(Buffer.alloc(2 ** 28), { level: 1 })
  const long = Buffer.alloc(4 << 20, 0xff)
  const bombs: [1 | 2 | 3, Uint8Array][] = [
    [1, Buffer.concat([zeros, zeros])],
    [2, Buffer.concat([Buffer.from('ffffffff0f', 'hex'), long])],
    [2, Buffer.concat([Buffer.from('8080808008', 'hex'), long])],
    [3, Buffer.concat([Buffer.from('04224d18607073', 'hex'), ...lz4Blocks(200), Buffer.alloc(4)])],
  ]
  for (const [codec, bytes] of bombs) {
    const before = process.memoryUsage()
    const answer = await produceBatch(raw, batchOf(bytes, { recordCount: 1, attributes: codec }))
    const after = process.memoryUsage()
    expect(answer?.errorCode).toBe(codeOf('UNKNOWN_SERVER_ERROR'))
    expect(answer?.errorMessage).toMatch(/more than 268435456 bytes|cannot hold/)
    expect(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed).toBeLessThan(600 << 20)
  }
})

/** Blocks of 4 MB of zeros each, in 16 KB. */
function lz4Blocks(count: number): Buffer[] {
  const size = 4 << 20
  const extra = size - 5 - 1 - 19
  const lengths = Buffer.alloc(Math.floor(extra / 255) + 1, 0xff)
  lengths[lengths.length - 1] = extra % 255
  const block = Buffer.concat([Buffer.from('1f000100', 'hex'), lengths, Buffer.from('500000000000', 'hex')])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(block.length)
  return Array.from({ length: count }, () => [length, block]).flat()
}
