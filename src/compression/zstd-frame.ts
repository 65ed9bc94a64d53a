// The outline of a zstd frame. node:zlib takes one that is cut off for its beginning, without a word.

import { ProtocolError } from '../errors.ts'

/** Throws unless the bytes are exactly one frame, from its first byte to its last. Source: RFC 8878, 3.1.1. */
export function checkZstdFrame(bytes: Uint8Array): void {
  let at = 0
  const take = (length: number): number => {
    if (length > bytes.length - at) throw malformed(`cut off after ${bytes.length} bytes`)
    let value = 0
    for (let i = Math.min(length, 4) - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] as number)
    at += length
    return value
  }

  if (take(4) !== 0xfd2fb528) throw malformed('no frame begins here')
  const descriptor = take(1)
  const singleSegment = (descriptor & 0x20) !== 0
  const contentSizeCode = descriptor >>> 6
  if (!singleSegment) take(1) // window
  take([0, 1, 2, 4][descriptor & 3] as number) // dictionary
  take(contentSizeCode === 0 ? (singleSegment ? 1 : 0) : 1 << contentSizeCode)
  let last = false
  while (!last) {
    const header = take(3)
    last = (header & 1) === 1
    const isRun = ((header >>> 1) & 3) === 1 // one byte, and the size is how often it comes
    take(isRun ? 1 : header >>> 3)
  }
  if (descriptor & 4) take(4) // checksum
  if (at !== bytes.length) throw malformed(`${bytes.length - at} bytes behind the frame`)
}

function malformed(what: string): ProtocolError {
  return new ProtocolError(`zstd: ${what}`)
}
