// From sealed to ready: what a codec does to a batch on the way.

import { Buffer } from 'node:buffer'
import { type CodecName, codecs } from '../compression/codecs.ts'
import type { Batch } from './batch.ts'
import type { PlugIns } from './config/options.ts'

/** Codecs of the configuration, in the place of the built-in ones. */
export type PluggedCodecs = NonNullable<PlugIns['codecs']>

/**
 * Puts a sealed batch through its codec, then calls `ready`; on the spot where the codec answers at once. A codec that
 * fails, or gives no bytes, leaves the batch as it is.
 */
export function compressBatch(batch: Batch, plugged: PluggedCodecs, ready: () => void): void {
  const { 'compression.codec': name, 'compression.level': level } = batch.profile
  if (name === 'none') {
    batch.to('ready')
    ready()
  } else compressWith(name as CodecName, level, batch, plugged, ready)
}

function compressWith(name: CodecName, level: number, batch: Batch, plugged: PluggedCodecs, ready: () => void): void {
  batch.to('compressing')
  batch.pin()
  const take = (bytes: unknown): void => {
    // It may have been given up in the meantime.
    if (batch.state === 'compressing') {
      // What a codec cannot make smaller goes as it is.
      if (bytes instanceof Uint8Array && bytes.length < batch.recordsBytes) {
        batch.compressed = bytes
        batch.codecId = codecs[name].id
      }
      batch.to('ready')
      ready()
    }
    batch.unpin()
  }
  const compressed = compress(batch, name, level, plugged)
  if (compressed instanceof Uint8Array) take(compressed)
  else Promise.resolve(compressed).then(take, () => take(null))
}

function compress(batch: Batch, name: CodecName, level: number, plugged: PluggedCodecs): unknown {
  const own = plugged[name]
  try {
    if (own === undefined) return codecs[name].compress(batch.payload, batch.recordsBytes, level)
    return own.compress(Buffer.concat(batch.payload), level)
  } catch {
    return null
  }
}
