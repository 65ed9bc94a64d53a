// What gzip and zstd share: the way to node:zlib, at once for small inputs and on the thread pool for large ones.

import { ProtocolError } from '../errors.ts'
import { gather, memoryOf, scratch } from './scratch.ts'

/** Loaded by whoever compresses first. */
export const zlib = () => process.getBuiltinModule('node:zlib')

/** One of the compressors of node:zlib in its two forms. */
export interface ZlibCompressor<Options> {
  sync(input: Uint8Array, options: Options): Uint8Array
  async(input: Uint8Array, options: Options, done: (error: Error | null, result: Uint8Array) => void): void
}

// Handing a batch to the thread pool costs the event loop about 50 µs and the batch 100 to 300 more. So long takes 8 KB of
// JSON with gzip and 16 KB with zstd when they are compressed at once.
const maxSyncBytes = 16_384

const input = scratch()

export function compressWith<Options>(
  { sync, async }: ZlibCompressor<Options>,
  chunks: readonly Uint8Array[],
  byteLength: number,
  options: Options,
): Uint8Array | Promise<Uint8Array> {
  if (byteLength <= maxSyncBytes) return sync(gather(chunks, byteLength, input).bytes.subarray(0, byteLength), options)
  // Reused memory would be overwritten by the next batch while the pool still reads it.
  const { bytes } = gather(chunks, byteLength, size => memoryOf(new Uint8Array(size)))
  return new Promise((resolve, reject) => {
    async(bytes, options, (error, result) => (error === null ? resolve(result) : reject(error)))
  })
}

/** The memory that zlib fills before it asks for more: enough for most results, and small where the input is. */
export function chunkSizeFor(byteLength: number): number {
  return Math.max(1024, byteLength >>> 2)
}

/** Decompresses at once: producers never do it, and a test under a fake clock cannot wait for a thread. */
export function decompressWith(
  name: string,
  decompress: (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array,
  bytes: Uint8Array,
  maxBytes: number,
): Uint8Array {
  try {
    const result = decompress(bytes, { maxOutputLength: Math.max(1, maxBytes) })
    if (result.length <= maxBytes) return result
  } catch (cause) {
    const tooLarge = cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE'
    if (!tooLarge) throw new ProtocolError(`${name}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
  throw new ProtocolError(`${name}: more than ${maxBytes} bytes of output`)
}
