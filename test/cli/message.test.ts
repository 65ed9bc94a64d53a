import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { type LineRules, messageOf } from '../../src/cli/message.ts'

const rules: LineRules = { topic: 't', keyDelimiter: null, headers: [['h', null]], partition: -1, json: false }
const read = (line: string, more: Partial<LineRules> = {}) => messageOf(Buffer.from(line), { ...rules, ...more }, 7)

describe('a line', () => {
  test('is the value, byte for byte', () => {
    expect(read('a:b\r')).toEqual({
      topic: 't',
      partition: -1,
      headers: [['h', null]],
      value: Buffer.from('a:b\r'),
      opaque: 7,
    })
  })

  test('is parted at the first delimiter', () => {
    const keyDelimiter = Buffer.from('::')
    expect(read('k::v::w', { keyDelimiter })).toMatchObject({ key: Buffer.from('k'), value: Buffer.from('v::w') })
    expect(read('::v', { keyDelimiter })).toMatchObject({ key: Buffer.alloc(0), value: Buffer.from('v') })
    expect(read('k::', { keyDelimiter })).toMatchObject({ key: Buffer.from('k'), value: Buffer.alloc(0) })
    expect(read('k:v', { keyDelimiter })).not.toHaveProperty('key')
  })
})

describe('a line of JSON', () => {
  test('says what it wants, and takes the rest from the command', () => {
    expect(read('{"value":"v","key":"k","partition":3}', { json: true })).toEqual({
      topic: 't',
      partition: 3,
      headers: [['h', null]],
      key: 'k',
      value: 'v',
      opaque: 7,
    })
  })

  test('may be a tombstone, or carry any value as JSON', () => {
    expect(read('{"value":null}', { json: true }).value).toBe(null)
    expect(read('{"value":{"a":[1]}}', { json: true }).value).toBe('{"a":[1]}')
  })

  test.each([
    ['{"value":', 'not JSON'],
    ['[1]', 'not an object with a "value"'],
    ['{"key":"k"}', 'not an object with a "value"'],
    ['{"value":1,"opaque":2}', 'unknown field "opaque"'],
  ])('%s is refused', (line, reason) => {
    expect(() => read(line, { json: true })).toThrow(reason)
  })
})
