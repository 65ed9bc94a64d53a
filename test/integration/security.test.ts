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
    await authority.issue('late', { from: '20200101000000Z', until: '20210101000000Z' })
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
      says: /localhost:\d+.*OAUTHBEARER: the token endpoint failed.*401 \(invalid_client\), check sasl\.oauthbearer\.client\.id/,
      code: -195,
    },
    'an assertion of somebody else': {
      options: () => ({ ...ways['OIDC by an assertion']?.(), 'sasl.oauthbearer.client.id': 'bob' }),
      says: /localhost:\d+.*OAUTHBEARER: the token endpoint failed.*401 .*check sasl\.oauthbearer\.assertion/,
      code: -195,
    },
    'a token callback that throws': {
      options: () => ({
        ...ways.OAUTHBEARER?.(),
        oauthBearerTokenProvider: () => Promise.reject(new Error('the vault is sealed')),
      }),
      says: /localhost:\d+.*OAUTHBEARER: oauthBearerTokenProvider failed \(the vault is sealed\)/,
      code: -195,
    },
    'a token callback that hangs': {
      options: () => ({ ...ways.OAUTHBEARER?.(), oauthBearerTokenProvider: () => new Promise(() => {}) }),
      says: /localhost:\d+.*OAUTHBEARER: oauthBearerTokenProvider gave no token within 8000 ms/,
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
    'an expired certificate': {
      options: () => ({ ...ways.TLS?.(), 'bootstrap.servers': at('EXPIRED') }),
      says: /localhost:\d+.*its certificate has expired/,
      code: -181,
    },
    'a certificate that is not valid yet': {
      options: () => ({ ...ways.TLS?.(), 'bootstrap.servers': at('EARLY') }),
      says: /localhost:\d+.*its certificate is not valid yet, check the clocks/,
      code: -181,
    },
    'an expired client certificate': {
      options: () => ({
        ...ways.mTLS?.(),
        'ssl.certificate.location': authority.file('late.pem'),
        'ssl.key.location': authority.file('late.key'),
      }),
      says: /localhost:\d+.*does not accept the client's certificate, check ssl\.certificate\.location and its validity/,
      code: -181,
    },
    'plain text to a port with TLS': {
      options: () => ({ 'bootstrap.servers': at('TLS') }),
      says: /localhost:\d+.*looks like TLS.*check security\.protocol/,
      code: -199,
    },
    'TLS to a port without it': {
      options: () => ({ ...ways.TLS?.(), 'bootstrap.servers': kafka.bootstrapServers }),
      says: /127\.0\.0\.1:\d+.*is this port plaintext\? check security\.protocol/,
      code: -195,
    },
    'no client certificate': {
      options: () => ({ ...ways.TLS?.(), 'bootstrap.servers': at('MTLS') }),
      says: /localhost:\d+.*wants a client certificate, check ssl\.certificate\.location/,
      code: -181,
    },
  }

  test.concurrent.each(Object.entries(wrongs))('says what is wrong with %s', async (_, { options, says, code }) => {
    const error = await refusal(options())
    expect(error.message).toMatch(says)
    expect(error.code).toBe(code)
    expect(JSON.stringify(error) + error.message).not.toMatch(/wr0ng|battery/)
  })

  const stored = async (topic: string) => {
    const asked = ['--bootstrap-server', kafka.bootstrapServers, '--topic', topic]
    return Number((await kafka.runTool('org.apache.kafka.tools.GetOffsetShell', asked)).trim().split(':').at(-1))
  }

  /** Sends for half a minute, and sees to it that nothing is lost or late. Resolves with the faults of connections. */
  async function sendOn(
    topic: string,
    options: ProducerOptions,
    between: (second: number, producer: Producer) => unknown = () => {},
  ): Promise<unknown[]> {
    await kafka.createTopic(topic)
    const producer = new Producer(options)
    const faults: unknown[] = []
    producer.on('broker.disconnected', ({ error }) => error && faults.push(error))
    await producer.connect()
    const start = performance.now()
    const times: number[] = []
    for (let second = -1; second < 30; ) {
      const sent = performance.now()
      const now = Math.floor((sent - start) / 1000)
      if (now > second) await between(now, producer)
      second = now
      expect((await producer.send({ topic, value: 'again' })).status).toBe('persisted')
      times.push(performance.now() - sent)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    await producer.close()
    expect(Math.max(...times)).toBeLessThan(1000)
    expect(await stored(topic)).toBe(times.length)
    return faults
  }

  describe.concurrent('nothing is lost or delayed', () => {
    const renewing = () => ({ ...ways.PLAIN?.(), 'bootstrap.servers': at('RENEWING') })

    test('while sessions are renewed', async () => {
      expect(await sendOn('renewed', renewing())).toEqual([])
    })

    test('while tokens are replaced', async () => {
      const before = oidc.given
      expect(await sendOn('tokens', { ...ways['OIDC by an assertion']?.() })).toEqual([])
      expect(oidc.given - before).toBeGreaterThan(3)
    })

    test('while certificates are replaced', async () => {
      // The first one ends while it is in use: whoever connects with it after that is refused.
      const until = new Date(Date.now() + 15_000).toISOString().replace(/[-:T]|\.\d+/g, '')
      const [first, second] = [await authority.issue('ann-1', { until }), await authority.issue('ann-2')]
      const [certificate, key] = [authority.file('rotated.pem'), authority.file('rotated.key')]
      const write = (issued: typeof first) =>
        Promise.all([writeFile(certificate, issued.cert), writeFile(key, issued.key)])
      await write(first)
      const options = { ...ways.mTLS?.(), 'ssl.certificate.location': certificate, 'ssl.key.location': key }
      const faults = await sendOn('rotated', options, async (time, producer) => {
        if (time === 5) await write(second)
        if (time === 10 || time === 20) await producer.disconnect()
      })
      expect(faults).toEqual([])
    })

    test('where a session goes on as another user, which takes a new connection', async () => {
      const faults = await sendOn('renamed', renewing(), (time, producer) => {
        if (time === 5) producer.setSaslCredentials({ username: 'bob', password: secret })
      })
      const refused = { message: expect.stringContaining('Cannot change principals') }
      expect(faults).toEqual([expect.objectContaining(refused)])
    })
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
