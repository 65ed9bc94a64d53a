// gzip: one ordinary member, by node:zlib.

import type { Codec } from './codec.ts'
import { chunkSizeFor, compressWith, decompressWith, zlib } from './zlib-coder.ts'

/** Levels -1 (zlib's own choice, 6) to 9. Source: RFC 1952, KIP-390. */
export const gzip: Codec = {
  id: 1,
  name: 'gzip',
  compress(chunks, byteLength, level) {
    const { gzip, gzipSync } = zlib()
    return compressWith({ sync: gzipSync, async: gzip }, chunks, byteLength, {
      level: Math.max(-1, Math.min(level, 9)),
      chunkSize: chunkSizeFor(byteLength),
    })
  },
  decompress: (bytes, maxBytes) => decompressWith('gzip', zlib().gunzipSync, bytes, maxBytes),
}
