// A real Kafka with a listener for each way of protecting a connection: delivery through each, and what is said when
// something is wrong.

import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type KafkaError, Producer, type ProducerOptions } from '../../src/index.ts'
import { kafkaAnswers } from '../support/kafka-answers.ts'
import { type ProtectedKafka, ways as protections, secret, startProtectedKafka } from '../support/protected-kafka.ts'

/** SCRAM users whose names or passwords need care. */
const unusual = { 'a,b=c': secret, accent: 'pässwörd', ligature: 'ﬁsh' }

describe.runIf(kafkaAnswers)('a Kafka that is protected', () => {
  let guarded: ProtectedKafka
  let kafka: ProtectedKafka['kafka']
  let authority: ProtectedKafka['authority']
  let oidc: ProtectedKafka['oidc']
  const at: ProtectedKafka['at'] = (...args) => guarded.at(...args)
  const ways = Object.fromEntries(Object.entries(protections).map(([name, options]) => [name, () => options(guarded)]))

  beforeAll(async () => {
    guarded = await startProtectedKafka()
    ;({ kafka, authority, oidc } = guarded)
    for (const [name, password] of Object.entries(unusual)) await guarded.addUser('SCRAM-SHA-256', name, password)
  }, 180_000)

  afterAll(() => guarded?.stop())

  async function deliver(options: ProducerOptions): Promise<string> {
    const producer = new Producer(options)
    try {
      const { status } = await producer.send({ topic: 't', value: 'guarded' })
      return status
    } finally {
      await producer.close({ timeoutMs: 5000 })
    }
  }

  async function refusal(options: ProducerOptions): Promise<KafkaError> {
    const producer = new Producer(options)
    try {
      await producer.connect()
    } catch (error) {
      return error as KafkaError
    } finally {
      await producer.close({ timeoutMs: 0 })
    }
    throw new Error('it connected')
  }

  test.each(Object.entries(ways))('takes messages through %s', async (_, options) => {
    expect(await deliver(options())).toBe('persisted')
  })

  test.each(Object.entries(unusual))('knows the SCRAM user %s', async (username, password) => {
    const options = { ...ways['SCRAM-SHA-256']?.(), 'sasl.username': username, 'sasl.password': password }
    expect(await deliver(options)).toBe('persisted')
  })

  const wrongs: Record<string, { options: () => ProducerOptions; says: RegExp; code: number }> = {
    'a wrong password with PLAIN': {
      options: () => ({ ...ways.PLAIN?.(), 'sasl.password': 'wr0ng' }),
      says: /localhost:\d+.*PLAIN.*check sasl\.username and sasl\.password/,
      code: -169,
    },
    'a wrong password with SCRAM': {
      options: () => ({ ...ways['SCRAM-SHA-512']?.(), 'sasl.password': 'wr0ng' }),
      says: /localhost:\d+.*SCRAM-SHA-512.*check sasl\.username and sasl\.password/,
      code: -169,
    },
    'an unknown mechanism': {
      options: () => ({ ...ways.OAUTHBEARER?.(), 'bootstrap.servers': at('SASL') }),
      says: /OAUTHBEARER is not among those of this listener \(.*PLAIN.*SCRAM-SHA-512.*\)/,
      code: -169,
    },
    'a wrong client secret': {
      options: () => ({ ...ways.OIDC?.(), 'sasl.oauthbearer.client.secret': 'wr0ng' }),
      says: /token provider failed.*401 \(invalid_client\), check sasl\.oauthbearer\.client\.id/,
      code: -195,
    },
    'a token that has ended': {
      options: () => ({
        ...ways.OAUTHBEARER?.(),
        oauthBearerTokenProvider: () => ({ value: expiredToken(), lifetimeMs: Date.now() + 60_000 }),
      }),
      says: /localhost:\d+.*OAUTHBEARER.*invalid_token.*check the token/,
      code: -169,
    },
    'an unknown authority': {
      options: () => ({ 'bootstrap.servers': at('TLS'), 'security.protocol': 'ssl' }),
      says: /localhost:\d+.*nobody who is trusted here, check ssl\.ca\.location/,
      code: -181,
    },
    'a wrong host name': {
      options: () => ({ ...ways.TLS?.(), 'bootstrap.servers': at('TLS', '127.0.0.1') }),
      says: /127\.0\.0\.1:\d+.*another host, check bootstrap\.servers/,
      code: -181,
    },
    'no client certificate': {
      options: () => ({ ...ways.TLS?.(), 'bootstrap.servers': at('MTLS') }),
      says: /localhost:\d+.*wants a client certificate, check ssl\.certificate\.location/,
      code: -181,
    },
  }

  test.each(Object.entries(wrongs))('says what is wrong with %s', async (_, { options, says, code }) => {
    const error = await refusal(options())
    expect(error.message).toMatch(says)
    expect(error.code).toBe(code)
    expect(JSON.stringify(error) + error.message).not.toMatch(/wr0ng|battery/)
  })

  test('says that a port wants TLS, or has none', async () => {
    expect((await refusal({ 'bootstrap.servers': at('TLS') })).message).toMatch(/TLS|encrypted/)
    const plaintext = { ...ways.TLS?.(), 'bootstrap.servers': kafka.bootstrapServers }
    expect((await refusal(plaintext)).message).toMatch(/plaintext/)
  })

  test('goes on with new tokens and new certificates under load, and loses and delays nothing', async () => {
    const [certificate, key] = ['rotated.pem', 'rotated.key'].map(name => authority.file(name)) as [string, string]
    const ann = await authority.issue('ann-1')
    const next = await authority.issue('ann-2')
    await Promise.all([writeFile(certificate, ann.cert), writeFile(key, ann.key)])
    const rotating = { ...ways.mTLS?.(), 'ssl.certificate.location': certificate, 'ssl.key.location': key }
    const producers = [new Producer(ways.OIDC?.() ?? {}), new Producer(rotating)]
    const before = oidc.given
    const faults: unknown[] = []
    for (const producer of producers) producer.on('broker.disconnected', ({ error }) => error && faults.push(error))
    await Promise.all(producers.map(producer => producer.connect()))
    let slowest = 0
    for (let i = 0; i < 120; i++) {
      if (i === 30) await Promise.all([writeFile(certificate, next.cert), writeFile(key, next.key)])
      if (i === 60) await producers[1]?.disconnect()
      const start = performance.now()
      await Promise.all(producers.map(producer => producer.send({ topic: 't', value: `${i}` })))
      slowest = Math.max(slowest, performance.now() - start)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    await Promise.all(producers.map(producer => producer.close()))
    expect(faults).toEqual([])
    expect(oidc.given - before).toBeGreaterThan(1)
    expect(slowest).toBeLessThan(1000)
  })

  test('renews sessions under load, and loses and delays nothing', async () => {
    const producer = new Producer({ ...ways.PLAIN?.(), 'bootstrap.servers': at('RENEWING') })
    const ends: (string | undefined)[] = []
    producer.on('broker.disconnected', ({ error }) => ends.push(error?.message))
    await producer.connect()
    const until = Date.now() + 12_000
    let slowest = 0
    let sent = 0
    while (Date.now() < until) {
      const start = performance.now()
      await producer.send({ topic: 't', value: 'again' })
      slowest = Math.max(slowest, performance.now() - start)
      sent++
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    await producer.close()
    expect(ends.filter(message => message !== undefined)).toEqual([])
    expect(sent).toBeGreaterThan(100)
    expect(slowest).toBeLessThan(1000)
  })

  test('takes new credentials for the next authentication', async () => {
    const producer = new Producer({ ...ways.PLAIN?.(), 'sasl.password': 'wr0ng' })
    await expect(producer.connect()).rejects.toMatchObject({ code: -169 })
    producer.setSaslCredentials({ username: 'ann', password: secret })
    expect((await producer.send({ topic: 't', value: 'now' })).status).toBe('persisted')
    await producer.close()
  })
})

function expiredToken(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: 'ann', iat: 1, exp: 2 })}.`
}
