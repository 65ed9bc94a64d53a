import fc from 'fast-check'
import lz4js from 'lz4js'
import { describe, expect, test } from 'vitest'
import { lz4 } from '../../src/compression/lz4.ts'
import { ProtocolError } from '../../src/errors.ts'
import { xxh32 } from '../../src/hashes/xxh32.ts'
import vectors from '../vectors/compression.json' with { type: 'json' }
import { hex, inChunks, noise, payloads, sameBytes } from './payloads.ts'

const compress = (bytes: Uint8Array) => lz4.compress([bytes], bytes.length, -1) as Uint8Array
const decompress = (bytes: Uint8Array, maxBytes = 4 << 20) => lz4.decompress(bytes, maxBytes) as Uint8Array

/** A frame with a right header checksum; `blocks` is everything behind the header, end mark included. */
function frame(flags: number, descriptor: number, blocks: string, contentSize = ''): Uint8Array {
  const header = hex(`04224d18${flags.toString(16)}${descriptor.toString(16)}${contentSize}`)
  return Buffer.concat([header, Uint8Array.of((xxh32(header, 4, header.length) >>> 8) & 0xff), hex(blocks)])
}

function word(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes.toString('hex')
}

const hello = '05000080 68656c6c6f'

describe('what is written', () => {
  test('is the known frame where nothing compresses', () => {
    expect(Buffer.from(compress(Buffer.from('hello')))).toEqual(hex(vectors.hello.lz4))
  })

  test('is the known frame for a run', () => {
    expect(Buffer.from(compress(Buffer.from('a'.repeat(32))))).toEqual(hex(vectors.thirtyTwoTimesA.lz4))
  })

  test('is a header and an end mark for no byte', () => {
    expect(Buffer.from(compress(new Uint8Array(0)))).toEqual(hex('04224d18604082 00000000'))
  })

  test('has the smallest block size that does, up to 1 MB', () => {
    const header = (length: number) => Buffer.from(compress(new Uint8Array(length)).subarray(4, 7)).toString('hex')
    expect([1, 65_536, 65_537].map(header)).toEqual(['604082', '604082', '6050fb'])
    expect([262_144, 262_145, 2_000_000].map(header)).toEqual(['6050fb', '606051', '606051'])
  })

  test.each(Object.entries(payloads))('is read by lz4js: %s', (_, payload) => {
    const compressed = lz4.compress(inChunks(payload, 10_000), payload.length, -1) as Uint8Array
    expect(sameBytes(Uint8Array.from(lz4js.decompress(compressed)), payload)).toBe(true)
  })

  test('is read by lz4js, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000, max: 2 }), bytes =>
        sameBytes(Uint8Array.from(lz4js.decompress(compress(bytes))), bytes),
      ),
    )
  })

  test('ends every compressed block as the format demands', () => {
    // The last five bytes are literals, so that the last token is the only one without a match.
    for (let length = 13; length < 300; length++) {
      const block = compress(new Uint8Array(length)).subarray(11, -4)
      expect(Buffer.from(block.subarray(-6)).toString('hex')).toBe('500000000000')
    }
  })

  test('has blocks that do not refer to each other', () => {
    const part = noise(40_000, 5)
    const payload = Buffer.concat([new Uint8Array(1_048_576 - 40_000), part, part])
    const compressed = compress(payload)
    expect(compressed.length).toBeGreaterThan(80_000)
    expect(sameBytes(decompress(compressed), payload)).toBe(true)
  })
})

describe('what is read', () => {
  test.each(Object.entries(vectors.lz4HeaderChecksums))('the header %s has the checksum %s', (descriptor, checksum) => {
    const bytes = hex(descriptor)
    expect(((xxh32(bytes, 0, 2) >>> 8) & 0xff).toString(16).padStart(2, '0')).toBe(checksum)
  })

  test.each(Object.entries(payloads))('frames of lz4js, once they own to independent blocks: %s', (_, payload) => {
    const theirs = Uint8Array.from(lz4js.compress(payload))
    expect(Buffer.from(theirs.subarray(0, 7)).toString('hex')).toBe('04224d184070df')
    expect(() => decompress(theirs)).toThrow('dependent blocks')
    theirs.set([0x60, 0x70, 0x73], 4) // all of it fits one block of 4 MB, which depends on nothing
    expect(sameBytes(decompress(theirs), payload)).toBe(true)
  })

  test('frames with content size, content checksum and block checksums', () => {
    const bytes = Buffer.from('hello')
    const sum = word(xxh32(bytes, 0, 5))
    const size = `${word(5)}00000000`
    expect(decompress(frame(0x64, 0x40, `${hello} 00000000 ${sum}`)).length).toBe(5)
    expect(decompress(frame(0x68, 0x40, `${hello} 00000000`, size)).length).toBe(5)
    expect(decompress(frame(0x70, 0x40, `${hello} ${sum} 00000000`)).length).toBe(5)
    expect(decompress(frame(0x7c, 0x70, `${hello} ${sum} 00000000 ${sum}`, size)).length).toBe(5)
  })

  const end = '00000000'
  test.each<[string, Uint8Array, string]>([
    ['another magic', hex('04224d19604082 00000000'), 'no frame begins here'],
    ['a wrong header checksum', hex(`04224d18604083${end}`), 'header checksum'],
    ['the header checksum of KAFKA-3160', hex(`04224d1860401a${end}`), 'header checksum'],
    ['another version', frame(0xa0, 0x40, end), 'version'],
    ['dependent blocks', frame(0x40, 0x40, end), 'dependent'],
    ['a dictionary', frame(0x61, 0x40, end), 'reserved'],
    ['a reserved flag', frame(0x62, 0x40, end), 'reserved'],
    ['a reserved bit of the descriptor', frame(0x60, 0xc0, end), 'reserved'],
    ['an unknown block size', frame(0x60, 0x30, end), 'block size 3'],
    ['a block larger than announced', frame(0x60, 0x40, `${word(65_537)}${'00'.repeat(65_537)}${end}`), '65537 bytes'],
    [
      'a block that holds more than a block',
      frame(0x60, 0x40, `${word(301)} 1f000100${'ff'.repeat(290)}00 5000000000 00 ${end}`),
      'more than 65536',
    ],
    ['a wrong content checksum', frame(0x64, 0x40, `${hello}${end} 00000001`), 'content checksum'],
    ['a wrong content size', frame(0x68, 0x40, `${hello}${end}`, `${word(6)}00000000`), '5 bytes where 6'],
    ['a wrong block checksum', frame(0x70, 0x40, `${hello} 00000001 ${end}`), 'block checksum'],
    ['no end mark', frame(0x60, 0x40, hello), 'cut off'],
    ['bytes behind the end mark', frame(0x60, 0x40, `${hello}${end}00`), '1 bytes behind'],
    ['a second frame', Buffer.concat([frame(0x60, 0x40, end), frame(0x60, 0x40, end)]), '11 bytes behind'],
    ['an offset of 0', frame(0x60, 0x40, `0a000000 1061 0000 5061616161 61 ${end}`), 'before the block'],
    ['an offset before the block', frame(0x60, 0x40, `0a000000 1061 0200 5061616161 61 ${end}`), 'before the block'],
    [
      'an offset into the block before',
      frame(0x60, 0x40, `${hello} 0a000000 1061 0200 5061616161 61 ${end}`),
      'before the block',
    ],
    ['literals that are cut off', frame(0x60, 0x40, `02000000 5061 ${end}`), 'literals are cut off'],
    ['a length that is cut off', frame(0x60, 0x40, `02000000 f0ff ${end}`), 'a length is cut off'],
    ['an offset that is cut off', frame(0x60, 0x40, `03000000 106101 ${end}`), 'an offset is cut off'],
    ['a block that ends with a match', frame(0x60, 0x40, `04000000 10610100 ${end}`), 'ends without literals'],
  ])('is not %s', (_, bytes, reason) => {
    expect(() => decompress(bytes)).toThrow(ProtocolError)
    expect(() => decompress(bytes)).toThrow(reason)
  })

  test('announces no more memory than its own bytes can fill', () => {
    // A thousand blocks of 4 MB, each of six bytes.
    const bytes = frame(0x60, 0x70, `${'06000000 500000000000'.repeat(1000)} ${end}`)
    expect(decompress(bytes, 2 ** 40).length).toBe(5000)
  })
})
