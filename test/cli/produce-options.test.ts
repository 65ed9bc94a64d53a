import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { helpText, readSettings } from '../../src/cli/produce-options.ts'

describe('the options of produce', () => {
  test('become properties of the producer, the named ones last', () => {
    const settings = readSettings([
      '-t',
      'x',
      '-b',
      'a:1,b:2',
      '-z',
      'gzip',
      '-X',
      'linger.ms=5',
      '-X',
      'compression.codec=none',
      'f',
    ])
    expect(settings).toMatchObject({
      topic: 'x',
      hasBroker: true,
      files: ['f'],
      properties: { 'bootstrap.servers': 'a:1,b:2', 'linger.ms': '5', 'compression.codec': 'gzip' },
    })
  })

  test('without a broker there is none', () => {
    expect(readSettings(['-t', 'x'])?.hasBroker).toBe(false)
    expect(readSettings(['-t', 'x', '-X', 'metadata.broker.list=a'])?.hasBroker).toBe(true)
  })

  test('a delimiter may be written with escapes', () => {
    expect(readSettings(['-t', 'x', '-K', '\\t|\\x1F\\\\é\\q'])?.keyDelimiter).toEqual(Buffer.from('\t|\x1f\\é\\q'))
  })

  test('a header without = has a null value, one that ends with = an empty one', () => {
    expect(readSettings(['-t', 'x', '-H', 'a', '-H', 'b=', '-H', 'c=d=e'])?.headers).toEqual([
      ['a', null],
      ['b', ''],
      ['c', 'd=e'],
    ])
  })

  test.each([
    [[], '-t TOPIC is needed'],
    [['-t', 'x', '-p', '1.5'], '-p needs the number of a partition'],
    [['-t', 'x', '-X', 'linger.ms'], '-X needs NAME=VALUE'],
    [['-t', 'x', '-K', ''], '-K needs at least one character'],
  ])('%j is refused', (args, reason) => {
    expect(() => readSettings(args)).toThrow(reason)
  })

  test('--help wins over everything that is missing', () => {
    expect(readSettings(['--help'])).toBe(null)
    expect(helpText).toContain('-t, --topic TOPIC')
  })
})
