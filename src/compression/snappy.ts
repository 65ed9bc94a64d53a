// snappy: written as one raw block, read raw or as the chunked stream that Java clients write.
// Source: snappy-java `SnappyOutputStream`, Kafka `SnappyCompression`.

import { ProtocolError } from '../errors.ts'
import type { Codec } from './codec.ts'
import { gather, scratch } from './scratch.ts'
import { decodeSnappyBlock, encodeSnappyBlock, readSnappyLength, snappyBlockBound } from './snappy-block.ts'

// `82 S N A P P Y 00`, then two big-endian words: version and lowest compatible version, both 1 to this day.
const streamMagic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
const streamHeaderBytes = 16

// The longest copy, 64 bytes, takes three.
const maxExpansion = 22

const input = scratch()
const output = scratch()

/** There is one level. */
export const snappy: Codec = {
  id: 2,
  name: 'snappy',

  compress(chunks, byteLength) {
    const source = gather(chunks, byteLength, input)
    const target = output(snappyBlockBound(byteLength))
    return target.bytes.slice(0, encodeSnappyBlock(source, byteLength, target))
  },

  decompress(bytes, maxBytes) {
    const isStream = streamMagic.every((byte, i) => bytes[i] === byte)
    const blocks = isStream ? readStream(bytes) : [readBlock(bytes, 0, bytes.length)]
    const total = blocks.reduce((sum, { length }) => sum + length, 0)
    if (total > maxBytes) throw malformed(`more than ${maxBytes} bytes of output`)
    const target = new Uint8Array(total)
    let to = 0
    for (const { at, end, length } of blocks) {
      decodeSnappyBlock(bytes, at, end, target, to, to + length)
      to += length
    }
    return target
  },
}

interface Block {
  readonly at: number
  readonly end: number
  readonly length: number
}

function readBlock(bytes: Uint8Array, start: number, end: number): Block {
  const { length, at } = readSnappyLength(bytes, start, end)
  if (length > maxExpansion * (end - at))
    throw malformed(`${end - at} bytes cannot hold the ${length} that are announced`)
  return { at, end, length }
}

function readStream(bytes: Uint8Array): Block[] {
  if (bytes.length < streamHeaderBytes) throw malformed('a stream header is cut off')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const blocks: Block[] = []
  for (let at = streamHeaderBytes; at < bytes.length; ) {
    const start = at + 4
    if (start > bytes.length) throw malformed('a chunk length is cut off')
    at = start + view.getUint32(at)
    if (at > bytes.length) throw malformed('a chunk is cut off')
    blocks.push(readBlock(bytes, start, at))
  }
  return blocks
}

function malformed(what: string): ProtocolError {
  return new ProtocolError(`snappy: ${what}`)
}
