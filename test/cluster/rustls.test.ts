import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { tlsSource } from '../../src/cluster/tls.ts'
import { explainTlsFault } from '../../src/cluster/tls-faults.ts'
import { type Certificate, certificateAuthority } from '../support/certificates.ts'
import { noTlsSettings } from '../support/tls-settings.ts'

vi.mock('../../src/deno.ts', () => ({ isDeno: true }))

let authority: Awaited<ReturnType<typeof certificateAuthority>>
let ann: Certificate
let bob: Certificate
let lockedKey: string

beforeAll(async () => {
  authority = await certificateAuthority()
  ann = await authority.issue('ann')
  bob = await authority.issue('bob')
  lockedKey = authority.file('locked.key')
  const locking = ['-topk8', '-in', ann.keyFile, '-out', lockedKey, '-v2', 'aes-256-cbc', '-passout', 'pass:hunter2']
  await authority.openssl('pkcs8', ...locking)
})
afterAll(() => authority.remove())

const make = (settings: object) => () => tlsSource({ ...noTlsSettings, ...settings })()

describe('what the TLS of Deno would ignore', () => {
  test.each([
    ['ssl.crl.location', () => ({ crlLocation: authority.caFile })],
    ['ssl.cipher.suites', () => ({ ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })],
    ['ssl.curves.list', () => ({ curves: 'P-256' })],
    ['ssl.sigalgs.list', () => ({ signatureAlgorithms: 'rsa_pss_rsae_sha256' })],
    ['tls', () => ({ options: { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' } })],
  ])('is refused: %s', (property, settings) => {
    expect(make(settings())).toThrow(expect.objectContaining({ code: -186, property }))
    expect(make(settings())).toThrow(/Deno/)
  })
})

describe('a client certificate and its key, which Deno would not look at before the broker asks', () => {
  test('are used when they belong together', () => {
    const { certFile: certificateLocation, keyFile: keyLocation } = ann
    expect(make({ certificateLocation, keyLocation })()).toHaveProperty('secureContext')
    expect(make({ certificatePem: ann.key + ann.cert, keyPem: ann.key + ann.cert })()).toHaveProperty('secureContext')
    const locked = { certificateLocation, keyLocation: lockedKey, keyPassword: 'hunter2' }
    expect(make(locked)()).toHaveProperty('secureContext')
  })

  test.each<[string, () => object]>([
    ['of two people', () => ({ certificatePem: ann.cert, keyPem: bob.key })],
    ['with a key that is none', () => ({ certificatePem: ann.cert, keyPem: 'hunter2' })],
    ['with a certificate that is none', () => ({ certificatePem: 'hunter2', keyPem: ann.key })],
    ['with another password', () => ({ certificatePem: ann.cert, keyLocation: lockedKey, keyPassword: '2retnuh' })],
    ['without the password', () => ({ certificatePem: ann.cert, keyLocation: lockedKey })],
  ])('%s are refused', (_, settings) => {
    expect(make(settings())).toThrow(expect.objectContaining({ code: -186, property: 'ssl.certificate.pem' }))
    expect(make(settings())).not.toThrow(/hunter2|2retnuh/)
  })
})

test('a certificate that cannot be verified may be out of its time, which Deno does not tell apart', () => {
  expect(explainTlsFault('UNABLE_TO_VERIFY_LEAF_SIGNATURE')).toMatch(/ssl\.ca\.location.*clocks/)
})
