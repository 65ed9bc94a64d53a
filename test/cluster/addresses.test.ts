import { describe, expect, test } from 'vitest'
import { brokerLabel, formatAddress, parseAddress, parseAddresses } from '../../src/cluster/addresses.ts'

describe('an address', () => {
  test.each([
    ['kafka', 'kafka', 9092],
    ['kafka:9093', 'kafka', 9093],
    [' kafka-1.example.com:19092 ', 'kafka-1.example.com', 19092],
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['[::1]', '::1', 9092],
    ['[2001:db8::7]:9094', '2001:db8::7', 9094],
    ['[fe80::1%eth0]:9094', 'fe80::1%eth0', 9094],
    ['::1', '::1', 9092],
  ])('%s is understood', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port })
  })

  test.each([
    '',
    ':9092',
    'kafka:',
    'kafka:0',
    'kafka:65536',
    'kafka:9092x',
    'kafka://a:1',
    'a b:1',
    '[::1',
    '[]:1',
    'a:1:2',
  ])('"%s" is none', text => expect(parseAddress(text)).toBeNull())

  test('is shown with brackets around IPv6', () => {
    expect(formatAddress('::1', 9092)).toBe('[::1]:9092')
    expect(brokerLabel('kafka', 9092, 3)).toBe('kafka:9092/3')
    expect(brokerLabel('kafka', 9092, -1)).toBe('kafka:9092/bootstrap')
  })
})

describe('a list of addresses', () => {
  test('drops repetitions and empty places', () => {
    const list = parseAddresses('a, b:1,, a:9092,', () => expect.unreachable())
    expect(list).toEqual([
      { host: 'a', port: 9092 },
      { host: 'b', port: 1 },
    ])
  })

  test('names each text that is no address', () => {
    const bad: string[] = []
    expect(parseAddresses('a,http://b:1, c:x', text => bad.push(text))).toEqual([{ host: 'a', port: 9092 }])
    expect(bad).toEqual(['http://b:1', 'c:x'])
  })
})
