import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import type { SaslExchange, SaslServerExchange, SaslVerdict } from '../../src/sasl/exchange.ts'
import { oauthBearer, oauthBearerServer, unsecuredToken, unsecuredTokenOwner } from '../../src/sasl/oauthbearer.ts'
import { plain, plainServer } from '../../src/sasl/plain.ts'
import { scram, scramCredential, scramServer } from '../../src/sasl/scram.ts'
import { seededRandom } from '../support/seeded-random.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

/** What the broker's side says to these messages, and what it comes to. */
async function said(exchange: SaslServerExchange, messages: readonly string[]) {
  const answers: string[] = []
  let step = await exchange.next(new Uint8Array())
  expect(step).toEqual({ done: false, value: new Uint8Array() })
  for (const message of messages) {
    step = await exchange.next(Buffer.from(message))
    if (step.done) break
    answers.push(text(step.value))
  }
  const verdict: SaslVerdict | null = step.done ? step.value : null
  if (verdict !== null && 'answer' in verdict) answers.push(text(verdict.answer))
  return { answers, verdict }
}

/** The two sides of a mechanism talk to each other; what the broker's side comes to. */
async function met(client: SaslExchange, server: SaslServerExchange): Promise<SaslVerdict> {
  await server.next(new Uint8Array())
  for (let ours = await client.next(new Uint8Array()); ; ) {
    if (ours.done) throw new Error('the client ends before the broker')
    const theirs = await server.next(ours.value)
    if (theirs.done && 'refused' in theirs.value) return theirs.value
    ours = await client.next(
      theirs.done && 'answer' in theirs.value ? theirs.value.answer : (theirs.value as Uint8Array),
    )
    if (theirs.done) return theirs.value
  }
}

describe('PLAIN', () => {
  const knows = (name: string, password: string) => name === 'tim' && password === 'tanstaaftanstaaf'

  test('takes the first example of RFC 4616', async () => {
    const { answers, verdict } = await said(plainServer(knows), ['\0tim\0tanstaaftanstaaf'])
    expect(answers).toEqual([''])
    expect(verdict).toMatchObject({ principal: 'tim' })
  })

  test('lets nobody speak for another, as in the second example of RFC 4616', async () => {
    const { verdict } = await said(
      plainServer((name, password) => name === 'Kurt' && password === 'xipj3plmq'),
      ['Ursel\0Kurt\0xipj3plmq'],
    )
    expect(verdict).toEqual({ refused: expect.stringContaining('authorization id that is different from username') })
  })

  test('is convinced by the client’s side', async () => {
    expect(await met(plain({ username: 'tim', password: 'tanstaaftanstaaf' }), plainServer(knows))).toMatchObject({
      principal: 'tim',
    })
    expect(await met(plain({ username: 'tim', password: 'x' }), plainServer(knows))).toHaveProperty('refused')
  })
})

describe('SCRAM', () => {
  // Source: RFC 7677, section 3.
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const serverNonce = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const first = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'
  const last =
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
  const credential = scramCredential('sha256', 'pencil', salt, 4096)
  const server = () => scramServer('sha256', name => (name === 'user' ? credential : undefined), serverNonce)

  test('says what the broker of RFC 7677’s example says', async () => {
    const { answers, verdict } = await said(server(), [first, last])
    expect(answers).toEqual([
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
      'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    ])
    expect(verdict).toMatchObject({ principal: 'user' })
  })

  test('knows the password by keys alone', async () => {
    expect(Object.keys(await credential).sort()).toEqual(['iterations', 'salt', 'serverKey', 'storedKey'])
    expect(text((await credential).storedKey)).not.toContain('pencil')
  })

  test.each([
    ['a proof with one bit changed', [first, last.replace('p=dH', 'p=dX')]],
    ['no proof', [first, last.replace(/,p=.*/, '')]],
    ['an empty proof', [first, last.replace(/,p=.*/, ',p=')]],
    ['a proof that is too long', [first, last.replace(/=$/, 'AAAA')]],
    ['another nonce', [first, last.replace('hvYD', 'hvYE')]],
    ['a channel binding', [first, last.replace('c=biws', 'c=eSws')]],
    ['another name', [first.replace('n=user', 'n=nobody')]],
    ['the wish for a channel binding', [first.replace('n,,', 'p=tls-unique,,')]],
    ['an extension that must be understood', [first.replace('n,,', 'n,,m=x,')]],
    ['a name that is wrongly escaped', [first.replace('n=user', 'n=us=er')]],
    ['nothing', ['']],
  ])('is not convinced by %s, and does not say why', async (_, messages) => {
    expect((await said(server(), messages)).verdict).toEqual({ refused: null })
  })

  test.each([
    ['sha256', 'ann', 'p'],
    ['sha512', 'a,b=c', 'pässwörd'],
  ] as const)('with %s convinces the client’s side and is convinced by it', async (hash, username, password) => {
    const stored = scramCredential(hash, password)
    const broker = () => scramServer(hash, name => (name === username ? stored : undefined))
    expect(await met(scram(hash, { username, password }), broker())).toMatchObject({ principal: username })
    expect(await met(scram(hash, { username, password: 'x' }), broker())).toEqual({ refused: null })
  })

  test('gives every user another salt and every exchange another nonce', async () => {
    const salts = await Promise.all([scramCredential('sha256', 'p'), scramCredential('sha256', 'p')])
    expect(text(salts[0].salt)).not.toBe(text(salts[1].salt))
    const challenge = async () =>
      (
        await said(
          scramServer('sha256', () => credential),
          [first],
        )
      ).answers[0]
    expect(await challenge()).not.toBe(await challenge())
  })
})

test('whatever is changed on the way between the two sides of SCRAM, neither is convinced', async () => {
  const random = seededRandom(5802)
  const stored = scramCredential('sha256', 'pencil')
  const change = (bytes: Uint8Array): Uint8Array => {
    const changed = Uint8Array.from(bytes)
    // The last letters of a proof hold bits that mean nothing.
    const at = Math.floor(random() * (changed.length - 3))
    changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(random() * 7))
    return random() < 0.2 ? changed.subarray(0, at) : changed
  }
  const told: string[] = []
  for (let run = 0; run < 200; run++) {
    const changedMessage = run % 4
    let messages = 0
    const pass = (bytes: Uint8Array) => (messages++ === changedMessage ? change(bytes) : bytes)
    const server = scramServer('sha256', name => (name === 'user' ? stored : undefined))
    await server.next(new Uint8Array())
    try {
      const client = scram('sha256', { username: 'user', password: 'pencil' })
      let ours = await client.next(new Uint8Array())
      for (;;) {
        if (ours.done) throw new Error('the client is convinced')
        const theirs = await server.next(pass(ours.value))
        if ('refused' in theirs.value) break
        ours = await client.next(pass('answer' in theirs.value ? theirs.value.answer : theirs.value))
      }
    } catch (error) {
      told.push((error as Error).message)
    }
  }
  expect(told.filter(message => !/impostor|refuses/.test(message))).toEqual([])
  expect(told.length).toBeGreaterThan(60)
}, 60_000)

describe('OAUTHBEARER', () => {
  // Source: RFC 7628, section 4.1.
  const value = 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=='
  const message = `n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer ${value}\x01\x01`

  test('reads the example of RFC 7628', async () => {
    const seen: unknown[] = []
    const server = oauthBearerServer((...given) => {
      seen.push(given)
      return { principal: 'user@example.com', lifetimeMs: 7 }
    })
    const { answers, verdict } = await said(server, [message])
    expect(seen).toEqual([[value, { host: 'server.example.com', port: '143' }]])
    expect(answers).toEqual([''])
    expect(verdict).toMatchObject({ principal: 'user@example.com', lifetimeMs: 7 })
  })

  test('says why in JSON, and is through when the client has heard it, as in section 4.3', async () => {
    const { answers, verdict } = await said(
      oauthBearerServer(() => null),
      [message, '\x01'],
    )
    expect(answers).toEqual(['{"status":"invalid_token"}'])
    expect(verdict).toEqual({ refused: '{"status":"invalid_token"}' })
  })

  test('gives the token to nobody else', async () => {
    const { verdict } = await said(
      oauthBearerServer(() => ({ principal: 'other' })),
      [message],
    )
    expect(verdict).toEqual({ refused: expect.stringMatching(/\(user@example\.com\).*principal name \(other\)/) })
  })

  test.each([
    ['no token', 'n,,\x01auth=Bearer \x01\x01'],
    ['another scheme', 'n,,\x01auth=Basic a\x01\x01'],
    ['no end', 'n,,\x01auth=Bearer a\x01'],
    ['more after the end', 'n,,\x01auth=Bearer a\x01\x01x'],
    ['a name that is none', 'n,,\x01auth=Bearer a\x01__proto__=x\x01\x01'],
    ['an empty value', 'n,,\x01auth=Bearer a\x01x=\x01\x01'],
    ['another header', 'y,,\x01auth=Bearer a\x01\x01'],
    ['nothing', ''],
  ])('refuses a message with %s, without asking whose the token is', async (_, malformed) => {
    const server = oauthBearerServer(() => expect.unreachable())
    expect((await said(server, [malformed])).verdict).toEqual({ refused: null })
  })

  test('is convinced by the client’s side, which is told when it is not', async () => {
    const nowMs = 5_000_000
    const server = (atMs: number) => oauthBearerServer(token => unsecuredTokenOwner(token, atMs))
    const token = unsecuredToken('principal=ann lifeSeconds=60 extension_pool=x', nowMs)
    expect(await met(oauthBearer(token), server(nowMs))).toMatchObject({ principal: 'ann', lifetimeMs: nowMs + 60_000 })
    expect(await met(oauthBearer(token), server(nowMs + 60_000))).toHaveProperty('refused')
  })
})
