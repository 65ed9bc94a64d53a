import { describe, expect, test } from 'vitest'
import { type ProducerOptions, resolveConfig } from '../../../src/producer/config/config.ts'

const resolve = (options: object) => resolveConfig({ 'bootstrap.servers': 'a', ...options } as ProducerOptions)
const fault = (property: string) => expect.objectContaining({ property, code: -186 })
const plain = { 'sasl.mechanisms': 'PLAIN', 'sasl.username': 'u', 'sasl.password': 'p' }

describe('what was meant to be protected', () => {
  test.each([{ 'ssl.ca.location': '/ca' }, { tls: {} }, plain, { oauthBearerTokenProvider: () => {} }])(
    'is not sent in plain text: %j',
    options => {
      expect(() => resolve(options)).toThrow(fault('security.protocol'))
    },
  )

  test('is warned about where plaintext was asked for by name', () => {
    const { warnings } = resolve({ 'security.protocol': 'plaintext', 'ssl.ca.location': '/ca', ...plain })
    expect(warnings.map(({ property }) => property).sort()).toEqual(['ssl.ca.location', ...Object.keys(plain)].sort())
  })

  test('is warned about where its secret could be read on the way', () => {
    const { warnings } = resolve({ 'security.protocol': 'sasl_plaintext', ...plain })
    expect(warnings).toEqual([{ property: 'security.protocol', reason: expect.stringContaining('unencrypted') }])
    expect(resolve({ 'security.protocol': 'sasl_ssl', ...plain }).warnings).toEqual([])
    const scram = { ...plain, 'sasl.mechanisms': 'SCRAM-SHA-512' }
    expect(resolve({ 'security.protocol': 'sasl_plaintext', ...scram }).warnings).toEqual([])
  })

  test('is warned about where any certificate will do', () => {
    const { warnings } = resolve({ 'security.protocol': 'ssl', 'enable.ssl.certificate.verification': false })
    expect(warnings).toHaveLength(1)
  })
})

test.each([
  [{ 'ssl.ca.location': 'a', 'ssl.ca.pem': 'b' }, 'ssl.ca.location'],
  [{ 'ssl.certificate.pem': 'a' }, 'ssl.key.location'],
  [{ 'ssl.key.location': 'a' }, 'ssl.certificate.location'],
  [{ 'ssl.keystore.location': 'a' }, 'ssl.keystore.password'],
])('certificates that do not belong together are refused: %j', (options, property) => {
  expect(() => resolve({ 'security.protocol': 'ssl', ...options })).toThrow(fault(property))
})

test.each([
  [{}, 'sasl.mechanisms', /Kerberos needs native code/],
  [{ 'sasl.mechanism': 'PLAIM' }, 'sasl.mechanism', /no such mechanism/],
  [{ 'sasl.mechanisms': 'PLAIN', 'sasl.username': 'u' }, 'sasl.password', /PLAIN needs it/],
  [{ 'sasl.mechanisms': 'SCRAM-SHA-256', 'sasl.username': '', 'sasl.password': 'p' }, 'sasl.username', /needs it/],
  [{ 'sasl.mechanisms': 'OAUTHBEARER' }, 'oauthBearerTokenProvider', /needs it/],
  [
    { 'sasl.mechanisms': 'OAUTHBEARER', 'enable.sasl.oauthbearer.unsecure.jwt': true },
    'sasl.oauthbearer.config',
    /name=value/,
  ],
])('a mechanism that lacks something is refused: %j', (options, property, says) => {
  expect(() => resolve({ 'security.protocol': 'sasl_ssl', ...options })).toThrow(fault(property))
  expect(() => resolve({ 'security.protocol': 'sasl_ssl', ...options })).toThrow(says)
})

test('a mechanism that is plugged in is taken, also in the place of a built-in one', () => {
  for (const name of ['GSSAPI', 'PLAIN', 'X-OURS']) {
    const options = { 'security.protocol': 'sasl_ssl', 'sasl.mechanisms': name, saslMechanisms: { [name]: () => {} } }
    expect(resolve(options).properties['sasl.mechanisms']).toBe(name)
  }
})
