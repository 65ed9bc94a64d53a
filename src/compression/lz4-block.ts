// LZ4 blocks: the compressed part of a frame, one after the other and independent of each other.
// Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md

import { ProtocolError } from '../errors.ts'
import { clearPositions, matchEnd, positions, slotOf } from './match-finder.ts'
import type { Memory } from './scratch.ts'

const minMatch = 4
// The format's end of block: its last five bytes are literals, and its last match begins twelve bytes before the end.
const lastLiterals = 5
const lastMatchDistance = 12

/** How many bytes a block of `byteLength` bytes may take, with room for copies that run over by a word. */
export function lz4BlockBound(byteLength: number): number {
  return byteLength + Math.ceil(byteLength / 255) + 24
}

/** Compresses `source[start, end)` into `target` from `to` on, which has `lz4BlockBound` bytes of room; gives the end. */
export function encodeLz4Block(source: Memory, start: number, end: number, target: Memory, to: number): number {
  const { view } = source
  const out = target.view
  const shift = clearPositions(end - start)
  const searchEnd = end - lastMatchDistance
  const matchLimit = end - lastLiterals
  let literals = start
  let at = start + 1 // the first byte has nothing before it

  while (at <= searchEnd) {
    // One step further for every 64 misses: what does not compress is passed over ever faster.
    let misses = 64
    let offset = 0
    for (;;) {
      const word = view.getInt32(at, true)
      const slot = slotOf(word, shift)
      offset = (at - start - (positions[slot] as number)) & 0xffff
      positions[slot] = at - start
      if (view.getInt32(at - offset, true) === word && offset !== 0) break
      at += misses++ >>> 6
      if (at > searchEnd) return encodeLast(source, literals, end, target, to)
    }
    const found = at + minMatch
    while (at > literals && at - offset > start && view.getUint8(at - 1) === view.getUint8(at - offset - 1)) at--
    const next = matchEnd(view, found, offset, matchLimit)
    const literalLength = at - literals
    const matchLength = next - at - minMatch
    out.setUint8(to++, (Math.min(literalLength, 15) << 4) | Math.min(matchLength, 15))
    if (literalLength >= 15) to = encodeLength(out, to, literalLength - 15)
    if (literalLength > 64) target.bytes.set(source.bytes.subarray(literals, at), to)
    else for (let i = 0; i < literalLength; i += 4) out.setInt32(to + i, view.getInt32(literals + i, true), true)
    to += literalLength
    out.setUint16(to, offset, true)
    to += 2
    if (matchLength >= 15) to = encodeLength(out, to, matchLength - 15)

    literals = at = next
    if (at <= searchEnd) positions[slotOf(view.getInt32(at - 2, true), shift)] = at - 2 - start
  }
  return encodeLast(source, literals, end, target, to)
}

function encodeLast(source: Memory, literals: number, end: number, target: Memory, to: number): number {
  const length = end - literals
  target.view.setUint8(to++, Math.min(length, 15) << 4)
  if (length >= 15) to = encodeLength(target.view, to, length - 15)
  target.bytes.set(source.bytes.subarray(literals, end), to)
  return to + length
}

function encodeLength(out: DataView, to: number, rest: number): number {
  for (; rest >= 255; rest -= 255) out.setUint8(to++, 255)
  out.setUint8(to++, rest)
  return to
}

/** Decompresses `source[at, end)` into `target[to, limit)`, with matches from `to` on only; gives the end. */
export function decodeLz4Block(
  source: Uint8Array,
  at: number,
  end: number,
  target: Uint8Array,
  to: number,
  limit: number,
): number {
  const blockStart = to
  const readLength = (length: number): number => {
    let byte = 255
    while (byte === 255) {
      if (at >= end) throw malformed('a length is cut off')
      byte = source[at++] as number
      length += byte
    }
    return length
  }

  while (at < end) {
    const token = source[at++] as number
    const literalLength = token >>> 4 === 15 ? readLength(15) : token >>> 4
    if (literalLength > end - at) throw malformed('literals are cut off')
    if (literalLength > limit - to) throw malformed(`more than ${limit} bytes of output`)
    if (literalLength > 32) target.set(source.subarray(at, at + literalLength), to)
    else for (let i = 0; i < literalLength; i++) target[to + i] = source[at + i] as number
    at += literalLength
    to += literalLength
    if (at === end) return to

    if (end - at < 2) throw malformed('an offset is cut off')
    const offset = (source[at] as number) | ((source[at + 1] as number) << 8)
    at += 2
    if (offset === 0 || offset > to - blockStart) throw malformed('an offset points before the block')
    const matchLength = ((token & 15) === 15 ? readLength(15) : token & 15) + minMatch
    if (matchLength > limit - to) throw malformed(`more than ${limit} bytes of output`)
    for (const matchLimit = to + matchLength; to < matchLimit; to++) target[to] = target[to - offset] as number
  }
  throw malformed('a block ends without literals')
}

function malformed(what: string): ProtocolError {
  return new ProtocolError(`lz4: ${what}`)
}
