import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { FrameSplitter } from '../../src/protocol/frame.ts'

function frameOf(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + body.length)
  new DataView(frame.buffer).setInt32(0, body.length)
  frame.set(body, 4)
  return frame
}

function split(pieces: readonly Uint8Array[], maxBytes = 1_000_000): Uint8Array[] {
  const frames: Uint8Array[] = []
  const splitter = new FrameSplitter(maxBytes, frame => frames.push(frame))
  for (const piece of pieces) splitter.push(piece)
  return frames
}

const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 })
const streamOf = (frames: readonly Uint8Array[]) => new Uint8Array(frames.flatMap(body => [...frameOf(body)]))

describe('a stream of frames', () => {
  test('comes out whole when it is fed one byte at a time', () => {
    fc.assert(
      fc.property(bodies, frames => {
        expect(split([...streamOf(frames)].map(byte => new Uint8Array([byte])))).toEqual(frames)
      }),
    )
  })

  test('comes out whole however it is cut', () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(1500)), (frames, cuts) => {
        const stream = streamOf(frames)
        const edges = [0, ...cuts.filter(cut => cut < stream.length).sort((a, b) => a - b), stream.length]
        const pieces = edges.slice(1).map((end, i) => stream.subarray(edges[i], end))
        expect(split(pieces)).toEqual(frames)
      }),
    )
  })

  test('comes out whole when all of it arrives at once, empty frames too', () => {
    expect(split([new Uint8Array([0, 0, 0, 0, 0, 0, 0, 1, 7, 0, 0, 0, 0])])).toEqual([
      new Uint8Array(0),
      new Uint8Array([7]),
      new Uint8Array(0),
    ])
  })

  test('does not show later changes of the memory that it came in', () => {
    const piece = frameOf(new Uint8Array([1, 2]))
    const [frame] = split([piece])
    piece.fill(9)
    expect(frame).toEqual(new Uint8Array([1, 2]))
  })
})

describe('a frame is refused', () => {
  test('when it announces 2 GiB', () => {
    expect(() => split([new Uint8Array([0x7f, 0xff, 0xff, 0xff])])).toThrow(
      'a frame announces 2147483647 bytes, at most 1000000 are allowed',
    )
  })

  test('when it announces a negative size', () => {
    expect(() => split([new Uint8Array([0xff, 0xff, 0xff, 0xff])])).toThrow(ProtocolError)
    expect(() => split([new Uint8Array([0x80, 0, 0, 0])])).toThrow('a frame announces -2147483648 bytes')
  })

  test('from one byte above the limit', () => {
    expect(split([frameOf(new Uint8Array(10))], 10)).toHaveLength(1)
    expect(() => split([frameOf(new Uint8Array(11))], 10)).toThrow(ProtocolError)
  })

  test('after the frames before it were handed over', () => {
    const frames: Uint8Array[] = []
    const splitter = new FrameSplitter(10, frame => frames.push(frame))
    expect(() => splitter.push(new Uint8Array([0, 0, 0, 1, 7, 0xff, 0, 0, 0]))).toThrow(ProtocolError)
    expect(frames).toEqual([new Uint8Array([7])])
  })
})
