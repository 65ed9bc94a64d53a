import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodeTransport } from '../../src/cluster/node-transport.ts'
import { type TlsSettings, tlsSource } from '../../src/cluster/tls.ts'
import type { KafkaError } from '../../src/errors.ts'
import { type Certificate, certificateAuthority } from '../support/certificates.ts'
import { listen } from '../support/loopback.ts'
import { noTlsSettings as nothing } from '../support/tls-settings.ts'

let authority: Awaited<ReturnType<typeof certificateAuthority>>
let server: Certificate
let ann: Certificate
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'odradek-tls-'))
  authority = await certificateAuthority()
  server = await authority.issue('server', { names: 'DNS:localhost' })
  ann = await authority.issue('ann')
})
afterAll(async () => {
  await authority.remove()
  await rm(folder, { recursive: true })
})

/** Shakes hands with a server and tells what each side has seen, or the error. */
async function meet(source: () => object, serverOptions: object = {}, host = 'localhost', times = 1) {
  const seen: { client: unknown; resumed: boolean; name: unknown }[] = []
  const options = { key: server.key, cert: server.cert, ca: authority.ca, ...serverOptions }
  const peer = await listen(socket => {
    const tls = socket as TLSSocket
    seen.push({
      client: tls.getPeerCertificate().subject?.CN ?? '',
      resumed: tls.isSessionReused(),
      name: tls.servername,
    })
    tls.end('x')
  }, options)
  const transport = nodeTransport()
  try {
    for (let i = 0; i < times; i++) {
      await new Promise<void>((resolve, reject) => {
        const closed = (error?: Error) => (error?.message.includes('TLS') ? reject(error) : resolve())
        transport
          .connect({ host, port: peer.port, tls: source() }, { data() {}, drained() {}, closed })
          .then(undefined, reject)
      })
    }
    return seen
  } finally {
    await peer.stop()
  }
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: KafkaError) => error,
  )

describe('a handshake', () => {
  test('names the server, trusts its authority and shows the client certificate with its key', async () => {
    const certificateLocation = ann.certFile
    const source = tlsSource({ ...nothing, caLocation: authority.caFile, certificateLocation, keyPem: ann.key })
    expect(await meet(source, { requestCert: true })).toEqual([{ client: 'ann', resumed: false, name: 'localhost' }])
  })

  test('takes an encrypted key, a PKCS#12 keystore, and a folder of authorities', async () => {
    await authority.openssl('ec', '-in', 'ann.key', '-aes128', '-passout', 'pass:sesame', '-out', 'ann-locked.key')
    const bundle = ['-inkey', 'ann.key', '-in', 'ann.pem', '-passout', 'pass:sesame', '-out', 'ann.p12']
    await authority.openssl('pkcs12', '-export', ...bundle)
    const authorities = await mkdtemp(join(folder, 'ca-'))
    await cp(authority.caFile, join(authorities, 'one.pem'))
    const locked = { certificatePem: ann.cert, keyLocation: authority.file('ann-locked.key'), keyPassword: 'sesame' }
    const store = { keystoreLocation: authority.file('ann.p12'), keystorePassword: 'sesame' }
    for (const own of [locked, store]) {
      const source = tlsSource({ ...nothing, caLocation: authorities, ...own })
      expect(await meet(source, { requestCert: true })).toMatchObject([{ client: 'ann' }])
    }
  })

  test('is short the second time', async () => {
    const source = tlsSource({ ...nothing, caLocation: authority.caFile })
    expect((await meet(source, {}, 'localhost', 3)).map(({ resumed }) => resumed)).toEqual([false, true, true])
  })

  test('uses the certificates that are in the files now; half-written ones leave the old', async () => {
    const [certificateLocation, keyLocation] = [join(folder, 'me.pem'), join(folder, 'me.key')]
    await writeFile(certificateLocation, ann.cert)
    await writeFile(keyLocation, ann.key)
    const source = tlsSource({ ...nothing, caPem: authority.ca, certificateLocation, keyLocation })
    const first = source()
    expect(source()).toBe(first)
    const bob = await authority.issue('bob')
    await writeFile(certificateLocation, bob.cert) // whose key is not there yet
    expect(source()).toBe(first)
    await writeFile(keyLocation, bob.key)
    expect(await meet(source, { requestCert: true })).toMatchObject([{ client: 'bob' }])
  })

  test('obeys the option tls', async () => {
    const source = tlsSource({ ...nothing, caPem: authority.ca, options: { minVersion: 'TLSv1.3' } })
    const error = await failure(meet(source, { maxVersion: 'TLSv1.2' }))
    expect(error).toMatchObject({ code: -181, message: expect.stringMatching(/no TLS version or cipher in common/) })
  })

  test('does not look at names, or at anything, where it was told not to', async () => {
    const anyName = tlsSource({ ...nothing, caPem: authority.ca, verifyHost: false })
    expect(await meet(anyName, {}, '127.0.0.1')).toHaveLength(1)
    expect(await meet(tlsSource({ ...nothing, verify: false }))).toHaveLength(1)
  })
})

describe('a handshake is refused', () => {
  const trusting = () => tlsSource({ ...nothing, caPem: authority.ca })

  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['by a stranger', () => meet(tlsSource(nothing)), /nobody who is trusted here, check ssl\.ca\.location/],
    ['by another host', () => meet(trusting(), {}, '127.0.0.1'), /another host, check bootstrap\.servers/],
    ['after its time', () => dated('20200101000000Z', '20210101000000Z'), /has expired/],
    ['before its time', () => dated('20390101000000Z', '20400101000000Z'), /not valid yet/],
    [
      'without a client certificate',
      () => meet(trusting(), { requestCert: true, rejectUnauthorized: true }),
      /wants a client certificate/,
    ],
  ])('%s', async (_, met, says) => {
    expect(await failure(met())).toMatchObject({ code: -181, message: expect.stringMatching(says) })
  })

  async function dated(from: string, until: string) {
    const { cert, key } = await authority.issue(`dated-${from}`, { names: 'DNS:localhost', from, until })
    return meet(trusting(), { cert, key })
  }
})

test.each<[string, Partial<TlsSettings>, string]>([
  ['an authority that may not be looked at', { caLocation: 'ca\0.pem' }, 'ssl.ca.location'],
  ['a certificate that may not be looked at', { certificateLocation: 'ann\0.pem' }, 'ssl.certificate.location'],
  ['a file that is not there', { caLocation: '/nowhere/ca.pem' }, 'ssl.ca.location'],
  ['an authority that is none', { caPem: 'hunter2' }, 'ssl.ca.pem'],
  ['a file of authorities that holds none', { caLocation: fileURLToPath(import.meta.url) }, 'ssl.ca.location'],
  ['a key that is none', { keyPem: 'hunter2', certificatePem: 'none' }, 'ssl.certificate.pem'],
  [
    'a folder without certificates',
    { caLocation: fileURLToPath(new URL('../arch', import.meta.url)) },
    'ssl.ca.location',
  ],
  ['a cipher that nobody knows', { ciphers: 'ROT13' }, 'ssl.cipher.suites'],
  ['a minimum that is no version', { options: { minVersion: 'SSLv9' } }, 'tls'],
])('the configuration is refused for %s', (_, settings, property) => {
  const make = () => tlsSource({ ...nothing, ...settings })
  expect(make).toThrow(expect.objectContaining({ code: -186, property }))
  expect(make).not.toThrow(/hunter2/)
})
