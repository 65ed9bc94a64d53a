// What the option `sasl` means, besides what test/conformance/sasl.ts asks of every broker.

import { Buffer } from 'node:buffer'
import { Kafka, logLevel, type SASLOptions } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { MockCluster, type MockClusterOptions, type MockSaslOptions } from '../../src/mock/index.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { saslAuthenticate } from '../../src/protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/apis/sasl-handshake.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { certificate } from '../support/loopback.ts'
import { RawClient } from './raw-client.ts'

const users = { ann: 'secret' }

async function start(sasl: MockSaslOptions, options: MockClusterOptions = {}) {
  const cluster = await MockCluster.start({ transport: 'memory', sasl, ...options })
  return { cluster, connect: () => RawClient.connect(cluster.transport, cluster.bootstrapServers) }
}

async function signIn(raw: RawClient, message: string, mechanism = 'PLAIN') {
  await raw.call(saslHandshake, 1, { mechanism })
  return raw.call(saslAuthenticate, 2, { authBytes: Buffer.from(message) })
}

describe('the option sasl', () => {
  test('enables the mechanisms that need a password, if it does not say which', async () => {
    const { cluster, connect } = await start({ users })
    const answer = await (await connect()).call(saslHandshake, 1, { mechanism: 'OAUTHBEARER' })
    expect(answer).toEqual({ errorCode: 33, mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] })
    await cluster.stop()
  })

  test.each<[string, object, RegExp]>([
    [
      'a mechanism that there is not',
      { mechanisms: ['GSSAPI'] },
      /'GSSAPI' is not a mechanism of the mock, there are PLAIN/,
    ],
    ['a session of no time', { sessionLifetimeMs: 0 }, /sessionLifetimeMs is a positive integer, not 0/],
    ['a session of a fraction', { sessionLifetimeMs: 1.5 }, /sessionLifetimeMs is a positive integer, not 1\.5/],
  ])('refuses %s', async (_, sasl, says) => {
    await expect(MockCluster.start({ sasl })).rejects.toThrow(says)
  })

  test('decides by a function whose a token is, and by the cluster’s clock how long it lasts', async () => {
    const clock = new FakeClock()
    const seen: unknown[] = []
    const verifyToken: MockSaslOptions['verifyToken'] = async (value, extensions) => {
      seen.push({ value, extensions })
      return value === 'good' ? { principal: 'ann', lifetimeMs: clock.wallNow() + 5000 } : null
    }
    const { cluster, connect } = await start({ mechanisms: ['OAUTHBEARER'], verifyToken }, { clock })
    const ask = async (token: string) => {
      const raw = connect().then(raw => signIn(raw, `n,,\x01auth=Bearer ${token}\x01pool=x\x01\x01`, 'OAUTHBEARER'))
      await clock.settle()
      return raw
    }
    expect(await ask('good')).toMatchObject({ errorCode: 0, sessionLifetimeMs: 5000n })
    expect(Buffer.from((await ask('bad'))?.authBytes ?? []).toString()).toBe('{"status":"invalid_token"}')
    expect(seen).toEqual(['good', 'bad'].map(value => ({ value, extensions: { pool: 'x' } })))
    await Promise.all([cluster.stop(), clock.settle()])
  })

  test('tells who stops the cluster when that function throws', async () => {
    const verifyToken = () => {
      throw new Error('the vault is sealed')
    }
    const { cluster, connect } = await start({ mechanisms: ['OAUTHBEARER'], verifyToken })
    expect(await signIn(await connect(), 'n,,\x01auth=Bearer a\x01\x01', 'OAUTHBEARER')).toBeNull()
    await expect(cluster.stop()).rejects.toThrow('the vault is sealed')
  })
})

test.each([
  ['in plain text', {}],
  ['over TLS', { tls: certificate }],
])('another client signs in by every mechanism, %s', async (_, options) => {
  const sasl: MockSaslOptions = { mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'], users }
  const cluster = await MockCluster.start({ topics: { t: {} }, sasl, host: 'localhost', ...options })
  const claims = { sub: 'ann', exp: Math.floor(Date.now() / 1000) + 60 }
  const parts = [{ alg: 'none' }, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const password = { username: 'ann', password: users.ann }
  const ways: SASLOptions[] = [
    { mechanism: 'plain', ...password },
    { mechanism: 'scram-sha-256', ...password },
    { mechanism: 'scram-sha-512', ...password },
    { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: `${parts.join('.')}.` }) },
  ]
  for (const way of ways) {
    const brokers = [cluster.bootstrapServers]
    const ssl = 'tls' in options ? { ca: certificate.cert } : false
    const producer = new Kafka({ brokers, ssl, sasl: way, logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    await producer.send({ topic: 't', messages: [{ value: way.mechanism }] })
    await producer.disconnect()
  }
  const values = cluster.records('t').map(({ value }) => Buffer.from(value ?? []).toString())
  expect(values).toEqual(ways.map(({ mechanism }) => mechanism))
  await cluster.stop()
})

describe('setUser', () => {
  test('changes a password, lets users come and go, and leaves sessions as they are', async () => {
    const { cluster, connect } = await start({ users })
    const open = await connect()
    const code = async (message: string, raw?: RawClient) =>
      (await signIn(raw ?? (await connect()), message))?.errorCode
    expect(await code('\0ann\0secret', open)).toBe(0)
    cluster.setUser('ann', 'new')
    cluster.setUser('bob', 'his')
    expect(await code('\0ann\0secret')).toBe(58)
    expect(await code('\0ann\0new')).toBe(0)
    expect(await code('\0bob\0his')).toBe(0)
    cluster.setUser('bob', null)
    expect(await code('\0bob\0his')).toBe(58)
    expect(await open.call(metadata, 9, { topics: [], allowAutoTopicCreation: false })).not.toBeNull()
    await cluster.stop()
  })

  test('means nothing to a cluster without SASL, which says so', async () => {
    const cluster = await MockCluster.start({ transport: 'memory' })
    expect(() => cluster.setUser('ann', 'x')).toThrow(/started without sasl/)
    await cluster.stop()
  })
})

describe('a test', () => {
  test('sees what was asked in vain', async () => {
    const { cluster, connect } = await start({ users })
    expect(await (await connect()).call(metadata, 9, { topics: [], allowAutoTopicCreation: false })).toBeNull()
    expect(cluster.requests().map(({ api }) => api)).toEqual(['Metadata'])
    await cluster.stop()
  })

  test('may answer in the place of the broker, which is not convinced by that', async () => {
    const { cluster, connect } = await start({ users })
    cluster.failNext('SaslHandshake', 'UNSUPPORTED_SASL_MECHANISM')
    const lie = { errorCode: 0, errorMessage: null, authBytes: new Uint8Array() }
    cluster.control('SaslAuthenticate', () => ({ respond: lie }))
    const raw = await connect()
    expect(await raw.call(saslHandshake, 1, { mechanism: 'PLAIN' })).toEqual({ errorCode: 33, mechanisms: [] })
    expect(await signIn(raw, '\0ann\0wrong')).toMatchObject({ errorCode: 0 })
    const other = await connect()
    expect(await signIn(other, '\0ann\0secret')).toMatchObject({ errorCode: 0 })
    expect(await raw.call(saslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({ errorCode: 34 })
    await raw.closed
    await cluster.stop()
  })
})
