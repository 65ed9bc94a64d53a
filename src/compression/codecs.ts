// The table of codecs. `none` is not one of them: what is not compressed passes no codec.

import type { Codec } from './codec.ts'
import { gzip } from './gzip.ts'
import { lz4 } from './lz4.ts'
import { snappy } from './snappy.ts'
import { zstd, zstdUnavailable } from './zstd.ts'

export type CodecName = Codec['name']

export const codecs: Readonly<Record<CodecName, Codec>> = { gzip, snappy, lz4, zstd }

/** The codec with that number in a batch's attributes; undefined for 0 (none) and 5 to 7 (no codec has them). */
export function codecById(id: number): Codec | undefined {
  return byId[id]
}

/** Why a codec cannot be used on this runtime, in words, or null if it can. */
export function codecUnavailable(name: CodecName): string | null {
  return name === 'zstd' ? zstdUnavailable() : null
}

const byId: readonly (Codec | undefined)[] = [undefined, gzip, snappy, lz4, zstd]
