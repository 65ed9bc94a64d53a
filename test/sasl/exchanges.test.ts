import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { quoted } from '../../src/quoted.ts'
import type { SaslExchange } from '../../src/sasl/exchange.ts'
import { oauthBearer, unsecuredToken } from '../../src/sasl/oauthbearer.ts'
import { plain } from '../../src/sasl/plain.ts'
import { scram, scramKeys } from '../../src/sasl/scram.ts'

/** What the exchange says, the broker answering from a list. */
async function said(exchange: SaslExchange, answers: readonly string[] = []): Promise<string[]> {
  const out: string[] = []
  let step = await exchange.next(new Uint8Array())
  for (const answer of [...answers, '', '', '']) {
    if (step.done) break
    out.push(Buffer.from(step.value).toString('utf8'))
    step = await exchange.next(Buffer.from(answer))
  }
  return out
}

describe('PLAIN', () => {
  test('sends name and password as RFC 4616 has them', async () => {
    expect(await said(plain({ username: 'tim', password: 'tanstaaftanstaaf' }))).toEqual(['\0tim\0tanstaaftanstaaf'])
    expect(await said(plain({ username: 'ü', password: '密' }))).toEqual(['\0ü\0密'])
  })

  test.each([
    ['', 'p', /username/],
    ['u', '', /password/],
    ['u\0v', 'p', /username/],
    ['u', 'p\0q', /password/],
  ])('refuses %j and %j, which would be read as something else', async (username, password, says) => {
    await expect(said(plain({ username, password }))).rejects.toThrow(says)
  })
})

describe('SCRAM', () => {
  const user = { username: 'user', password: 'pencil' }
  // Source: RFC 7677, section 3.
  const nonce = 'rOprNGfwEbeRWgbNEkqO'
  const first = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'
  const last = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

  test('says what the example of RFC 7677 says, and believes its broker', async () => {
    expect(await said(scram('sha256', user, nonce), [first, last])).toEqual([
      'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    ])
  })

  test('does not believe a broker whose signature differs in one bit', async () => {
    for (const wrong of [last.replace('v=6', 'v=7'), 'v=', 'v', '', 'x=1', `${last.slice(0, -9)}`]) {
      await expect(said(scram('sha256', user, nonce), [first, wrong])).rejects.toThrow(/signature is wrong/)
    }
  })

  test('a refusal is passed on', async () => {
    await expect(said(scram('sha256', user, nonce), [first, 'e=invalid-proof'])).rejects.toThrow('invalid-proof')
    await expect(said(scram('sha256', user, nonce), ['e=unknown-user'])).rejects.toThrow('unknown-user')
  })

  test.each([
    ['has no nonce of its own', first.replace('%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0', ''), /nonce/],
    ['has another nonce', first.replace('r=rOpr', 'r=rOps'), /nonce/],
    ['asks for too little work', first.replace('4096', '4095'), /4095 iterations/],
    ['asks for endless work', first.replace('4096', '1000001'), /1000001 iterations/],
    ['asks for more than a number holds', first.replace('4096', '9'.repeat(400)), /iterations/],
    ['has an extension that must be understood', `m=x,${first}`, /malformed/],
    ['has no salt', first.replace('s=W22ZaJ0SNY7soEsUEjb6gQ==', 's='), /malformed/],
    ['is nothing', '', /malformed/],
    ['pollutes', '__proto__=1', /malformed/],
  ])('a challenge that %s is refused', async (_, challenge, says) => {
    await expect(said(scram('sha256', user, nonce), [challenge])).rejects.toThrow(says)
  })

  test('a name with comma and equals sign stays one name', async () => {
    const [hello] = await said(scram('sha512', { username: 'a,b=c', password: 'p' }, 'n'), ['e=x']).catch(() => [''])
    const exchange = scram('sha512', { username: 'a,b=c', password: 'p' }, 'n')
    const step = await exchange.next(new Uint8Array())
    expect(hello).toBe('')
    expect(Buffer.from(step.value ?? '').toString()).toBe('n,,n=a=2Cb=3Dc,r=n')
  })

  test('takes name and password as they are typed, as Kafka does', async () => {
    const exchange = scram('sha256', { username: 'ﬁsh', password: 'ﬁsh' }, 'n')
    expect(Buffer.from((await exchange.next(new Uint8Array())).value ?? '').toString()).toBe('n,,n=ﬁsh,r=n')
    const keys = async (password: string) => (await scramKeys('sha256', password, Buffer.from('salt'), 4096)).serverKey
    expect(await keys('ﬁsh')).not.toEqual(await keys('fish'))
  })

  test('SHA-512 convinces a server that has only the stored key, and is convinced by it', async () => {
    const salt = Buffer.from('salt of the earth')
    const keys = await scramKeys('sha512', 'secret', salt, 5000)
    const exchange = scram('sha512', { username: 'u', password: 'secret' }, 'abc')
    await exchange.next(new Uint8Array())
    const serverFirst = `r=abcdef,s=${salt.toString('base64')},i=5000`
    const step = await exchange.next(Buffer.from(serverFirst))
    const final = Buffer.from(step.value ?? '').toString()
    const message = `n=u,r=abc,${serverFirst},c=biws,r=abcdef`
    const signature = createHmac('sha512', keys.storedKey).update(message).digest()
    const proof = Buffer.from(keys.clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)))
    expect(final).toBe(`c=biws,r=abcdef,p=${proof.toString('base64')}`)
    const verifier = createHmac('sha512', keys.serverKey).update(message).digest('base64')
    expect((await exchange.next(Buffer.from(`v=${verifier}`))).done).toBe(true)
  })
})

describe('OAUTHBEARER', () => {
  test('sends the token and its extensions', async () => {
    const token = { value: 'a.b.c', lifetimeMs: 1, extensions: { logicalCluster: 'lkc-1', pool: 'x y' } }
    expect(await said(oauthBearer(token))).toEqual([
      'n,,\x01auth=Bearer a.b.c\x01logicalCluster=lkc-1\x01pool=x y\x01\x01',
    ])
  })

  test('answers a refusal with one byte, and says why', async () => {
    const exchange = oauthBearer({ value: 'eyJ.eyJ.x', lifetimeMs: 1 })
    exchange.next(new Uint8Array())
    expect(exchange.next(Buffer.from('{"status":"invalid_token"}')).value).toEqual(Uint8Array.of(1))
    expect(() => exchange.next(new Uint8Array())).toThrow('invalid_token')
  })

  test.each([
    ['', {}],
    ['a\x01auth=Bearer b', {}],
    ['a b', {}],
    ['a', { auth: 'x' }],
    ['a', { 'n-1': 'x' }],
    ['a', { name: 'x\x01y' }],
  ])('token %j with extensions %j is not sent', async (value, extensions) => {
    await expect(said(oauthBearer({ value, lifetimeMs: 1, extensions }))).rejects.toThrow(/token|extension/)
  })

  test('an unsecured token says what the configuration says', () => {
    const config =
      'principalClaimName=azp principal=admin scopeClaimName=roles scope=a,b lifeSeconds=600 extension_pool=x'
    const { value, lifetimeMs, principal, extensions } = unsecuredToken(config, 5000)
    const [head, claims, signature] = value.split('.')
    const read = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString())
    expect(read(head)).toEqual({ alg: 'none' })
    expect(read(claims)).toEqual({ azp: 'admin', roles: ['a', 'b'], iat: 5, exp: 605 })
    expect(signature).toBe('')
    expect({ lifetimeMs, principal, extensions }).toEqual({
      lifetimeMs: 605_000,
      principal: 'admin',
      extensions: { pool: 'x' },
    })
  })

  test.each([
    ['', /name=value/],
    ['principal', /name=value/],
    ['scope=a', /principal=NAME/],
    ['principal=a lifeSeconds=0', /lifeSeconds/],
    ['principal=a life=5', /lifeSeconds and extension_NAME/],
  ])('the configuration %j is refused', (config, says) => {
    expect(() => unsecuredToken(config, 0)).toThrow(says)
  })
})

test('what a broker says is shown as one short line', () => {
  expect(quoted('a\r\nb\u001b[31m\u202ec')).toBe('a b [31m c')
  expect(quoted('x'.repeat(1000))).toHaveLength(301)
})
