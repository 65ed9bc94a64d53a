// From sealed to ready: what a codec does to a batch on the way.

import { type CodecName, codecs } from '../compression/codecs.ts'
import type { Batch } from './batch.ts'

/** Puts a sealed batch through its codec, then calls `ready`; on the spot where the codec answers at once. */
export function compressBatch(batch: Batch, ready: () => void): void {
  const { 'compression.codec': name, 'compression.level': level } = batch.profile
  if (name === 'none') {
    batch.to('ready')
    ready()
    return
  }
  const codec = codecs[name as CodecName]
  batch.to('compressing')
  batch.pin()
  const take = (bytes: Uint8Array | null): void => {
    // It may have been given up in the meantime.
    if (batch.state === 'compressing') {
      // What a codec cannot make smaller goes as it is.
      if (bytes !== null && bytes.length < batch.recordsBytes) {
        batch.payload = [bytes]
        batch.codecId = codec.id
      }
      batch.to('ready')
      ready()
    }
    batch.unpin()
  }
  const compressed = codec.compress(batch.payload, batch.recordsBytes, level)
  if (compressed instanceof Uint8Array) take(compressed)
  else compressed.then(take, () => take(null))
}
