// Brokers that lie while they authenticate a producer: each lie is called one, by an error that says who told it, about
// what, and what to check, and that holds no secret.

import { Buffer } from 'node:buffer'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { KafkaError, ProducerOptions } from '../../src/index.ts'
import type { MockSaslOptions } from '../../src/mock/index.ts'
import { Rig } from '../support/rig.ts'

const secret = 'hunter2-hunter2'
const sasl = { mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'], users: { ann: secret } } as const

/** What the broker says in its `step`-th message, given the truth. */
type Lie = (truth: string, request: string) => string | Uint8Array

async function outcome(mechanism: string, options: Partial<ProducerOptions>, lies: (rig: Rig) => void) {
  const producer = { 'security.protocol': 'sasl_plaintext', 'sasl.mechanisms': mechanism, ...options } as const
  const rig = await Rig.start({ sasl: sasl as MockSaslOptions, producer })
  lies(rig)
  const ended = rig.producer.connect().then(
    () => expect.unreachable('it connected'),
    (error: KafkaError) => error,
  )
  const error = await rig.standingStill(ended)
  expect(error).toMatchObject({
    name: 'AuthenticationError',
    code: -169,
    broker: expect.stringContaining('mock-1:9092'),
  })
  expect(error.message).toMatch(new RegExp(`mock-1:9092.*${mechanism}.*check`))
  expect(error.message.length).toBeLessThan(700)
  expect(inspect(error, { depth: 9 })).not.toContain(secret)
  return error.message
}

/** What `connect()` is refused with when the broker's first or second message is a lie. */
function refusal(mechanism: string, step: 1 | 2, lie: Lie, options: Partial<ProducerOptions>): Promise<string> {
  return outcome(mechanism, options, rig => {
    let steps = 0
    rig.cluster.control(
      'SaslAuthenticate',
      async (request, { process }) => {
        const answer = await process()
        const bytes = answer.authBytes
        if (++steps !== step) return { respond: answer }
        const told = lie(Buffer.from(bytes).toString(), Buffer.from(request.authBytes).toString())
        return { respond: { ...answer, errorCode: 0, authBytes: typeof told === 'string' ? Buffer.from(told) : told } }
      },
      { times: Number.POSITIVE_INFINITY },
    )
  })
}

const flipped = (truth: string) => {
  const bytes = Buffer.from(truth.slice(2), 'base64')
  bytes[7] = (bytes[7] ?? 0) ^ 1
  return `v=${bytes.toString('base64')}`
}

describe.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'])('%s', mechanism => {
  const user = { 'sasl.username': 'ann', 'sasl.password': secret }

  test.each<[string, Lie]>([
    ['has one bit changed', flipped],
    ['is that of another password', truth => `v=${Buffer.alloc(truth.length > 50 ? 64 : 32).toString('base64')}`],
    ['is too short', truth => truth.slice(0, -8)],
    ['is too long', truth => `${truth}AAAA`],
    ['is empty', () => 'v='],
    ['is not there', () => 'w=x'],
    ['is another attribute’s', truth => truth.replace('v=', 'V=')],
    ['is no text', () => Buffer.from([0xff, 0xfe, 0, 1])],
    ['is silence', () => ''],
    ['is the client’s own proof', (_, request) => `v=${/p=(.*)/.exec(request)?.[1]}`],
    ['is behind something else', truth => `x=y,${truth}`],
    ['is half a megabyte', truth => truth + 'A'.repeat(500_000)],
  ])('a signature that %s', async (_, lie) => {
    expect(await refusal(mechanism, 2, lie, user)).toMatch(/its signature is wrong.*impostor/)
  })

  test.each<[string, Lie, RegExp]>([
    ['another nonce', truth => truth.replace(/r=.{5}/, 'r=aaaaa'), /nonce/],
    ['no nonce of its own', (truth, request) => truth.replace(/r=[^,]*/, `r=${request.split('r=')[1]}`), /nonce/],
    ['no nonce', truth => truth.replace(/r=[^,]*,/, ''), /malformed/],
    ['an empty nonce', truth => truth.replace(/r=[^,]*,/, 'r=,'), /malformed/],
    ['no salt', truth => truth.replace(/s=[^,]*,/, ''), /malformed/],
    ['an empty salt', truth => truth.replace(/s=[^,]*,/, 's=,'), /malformed/],
    ['a salt that is no base64', truth => truth.replace(/s=[^,]*,/, 's=!!!!,'), /malformed/],
    ['no iterations', truth => truth.replace(/,i=.*/, ''), /malformed/],
    ['4095 iterations', truth => truth.replace(/i=.*/, 'i=4095'), /4095 iterations.*4096 to 1000000/],
    ['no iterations at all', truth => truth.replace(/i=.*/, 'i=0'), /0 iterations/],
    ['a billion iterations', truth => truth.replace(/i=.*/, 'i=1000000000'), /1000000000 iterations/],
    ['iterations beyond numbers', truth => truth.replace(/i=.*/, `i=${'9'.repeat(400)}`), /9 iterations|9… iterations/],
    ['iterations below none', truth => truth.replace(/i=.*/, 'i=-4096'), /malformed/],
    ['iterations in other words', truth => truth.replace(/i=.*/, 'i=0x2000'), /malformed/],
    ['an extension that has to be understood', truth => `m=x,${truth}`, /malformed/],
    ['the order changed', truth => truth.split(',').toReversed().join(), /malformed/],
    ['the end at once', () => 'v=AAAA', /malformed/],
    ['nothing', () => '', /malformed/],
    ['no text', () => Buffer.from([0xff, 0, 0xc3]), /malformed/],
    ['a megabyte of nonce', truth => truth.replace(/,s=/, `${'x'.repeat(1 << 20)},s=`), /a message of \d{7} bytes/],
    ['a megabyte of salt', truth => truth.replace(/s=[^,]*/, `s=${'A'.repeat(1 << 20)}`), /a message of \d{7} bytes/],
    ['nothing but commas', () => ','.repeat(500_000), /malformed/],
    ['a prototype', () => '__proto__=x,constructor=y', /malformed/],
  ])('a challenge with %s', async (_, lie, says) => {
    expect(await refusal(mechanism, 1, lie, user)).toMatch(says)
  })

  test.each([1, 2] as const)('a refusal in message %i, of RFC 5802’s kind', async step => {
    const lie = () => 'e=other-error\r\nFATAL'
    expect(await refusal(mechanism, step, lie, user)).toMatch(
      /the broker refuses: other-error FATAL, check sasl\.username and sasl\.password/,
    )
  })

  test('a refusal that holds the password', async () => {
    expect(await refusal(mechanism, 2, () => `e=${secret}`, user)).toMatch(/the broker refuses: \*{6}, check/)
  })

  test('a success without a proof', async () => {
    const message = await outcome(mechanism, user, rig => {
      const yes = { errorCode: 0, errorMessage: null, authBytes: new Uint8Array(), sessionLifetimeMs: 1000n }
      rig.cluster.control('SaslAuthenticate', () => ({ respond: yes }), { times: Number.POSITIVE_INFINITY })
    })
    expect(message).toMatch(/malformed/)
  })
})

describe('a broker that repeats what it was told', () => {
  const echo = (errorCode: number) => (rig: Rig) => {
    rig.cluster.control(
      'SaslAuthenticate',
      ({ authBytes }) => {
        const errorMessage = `you said ${Buffer.from(authBytes).toString()}`
        return { respond: { errorCode, errorMessage, authBytes } }
      },
      { times: Number.POSITIVE_INFINITY },
    )
  }

  test('is shown without the password', async () => {
    const message = await outcome('PLAIN', { 'sasl.username': 'ann', 'sasl.password': secret }, echo(58))
    expect(message).toContain('PLAIN authentication is refused (******), check sasl.username')
  })

  test('is shown without the token', async () => {
    const provider = () => ({ value: secret, lifetimeMs: Number.MAX_SAFE_INTEGER })
    const message = await outcome('OAUTHBEARER', { oauthBearerTokenProvider: provider }, echo(58))
    expect(message).toMatch(/OAUTHBEARER authentication is refused \(\*{6}\), check the token/)
    const told = await outcome('OAUTHBEARER', { oauthBearerTokenProvider: provider }, echo(0))
    expect(told).toMatch(/refuses the token: \*{6}, check its end/)
  })

  test('is shown without the password it knows from before', async () => {
    const user = { 'sasl.username': 'ann', 'sasl.password': secret }
    const message = await outcome('PLAIN', user, rig => {
      rig.cluster.control('SaslHandshake', () => ({ respond: { errorCode: 33, mechanisms: [secret] } }))
    })
    expect(message).toMatch(/PLAIN is not among those of this listener \(\*{6}\)/)
  })
})
