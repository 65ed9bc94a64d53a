// lz4: frames of independent blocks, without checksums but the header's, as Kafka's own client writes them.
// Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md, Kafka `Lz4BlockInputStream`.

import { ProtocolError } from '../errors.ts'
import { readWord } from '../hashes/little-endian.ts'
import { xxh32 } from '../hashes/xxh32.ts'
import type { Codec } from './codec.ts'
import { decodeLz4Block, encodeLz4Block, lz4BlockBound } from './lz4-block.ts'
import { gather, scratch } from './scratch.ts'

const magic = 0x184d2204
const headerBytes = 7
const storedBit = 0x80000000

const flag = {
  version: 0xc0,
  independent: 0x20,
  blockChecksum: 0x10,
  contentSize: 0x08,
  contentChecksum: 0x04,
  reserved: 0x03,
}

const input = scratch()
const output = scratch()

/** There is one level. */
export const lz4: Codec = {
  id: 3,
  name: 'lz4',

  compress(chunks, byteLength) {
    const source = gather(chunks, byteLength, input)
    // Blocks of 1 MB save 5 % on JSON lines, but a reader has to allocate one whatever the batch's size.
    const sizeCode = byteLength <= 0x10000 ? 4 : byteLength <= 0x40000 ? 5 : 6
    const blockBytes = blockBytesOf(sizeCode)
    const target = output(headerBytes + 4 + lz4BlockBound(byteLength) + 4 * Math.ceil(byteLength / blockBytes))
    const { bytes, view } = target

    view.setUint32(0, magic, true)
    view.setUint8(4, 0x40 | flag.independent)
    view.setUint8(5, sizeCode << 4)
    view.setUint8(6, headerChecksum(bytes, 4, 6))
    let to = headerBytes
    for (let at = 0; at < byteLength; at += blockBytes) {
      const end = Math.min(at + blockBytes, byteLength)
      const blockStart = to + 4
      to = encodeLz4Block(source, at, end, target, blockStart)
      if (to - blockStart < end - at) {
        view.setUint32(blockStart - 4, to - blockStart, true)
      } else {
        view.setUint32(blockStart - 4, (end - at) | storedBit, true)
        bytes.set(source.bytes.subarray(at, end), blockStart)
        to = blockStart + (end - at)
      }
    }
    view.setUint32(to, 0, true)
    return bytes.slice(0, to + 4)
  },

  /** Refuses what Kafka's reader refuses, and beyond that wrong sizes and checksums, and bytes behind the frame. */
  decompress(bytes, maxBytes) {
    const { blockBytes, blocks, outputBound, contentSize, contentChecksum } = readFrame(bytes)
    const target = new Uint8Array(Math.min(outputBound, maxBytes))
    let to = 0
    for (const { start, end, stored } of blocks) {
      const limit = Math.min(to + blockBytes, target.length)
      if (!stored) {
        to = decodeLz4Block(bytes, start, end, target, to, limit)
      } else if (end - start <= limit - to) {
        target.set(bytes.subarray(start, end), to)
        to += end - start
      } else {
        throw malformed(`more than ${limit} bytes of output`)
      }
    }
    if (contentSize !== null && contentSize !== to) throw malformed(`${to} bytes where ${contentSize} were announced`)
    if (contentChecksum !== null && contentChecksum !== xxh32(target, 0, to)) throw malformed('wrong content checksum')
    return target.subarray(0, to)
  },
}

interface Frame {
  readonly blockBytes: number
  readonly blocks: readonly { readonly start: number; readonly end: number; readonly stored: boolean }[]
  /** No output can be longer: 255 bytes for each compressed one, and a full block for each block. */
  readonly outputBound: number
  readonly contentSize: number | null
  readonly contentChecksum: number | null
}

function readFrame(bytes: Uint8Array): Frame {
  let at = 0
  const take = (length: number): number => {
    if (length > bytes.length - at) throw malformed(`cut off after ${bytes.length} bytes`)
    at += length
    return at - length
  }
  const takeWord = () => readWord(bytes, take(4)) >>> 0

  if (takeWord() !== magic) throw malformed('no frame begins here')
  const flags = bytes[take(1)] as number
  const descriptor = bytes[take(1)] as number
  const sizeCode = (descriptor >>> 4) & 7
  if ((flags & flag.version) !== 0x40) throw malformed('unknown version')
  if ((flags & flag.reserved) !== 0 || (descriptor & 0x8f) !== 0) throw malformed('reserved bits are set')
  if ((flags & flag.independent) === 0) throw malformed('dependent blocks, which Kafka does not read')
  if (sizeCode < 4) throw malformed(`unknown block size ${sizeCode}`)
  const contentSize = flags & flag.contentSize ? takeWord() + takeWord() * 2 ** 32 : null
  if (headerChecksum(bytes, 4, at) !== bytes[take(1)]) throw malformed('wrong header checksum')

  const blockBytes = blockBytesOf(sizeCode)
  const blocks = []
  let outputBound = 0
  for (let size = takeWord(); size !== 0; size = takeWord()) {
    const stored = size >= storedBit
    const length = stored ? size - storedBit : size
    if (length > blockBytes) throw malformed(`a block of ${length} bytes where ${blockBytes} is the most`)
    const start = take(length)
    if (flags & flag.blockChecksum && takeWord() !== xxh32(bytes, start, start + length))
      throw malformed('wrong block checksum')
    blocks.push({ start, end: start + length, stored })
    outputBound += stored ? length : Math.min(blockBytes, 255 * length)
  }
  const contentChecksum = flags & flag.contentChecksum ? takeWord() : null
  if (at !== bytes.length) throw malformed(`${bytes.length - at} bytes behind the frame`)
  return { blockBytes, blocks, outputBound, contentSize, contentChecksum }
}

/** The second byte of the hash of the frame descriptor, from the flags on: what the specification says, not KAFKA-3160. */
function headerChecksum(bytes: Uint8Array, start: number, end: number): number {
  return (xxh32(bytes, start, end) >>> 8) & 0xff
}

/** 64 KB for code 4, and four times as much for each one up to 7. */
function blockBytesOf(sizeCode: number): number {
  return 1 << (8 + 2 * sizeCode)
}

function malformed(what: string): ProtocolError {
  return new ProtocolError(`lz4: ${what}`)
}
