// zstd: one standard frame, by node:zlib where it knows the format.

import { isDeno } from '../deno.ts'
import { ConfigError } from '../errors.ts'
import type { Codec } from './codec.ts'
import { chunkSizeFor, compressWith, decompressWith, zlib } from './zlib-coder.ts'
import { checkZstdFrame } from './zstd-frame.ts'

/** Why there is no zstd here, or null where there is. */
export function zstdUnavailable(): string | null {
  if (typeof zlib().zstdCompressSync === 'function') return null
  return 'zstd needs a node:zlib that has it: Node.js 22.15 or later, 23.8 or later in line 23'
}

function checkAvailable(): void {
  const reason = zstdUnavailable()
  if (reason !== null) throw new ConfigError('compression.codec', 'zstd', 'gzip, snappy or lz4', reason)
}

// zlib.constants.ZSTD_CLEVEL_DEFAULT, which Deno lacks.
const defaultLevel = 3

/** Levels up to 22; -1 is zstd's own default, 3. Source: RFC 8878, KIP-110, KIP-390. */
export const zstd: Codec = {
  id: 4,
  name: 'zstd',
  compress(chunks, byteLength, level) {
    checkAvailable()
    const { constants, zstdCompress, zstdCompressSync } = zlib()
    return compressWith({ sync: zstdCompressSync, async: zstdCompress }, chunks, byteLength, {
      // Where a result takes a second chunk, Deno adds an empty frame to it.
      chunkSize: isDeno ? byteLength + (byteLength >>> 7) + 64 : chunkSizeFor(byteLength),
      // With the size in the header a reader allocates once, and no window is larger than the batch.
      pledgedSrcSize: byteLength,
      params: { [constants.ZSTD_c_compressionLevel]: level === -1 ? defaultLevel : Math.min(level, 22) },
    })
  },
  decompress(bytes, maxBytes) {
    checkZstdFrame(bytes)
    checkAvailable()
    return decompressWith('zstd', zlib().zstdDecompressSync, bytes, maxBytes)
  },
}
