// Snappy's raw block: a length, then literals and copies from what has been output already.
// Source: https://github.com/google/snappy/blob/main/format_description.txt

import { ProtocolError } from '../errors.ts'
import { clearPositions, matchEnd, positions, slotOf } from './match-finder.ts'
import type { Memory } from './scratch.ts'

const minMatch = 4
// Literals are copied by words, which may read three bytes too many: a match is not looked for that close to the end.
const searchMargin = 8

/** How many bytes a block of `byteLength` bytes may take, with room for copies that run over by a word. */
export function snappyBlockBound(byteLength: number): number {
  return byteLength + Math.ceil(byteLength / 6) + 40
}

/** Compresses the first `end` bytes of `source` into `target`, which has `snappyBlockBound` bytes; gives the length. */
export function encodeSnappyBlock(source: Memory, end: number, target: Memory): number {
  const { view } = source
  const shift = clearPositions(end)
  const searchEnd = end - searchMargin
  let to = encodeVarint(target.view, 0, end)
  let literals = 0
  let at = 1 // the first byte has nothing before it

  while (at <= searchEnd) {
    // One step further for every 32 misses: what does not compress is passed over ever faster.
    let misses = 32
    let offset = 0
    for (;;) {
      const word = view.getInt32(at, true)
      const slot = slotOf(word, shift)
      offset = (at - (positions[slot] as number)) & 0xffff
      positions[slot] = at
      if (view.getInt32(at - offset, true) === word && offset !== 0) break
      at += misses++ >>> 5
      if (at > searchEnd) return encodeLiterals(source, literals, end, target, to)
    }
    const found = at + minMatch
    while (at > literals && at > offset && view.getUint8(at - 1) === view.getUint8(at - offset - 1)) at--
    const next = matchEnd(view, found, offset, end)
    if (at > literals) to = encodeLiterals(source, literals, at, target, to)
    to = encodeCopy(target.view, to, offset, next - at)
    literals = at = next
    if (at <= searchEnd) positions[slotOf(view.getInt32(at - 2, true), shift)] = at - 2
  }
  return literals < end ? encodeLiterals(source, literals, end, target, to) : to
}

function encodeLiterals(source: Memory, start: number, end: number, target: Memory, to: number): number {
  const length = end - start
  const out = target.view
  let rest = length - 1
  if (rest < 60) {
    out.setUint8(to++, rest << 2)
  } else {
    const tag = to++
    for (; rest > 0; rest >>>= 8) out.setUint8(to++, rest)
    out.setUint8(tag, (58 + to - tag) << 2)
  }
  if (length > 64 || end > source.view.byteLength - 4) target.bytes.set(source.bytes.subarray(start, end), to)
  else for (let i = 0; i < length; i += 4) out.setInt32(to + i, source.view.getInt32(start + i, true), true)
  return to + length
}

/** A match of any length as copies of at most 64 bytes, none of them below the 4 that the short form can hold. */
function encodeCopy(out: DataView, to: number, offset: number, length: number): number {
  for (; length >= 68; length -= 64) to = encodeLongCopy(out, to, offset, 64)
  if (length > 64) {
    to = encodeLongCopy(out, to, offset, 60)
    length -= 60
  }
  if (length > 11 || offset > 2047) return encodeLongCopy(out, to, offset, length)
  out.setUint8(to, ((offset >>> 8) << 5) | ((length - 4) << 2) | 1)
  out.setUint8(to + 1, offset)
  return to + 2
}

function encodeLongCopy(out: DataView, to: number, offset: number, length: number): number {
  out.setUint8(to, ((length - 1) << 2) | 2)
  out.setUint16(to + 1, offset, true)
  return to + 3
}

function encodeVarint(out: DataView, to: number, value: number): number {
  for (; value > 0x7f; value >>>= 7) out.setUint8(to++, value | 0x80)
  out.setUint8(to++, value)
  return to
}

/** The length that a block in `source[at, end)` announces for its output, and where its first element is. */
export function readSnappyLength(source: Uint8Array, at: number, end: number): { length: number; at: number } {
  let length = 0
  for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
    if (at >= end) throw malformed('a length is cut off')
    const byte = source[at++] as number
    length += (byte & 0x7f) * factor
    if (byte < 0x80) return { length, at }
  }
  throw malformed('a length has more than 32 bits')
}

/** Decompresses the elements in `source[at, end)` into exactly `target[to, limit)`. */
export function decodeSnappyBlock(
  source: Uint8Array,
  at: number,
  end: number,
  target: Uint8Array,
  to: number,
  limit: number,
): void {
  const blockStart = to
  while (at < end) {
    const tag = source[at++] as number
    const kind = tag & 3
    const width = kind === 0 ? Math.max(0, (tag >>> 2) - 59) : kind === 3 ? 4 : kind
    if (width > end - at) throw malformed('an element is cut off')
    const number = readNumber(source, at, width)
    at += width
    if (kind === 0) {
      const length = (width === 0 ? tag >>> 2 : number) + 1
      if (length > limit - to) throw malformed('more output than was announced')
      if (length > end - at) throw malformed('literals are cut off')
      if (length > 32) target.set(source.subarray(at, at + length), to)
      else for (let i = 0; i < length; i++) target[to + i] = source[at + i] as number
      at += length
      to += length
    } else {
      const length = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
      const offset = kind === 1 ? ((tag >>> 5) << 8) | number : number
      if (length > limit - to) throw malformed('more output than was announced')
      if (offset === 0 || offset > to - blockStart) throw malformed('an offset points before the block')
      for (const copyEnd = to + length; to < copyEnd; to++) target[to] = target[to - offset] as number
    }
  }
  if (to !== limit) throw malformed('less output than was announced')
}

/** Up to four bytes in little-endian order. */
function readNumber(source: Uint8Array, at: number, width: number): number {
  let value = 0
  for (let i = at + width - 1; i >= at; i--) value = (value << 8) | (source[i] as number)
  return value >>> 0
}

function malformed(what: string): ProtocolError {
  return new ProtocolError(`snappy: ${what}`)
}
