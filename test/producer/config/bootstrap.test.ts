import { describe, expect, test } from 'vitest'
import type { BootstrapServers } from '../../../src/producer/config/bootstrap.ts'
import { resolveConfig } from '../../../src/producer/config/config.ts'

const servers = (written: BootstrapServers) =>
  resolveConfig({ 'bootstrap.servers': written }).bootstrapServers.map(({ host, port }) => `${host} ${port}`)

describe('bootstrap servers', () => {
  test.each<[string, BootstrapServers, string[]]>([
    ['one host', 'kafka', ['kafka 9092']],
    ['a host with its port', 'kafka:1', ['kafka 1']],
    [
      'several, with spaces and a comma too many',
      ' a:1, b ,c_d.example.com.:65535,',
      ['a 1', 'b 9092', 'c_d.example.com. 65535'],
    ],
    ['IPv4', '10.0.0.1:9', ['10.0.0.1 9']],
    [
      'IPv6 in brackets',
      '[::1],[fe80::1%eth0]:9093,[::ffff:1.2.3.4]:1',
      ['::1 9092', 'fe80::1%eth0 9093', '::ffff:1.2.3.4 1'],
    ],
    ['a list of texts', ['a:1', 'b:2,c'], ['a 1', 'b 2', 'c 9092']],
    [
      'a list of objects',
      [{ host: 'a', port: 1 }, { host: '::1' }, { host: '[::2]', port: 3 }],
      ['a 1', '::1 9092', '::2 3'],
    ],
    ['the same one twice', 'a,a:9092,b', ['a 9092', 'b 9092']],
  ])('may be %s', (_, written, expected) => {
    expect(servers(written)).toEqual(expected)
  })

  test.each<[string, unknown]>([
    ['a port that is none', 'a:0'],
    ['a port that is too large', 'a:65536'],
    ['a port that is no number', 'a:http'],
    ['no port after the colon', 'a:'],
    ['no host', ':9092'],
    ['IPv6 without brackets', '::1'],
    ['brackets around a name', '[kafka]:9092'],
    ['a bracket that stays open', '[::1'],
    ['a scheme', 'ssl://a:9093'],
    ['a path', 'a:9092/x'],
    ['a space inside', 'a b'],
    ['semicolons', 'a:1;b:1'],
    ['nothing', ''],
    ['commas alone', ' , '],
    ['an empty list', []],
    ['a list with a hole', ['a', null]],
    ['an object without host', [{ port: 1 }]],
    ['a port with a fraction', [{ host: 'a', port: 1.5 }]],
    ['a single object', { host: 'a', port: 1 }],
    ['a number', 9092],
  ])('may not be %s', (_, written) => {
    expect(() => servers(written as BootstrapServers)).toThrow(
      expect.objectContaining({
        property: 'bootstrap.servers',
        value: written,
        allowed: expect.stringContaining('host[:port]'),
      }),
    )
  })

  test('have one form as a property', () => {
    const { properties } = resolveConfig({ 'bootstrap.servers': ['a', '[::1]:1'] })
    expect(properties['metadata.broker.list']).toBe('a:9092,[::1]:1')
  })
})
