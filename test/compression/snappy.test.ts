import fc from 'fast-check'
import snappyjs from 'snappyjs'
import { describe, expect, test } from 'vitest'
import { snappy } from '../../src/compression/snappy.ts'
import { ProtocolError } from '../../src/errors.ts'
import vectors from '../vectors/compression.json' with { type: 'json' }
import { hex, inChunks, payloads, sameBytes } from './payloads.ts'

const compress = (bytes: Uint8Array) => snappy.compress([bytes], bytes.length, -1) as Uint8Array
const decompress = (bytes: Uint8Array, maxBytes = 4 << 20) => snappy.decompress(bytes, maxBytes) as Uint8Array

const streamHeader = '82534e41505059000000000100000001'

/** The stream that Java clients write: blocks of at most `blockBytes`, each with its length. */
function javaStream(bytes: Uint8Array, blockBytes = 32_768): Uint8Array {
  const blocks = inChunks(bytes, blockBytes).map(chunk => {
    const block = compress(chunk)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    return Buffer.concat([length, block])
  })
  return Buffer.concat([hex(streamHeader), ...blocks])
}

describe('what is written', () => {
  test('is the known block where nothing compresses', () => {
    expect(Buffer.from(compress(Buffer.from('hello')))).toEqual(hex(vectors.hello.snappy))
  })

  test('is a length for no byte', () => {
    expect(Buffer.from(compress(new Uint8Array(0)))).toEqual(hex('00'))
  })

  test.each(Object.entries(payloads))('is read by snappyjs: %s', (_, payload) => {
    const compressed = snappy.compress(inChunks(payload, 10_000), payload.length, -1) as Uint8Array
    expect(sameBytes(snappyjs.uncompress(compressed), payload)).toBe(true)
  })

  test('is read by snappyjs, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000, max: 2 }), bytes =>
        sameBytes(snappyjs.uncompress(compress(bytes)), bytes),
      ),
    )
  })

  test('is read by snappyjs for matches of every length at every kind of distance', () => {
    const random = payloads['900 KB of noise']?.subarray(0, 3000) ?? hex('')
    for (let length = 4; length < 140; length++) {
      for (const distance of [200, 2047, 2048, 2900]) {
        const bytes = Buffer.concat([random.subarray(0, distance), random.subarray(0, length), random.subarray(2950)])
        expect(sameBytes(snappyjs.uncompress(compress(bytes)), bytes)).toBe(true)
      }
    }
  })
})

describe('what is read', () => {
  test.each(Object.entries(payloads))('blocks of snappyjs: %s', (_, payload) => {
    expect(sameBytes(decompress(snappyjs.compress(payload)), payload)).toBe(true)
  })

  test('the stream of Java clients', () => {
    expect(Buffer.from(decompress(hex(vectors.hello.snappyStream))).toString()).toBe('hello')
    expect(decompress(hex(streamHeader)).length).toBe(0)
  })

  test.each(Object.entries(payloads))('the stream of Java clients: %s', (_, payload) => {
    expect(sameBytes(decompress(javaStream(payload)), payload)).toBe(true)
  })

  test('a stream whose blocks are too large together is refused', () => {
    const stream = javaStream(new Uint8Array(100_000))
    expect(decompress(stream, 100_000).length).toBe(100_000)
    expect(() => decompress(stream, 99_999)).toThrow('more than 99999 bytes')
  })

  test('copies with four bytes of offset, which no encoder of ours writes', () => {
    expect(Buffer.from(decompress(hex('08 0c61626364 0f04000000'))).toString()).toBe('abcdabcd')
  })

  test('literals with a length of one to four bytes', () => {
    for (const [tag, length] of [
      ['f0', '04'],
      ['f4', '0400'],
      ['f8', '040000'],
      ['fc', '04000000'],
    ]) {
      expect(Buffer.from(decompress(hex(`05 ${tag}${length} 68656c6c6f`))).toString()).toBe('hello')
    }
  })

  test.each([
    ['no byte', '', 'a length is cut off'],
    ['a length that is cut off', '80', 'a length is cut off'],
    ['a length of more than 32 bits', 'ffffffffff01', '32 bits'],
    ['a length that its bytes cannot fill', 'ffffff7f 1068656c6c6f', 'cannot hold'],
    ['literals that are cut off', '05 106865', 'literals are cut off'],
    ['a literal length that is cut off', '05 f4', 'element is cut off'],
    ['an offset that is cut off', '08 0c61626364 0e04', 'element is cut off'],
    ['an offset of 0', '08 0c61626364 0100', 'before the block'],
    ['an offset before the block', '08 0c61626364 0105', 'before the block'],
    ['more than announced', '04 1068656c6c6f', 'more output'],
    ['less than announced', '06 1068656c6c6f', 'less output'],
    ['a stream header that is cut off', '82534e4150505900 000000', 'stream header'],
    ['a chunk length that is cut off', `${streamHeader} 000000`, 'chunk length'],
    ['a chunk that is cut off', `${streamHeader} 00000008 051068656c6c6f`, 'a chunk is cut off'],
    [
      'a chunk that refers to the one before',
      `${streamHeader} 00000007 051068656c6c6f 00000003 040105`,
      'before the block',
    ],
  ])('is not %s', (_, bytes, reason) => {
    expect(() => decompress(hex(bytes))).toThrow(ProtocolError)
    expect(() => decompress(hex(bytes))).toThrow(reason)
  })
})
