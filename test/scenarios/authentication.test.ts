// Whole producers and clusters that want to know who asks: delivery by every mechanism, sessions that end, credentials
// that change, and what is said when the two sides want different things.

import { Buffer } from 'node:buffer'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { DeliveryReport, KafkaError, ProducerOptions } from '../../src/index.ts'
import type { MockClusterOptions, MockSaslOptions } from '../../src/mock/index.ts'
import { Rig } from '../support/rig.ts'

const secret = 'hunter2-hunter2'
const users = { ann: secret, bob: 'bobs-own' }
const everyMechanism = { mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'], users } as const
const plain = {
  'security.protocol': 'sasl_plaintext',
  'sasl.mechanisms': 'PLAIN',
  'sasl.username': 'ann',
  'sasl.password': secret,
} as const

async function connected(
  sasl: MockSaslOptions,
  producer: Partial<ProducerOptions> = {},
  options: MockClusterOptions = {},
): Promise<Rig> {
  const rig = await Rig.start({ sasl, ...options, producer: { ...plain, topics: ['t'], ...producer } })
  await rig.standingStill(rig.producer.connect())
  return rig
}

const send = (rig: Rig, value: string): Promise<DeliveryReport> => rig.producer.send({ topic: 't', value })
const steps = (rig: Rig) => rig.cluster.requests({ api: 'SaslHandshake' }).length

/** The error of `connect()`, which must hold no secret. */
async function refusal(options: MockClusterOptions, producer: Partial<ProducerOptions> = {}): Promise<KafkaError> {
  const rig = await Rig.start({ ...options, producer: { topics: ['t'], ...producer } })
  const outcome = rig.producer.connect().then(
    () => expect.unreachable(),
    (error: KafkaError) => error,
  )
  const error = await rig.standingStill(outcome)
  expect(inspect(error, { depth: 9 })).not.toContain(secret)
  return error
}

describe('messages are delivered', () => {
  test.each<[string, Partial<ProducerOptions>]>([
    ['PLAIN', {}],
    ['SCRAM-SHA-256', {}],
    ['SCRAM-SHA-512', {}],
    [
      'OAUTHBEARER',
      {
        'enable.sasl.oauthbearer.unsecure.jwt': true,
        'sasl.oauthbearer.config': 'principal=ann',
        'sasl.username': undefined,
        'sasl.password': undefined,
      } as Partial<ProducerOptions>,
    ],
  ])('by %s, to every broker', async (mechanism, options) => {
    const shape = { brokers: 3, topics: { t: { partitions: 3 } } }
    const rig = await connected(everyMechanism, { 'sasl.mechanisms': mechanism, ...options }, shape)
    const messages = [0, 1, 2].map(partition => ({ topic: 't', partition, value: `${partition}` }))
    const reports = await rig.standingStill(rig.producer.sendMany(messages))
    expect(reports.map(({ status }) => status)).toEqual(['persisted', 'persisted', 'persisted'])
    expect(steps(rig)).toBe(3)
  })
})

describe('a session that ends', () => {
  test('is renewed under load, with the connection and all that waits for it kept', async () => {
    const rig = await connected({ users, sessionLifetimeMs: 10_000 }, { 'linger.ms': 0 })
    const ends: unknown[] = []
    rig.producer.on('broker.disconnected', event => ends.push(event))
    const reports: Promise<DeliveryReport>[] = []
    for (let at = 0; at < 60_000; at += 250) {
      reports.push(send(rig, `${at}`))
      await rig.clock.advance(250)
    }
    const slowest = Math.max(...(await rig.until(Promise.all(reports))).map(({ latencyMs }) => latencyMs))
    expect(slowest).toBeLessThan(250)
    expect(rig.log()).toHaveLength(240)
    expect(steps(rig)).toBe(1 + 6)
    expect(ends).toEqual([])
  })

  test('is renewed while nothing is sent, too', async () => {
    const rig = await connected({ users, sessionLifetimeMs: 10_000 })
    await rig.clock.advance(60_000)
    expect(steps(rig)).toBe(1 + 6)
    expect((await rig.until(send(rig, 'after a while'))).status).toBe('persisted')
  })

  test('is followed by another one, on a new connection, when the broker does not renew it', async () => {
    const rig = await connected({ users, sessionLifetimeMs: 10_000 })
    rig.cluster.disconnectNext('SaslHandshake')
    await rig.clock.advance(9_000)
    expect((await rig.until(send(rig, 'goes on'))).status).toBe('persisted')
    expect(rig.log()).toEqual(['goes on'])
  })

  test('is not renewed for another user: that one gets a connection of its own, and nothing is lost', async () => {
    const rig = await connected({ users, sessionLifetimeMs: 10_000 })
    const ends: (KafkaError | undefined)[] = []
    rig.producer.on('broker.disconnected', ({ error }) => ends.push(error))
    rig.producer.setSaslCredentials({ username: 'bob', password: users.bob })
    const reports: Promise<DeliveryReport>[] = []
    for (let at = 0; at < 12_000; at += 100) {
      reports.push(send(rig, `${at}`))
      await rig.clock.advance(100)
    }
    await rig.until(Promise.all(reports))
    expect(rig.log()).toHaveLength(120)
    expect(ends.map(error => error?.message)).toEqual([
      expect.stringMatching(/PLAIN.*Cannot change principals during re-authentication from User\.ann: User\.bob/),
    ])
  })
})

describe('credentials that change', () => {
  test('on both sides are used when the session is renewed', async () => {
    const rig = await connected({ users, sessionLifetimeMs: 10_000 })
    rig.cluster.setUser('ann', 'brand-new')
    rig.producer.setSaslCredentials({ username: 'ann', password: 'brand-new' })
    await rig.clock.advance(30_000)
    expect((await rig.until(send(rig, 'v'))).status).toBe('persisted')
  })

  test('on the broker’s side alone are named as the reason, until they change here', async () => {
    const rig = await connected({ users, sessionLifetimeMs: 10_000 }, { 'message.timeout.ms': 20_000 })
    rig.cluster.setUser('ann', 'brand-new')
    await rig.clock.advance(10_000)
    const error = await rig.failure(send(rig, 'too late'), 21_000, 100)
    expect((error as KafkaError).message).toMatch(/mock-1.*PLAIN.*Invalid username or password.*check sasl\.username/)
    rig.producer.setSaslCredentials({ username: 'ann', password: 'brand-new' })
    expect((await rig.until(send(rig, 'in time'), 20_000, 100)).status).toBe('persisted')
  })
})

describe('when the two sides want different things, it is said', () => {
  const wantsSasl = /mock-1:9092.*closes the connection instead of an answer.*SASL.*check security\.protocol/

  test('that the listener may want SASL', async () => {
    const error = await refusal({ sasl: { users } })
    expect(error).toMatchObject({ name: 'ConnectionError', code: -195, message: expect.stringMatching(wantsSasl) })
  })

  test('that it may want SASL beside TLS', async () => {
    const error = await refusal({ sasl: { users }, tls: {} }, { 'security.protocol': 'ssl' })
    expect(error).toMatchObject({ name: 'ConnectionError', code: -195, message: expect.stringMatching(wantsSasl) })
  })

  test('to messages that were not delivered for that', async () => {
    const rig = await Rig.start({ sasl: { users }, producer: { 'message.timeout.ms': 5000 } })
    const error = await rig.failure(send(rig, 'v'), 6000, 100)
    expect(error).toMatchObject({ code: -192, message: expect.stringMatching(wantsSasl) })
  })

  test('and not guessed once a broker has answered', async () => {
    const rig = await Rig.connected()
    const ends: (KafkaError | undefined)[] = []
    rig.producer.on('broker.disconnected', ({ error }) => ends.push(error))
    rig.cluster.disconnectNext('Produce')
    await rig.until(send(rig, 'v'))
    expect(ends.map(error => error?.message)).toEqual(['mock-1:9092: the other side closed the connection'])
  })

  test('nor of a broker that is silent', async () => {
    const rig = await Rig.start({ producer: { 'socket.timeout.ms': 5000 } })
    rig.cluster.hangNext('Metadata')
    const error = await rig.failure(rig.producer.connect(), 11_000, 100)
    expect((error as Error).message).not.toContain('SASL')
  })

  test('that the listener takes no SASL', async () => {
    const error = await refusal({}, plain)
    expect(error).toMatchObject({
      name: 'AuthenticationError',
      message: expect.stringMatching(/mock-1:9092.*takes no SASL authentication, check security\.protocol/),
    })
  })

  test('that the broker knows no SASL at all', async () => {
    const error = await refusal({ apiVersions: { SaslHandshake: null, SaslAuthenticate: null } }, plain)
    expect(error).toMatchObject({
      name: 'AuthenticationError',
      message: expect.stringMatching(/mock-1:9092.*does not know SaslAuthenticate.*check security\.protocol/),
    })
  })

  test('that TLS is wanted beside SASL', async () => {
    const error = await refusal({ sasl: { users }, tls: {} }, plain)
    expect(error.message).toMatch(/mock-1:9092.*does this port want TLS\?/)
  })

  test('which mechanisms there are', async () => {
    const error = await refusal({ sasl: { mechanisms: ['SCRAM-SHA-256', 'SCRAM-SHA-512'], users } }, plain)
    expect(error.message).toMatch(
      /mock-1:9092.*PLAIN is not among those of this listener \(SCRAM-SHA-256, SCRAM-SHA-512\), check sasl\.mechanisms/,
    )
  })

  test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])('that the password for %s is wrong', async mechanism => {
    const wrong = { ...plain, 'sasl.mechanisms': mechanism, 'sasl.password': `${secret}!` }
    const error = await refusal({ sasl: { users } }, wrong)
    expect(error).toMatchObject({
      name: 'AuthenticationError',
      message: expect.stringMatching(
        new RegExp(`mock-1:9092.*${mechanism} authentication is refused.*check sasl\\.username and sasl\\.password`),
      ),
    })
  })

  test('that a token is not taken', async () => {
    const error = await refusal(
      { sasl: { mechanisms: ['OAUTHBEARER'], verifyToken: () => null } },
      {
        'security.protocol': 'sasl_plaintext',
        'sasl.mechanisms': 'OAUTHBEARER',
        oauthBearerTokenProvider: () => ({ value: secret, lifetimeMs: Number.MAX_SAFE_INTEGER }),
      },
    )
    expect(error.message).toMatch(/mock-1:9092.*OAUTHBEARER.*invalid_token.*check the token/)
  })
})

test('a secret is nowhere in what a mock cluster says it has seen but in the request itself', async () => {
  const rig = await connected({ users })
  expect(rig.cluster.describe()).not.toContain(secret)
  const [request] = rig.cluster.requests({ api: 'SaslAuthenticate' })
  expect(Buffer.from(request?.body.authBytes ?? []).toString()).toBe(`\0ann\0${secret}`)
})
