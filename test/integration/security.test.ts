// A real Kafka with a listener for each way of protecting a connection: delivery through each, and what is said when
// something is wrong.

import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type KafkaCluster, startKafka } from '../../scripts/kafka/kafka.mjs'
import { type KafkaError, Producer, type ProducerOptions } from '../../src/index.ts'
import { certificateAuthority } from '../support/certificates.ts'
import { kafkaAnswers } from '../support/kafka-answers.ts'
import { startOidcServer } from '../support/oidc-server.ts'

const secret = 'correct horse battery staple'
/** SCRAM users whose names or passwords need care. */
const unusual = { 'a,b=c': secret, accent: 'pässwörd', ligature: 'ﬁsh' }
const module = 'org.apache.kafka.common.security'
const plainJaas = `${module}.plain.PlainLoginModule required username="admin" password="x" user_ann="${secret}";`
const scramJaas = `${module}.scram.ScramLoginModule required;`

const listeners = {
  TLS: 'SSL',
  MTLS: 'SSL',
  SASL: 'SASL_PLAINTEXT',
  SASLTLS: 'SASL_SSL',
  OAUTH: 'SASL_PLAINTEXT',
  OIDC: 'SASL_PLAINTEXT',
  RENEWING: 'SASL_PLAINTEXT',
} as const

describe.runIf(kafkaAnswers)('a Kafka that is protected', () => {
  let kafka: KafkaCluster
  let authority: Awaited<ReturnType<typeof certificateAuthority>>
  let oidc: Awaited<ReturnType<typeof startOidcServer>>
  let ann: ProducerOptions
  const at = (listener: keyof typeof listeners, host = 'localhost') =>
    `${host}:${kafka.brokers[0]?.listeners[listener]}`

  beforeAll(async () => {
    authority = await certificateAuthority()
    const broker = await authority.issue('localhost', { names: 'DNS:localhost' })
    await authority.issue('ann')
    const keystore = authority.file('broker-keystore.pem')
    await writeFile(keystore, broker.key + broker.cert)
    oidc = await startOidcServer({ id: 'ann', secret: 'correct-horse', audience: 'kafka', lifeSeconds: 6 })
    kafka = await startKafka({
      listeners,
      systemProperties: { 'org.apache.kafka.sasl.oauthbearer.allowed.urls': oidc.keysUrl },
      properties: {
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': keystore,
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': authority.caFile,
        'listener.name.mtls.ssl.client.auth': 'required',
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
        ...Object.fromEntries(
          ['sasl', 'sasltls', 'renewing'].flatMap(name => [
            [`listener.name.${name}.plain.sasl.jaas.config`, plainJaas],
            [`listener.name.${name}.scram-sha-256.sasl.jaas.config`, scramJaas],
            [`listener.name.${name}.scram-sha-512.sasl.jaas.config`, scramJaas],
          ]),
        ),
        'listener.name.renewing.plain.connections.max.reauth.ms': 3000,
        'listener.name.oidc.sasl.enabled.mechanisms': 'OAUTHBEARER',
        'listener.name.oidc.oauthbearer.sasl.jaas.config': `${module}.oauthbearer.OAuthBearerLoginModule required;`,
        'listener.name.oidc.oauthbearer.sasl.server.callback.handler.class': `${module}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
        'listener.name.oidc.oauthbearer.sasl.oauthbearer.jwks.endpoint.url': oidc.keysUrl,
        'listener.name.oidc.oauthbearer.sasl.oauthbearer.expected.audience': 'kafka',
        'listener.name.oauth.sasl.enabled.mechanisms': 'OAUTHBEARER',
        'listener.name.oauth.oauthbearer.sasl.jaas.config': `${module}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
      },
    })
    await addUser('SCRAM-SHA-256', 'ann', secret)
    await addUser('SCRAM-SHA-512', 'ann', secret)
    for (const [name, password] of Object.entries(unusual)) await addUser('SCRAM-SHA-256', name, password)
    await kafka.createTopic('t')
    ann = { 'sasl.username': 'ann', 'sasl.password': secret }
  }, 180_000)

  afterAll(async () => {
    await kafka?.stop()
    await authority?.remove()
    await oidc?.stop()
  })

  async function addUser(mechanism: string, name: string, password: string): Promise<void> {
    const target = ['--entity-type', 'users', '--entity-name', name, '--alter']
    const credential = ['--add-config', `${mechanism}=[password=${password}]`]
    const broker = ['--bootstrap-server', kafka.bootstrapServers]
    await kafka.runTool('kafka.admin.ConfigCommand', [...broker, ...target, ...credential])
  }

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

  const ways: Record<string, () => ProducerOptions> = {
    TLS: () => ({ 'bootstrap.servers': at('TLS'), 'security.protocol': 'ssl', 'ssl.ca.location': authority.caFile }),
    mTLS: () => ({
      'bootstrap.servers': at('MTLS'),
      'security.protocol': 'ssl',
      'ssl.ca.pem': authority.ca,
      'ssl.certificate.location': authority.file('ann.pem'),
      'ssl.key.location': authority.file('ann.key'),
    }),
    PLAIN: () => ({
      'bootstrap.servers': at('SASL'),
      'security.protocol': 'sasl_plaintext',
      'sasl.mechanisms': 'PLAIN',
      ...ann,
    }),
    'SCRAM-SHA-256': () => ({
      'bootstrap.servers': at('SASL'),
      'security.protocol': 'sasl_plaintext',
      'sasl.mechanisms': 'SCRAM-SHA-256',
      ...ann,
    }),
    'SCRAM-SHA-512': () => ({
      'bootstrap.servers': at('SASL'),
      'security.protocol': 'sasl_plaintext',
      'sasl.mechanisms': 'SCRAM-SHA-512',
      ...ann,
    }),
    'SASL over TLS': () => ({
      'bootstrap.servers': at('SASLTLS'),
      'security.protocol': 'sasl_ssl',
      'ssl.ca.location': authority.caFile,
      'sasl.mechanism': 'SCRAM-SHA-512',
      ...ann,
    }),
    OAUTHBEARER: () => ({
      'bootstrap.servers': at('OAUTH'),
      'security.protocol': 'sasl_plaintext',
      'sasl.mechanisms': 'OAUTHBEARER',
      'enable.sasl.oauthbearer.unsecure.jwt': true,
      'sasl.oauthbearer.config': 'principal=ann lifeSeconds=60',
    }),
    OIDC: () => ({
      'bootstrap.servers': at('OIDC'),
      'security.protocol': 'sasl_plaintext',
      'sasl.mechanisms': 'OAUTHBEARER',
      'sasl.oauthbearer.method': 'oidc',
      'sasl.oauthbearer.client.id': 'ann',
      'sasl.oauthbearer.client.secret': 'correct-horse',
      'sasl.oauthbearer.token.endpoint.url': oidc.tokenUrl,
    }),
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
