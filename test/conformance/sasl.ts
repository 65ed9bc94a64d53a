// What a broker wants to be told before it serves, and what it says to those who do not convince it.

import { Buffer } from 'node:buffer'
import { afterEach, describe, expect, test } from 'vitest'
import { nodeTransport } from '../../src/cluster/node-transport.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { findCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { saslAuthenticate } from '../../src/protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/apis/sasl-handshake.ts'
import type { SaslExchange } from '../../src/sasl/exchange.ts'
import { oauthBearer, unsecuredToken } from '../../src/sasl/oauthbearer.ts'
import { plain } from '../../src/sasl/plain.ts'
import { scram } from '../../src/sasl/scram.ts'
import { RawClient } from '../mock/raw-client.ts'
import { nameOf, until } from './place.ts'

/** Listeners with all four mechanisms, unsecured tokens, and the users that `users` names. */
export interface SaslPlace {
  /** Sessions of passwords have no end. */
  readonly server: string
  /** Sessions last `sessionLifetimeMs`. */
  readonly renewing: string
}

export const users = { ann: 'correct horse', bob: 'battery staple' }
export const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const
export const sessionLifetimeMs = 2500

const ann = { username: 'ann', password: users.ann }
const bob = { username: 'bob', password: users.bob }
const wrong = { username: 'ann', password: 'wr0ng' }
const software = { clientSoftwareName: 'raw', clientSoftwareVersion: '1' }
const everything = { topics: [], allowAutoTopicCreation: false }
const invalid = (mechanism: string, what = 'authentication') =>
  `Authentication failed during ${what} due to invalid credentials with SASL mechanism ${mechanism}`
const badPassword = 'Authentication failed: Invalid username or password'
const token = (lifeMs: number) =>
  unsecuredToken(`principal=ann lifeSeconds=${lifeMs / 1000}`, Math.floor(Date.now() / 1000) * 1000)

/** What the broker says to one message: an error's name with its text, or the text alone; null is the end. */
type Reply = { error: string; says: string | null; lifetimeMs: number } | null

class Talk {
  readonly raw: RawClient

  private constructor(raw: RawClient) {
    this.raw = raw
  }

  static async with(server: string): Promise<Talk> {
    return new Talk(await RawClient.connect(nodeTransport(), server))
  }

  async handshake(mechanism: string, version = 1) {
    const answer = await this.raw.call(saslHandshake, version, { mechanism })
    return answer && { error: nameOf(answer.errorCode), mechanisms: answer.mechanisms.toSorted() }
  }

  async authenticate(message: Uint8Array | string, version = 2): Promise<Reply & { bytes?: Uint8Array }> {
    const answer = await this.raw.call(saslAuthenticate, version, { authBytes: Buffer.from(message) })
    if (answer === null) return null as never
    const { errorCode, errorMessage, authBytes, sessionLifetimeMs } = answer
    return { error: nameOf(errorCode), says: errorMessage, lifetimeMs: Number(sessionLifetimeMs), bytes: authBytes }
  }

  /** Handshake and exchange to their end; the last reply. */
  async signIn(mechanism: string, exchange: SaslExchange, version = 2): Promise<Reply> {
    expect(await this.handshake(mechanism)).toMatchObject({ error: 'NONE' })
    let reply: Reply = null
    for (let step = await exchange.next(new Uint8Array()); !step.done; ) {
      const { bytes = new Uint8Array(), ...rest } = await this.authenticate(step.value, version)
      reply = rest
      if (reply.error !== 'NONE') return reply
      step = await exchange.next(bytes)
    }
    return reply
  }

  /** Whether requests are served. */
  async serves(): Promise<boolean> {
    return (await this.raw.call(metadata, 9, everything)) !== null
  }
}

export function saslCases(place: () => SaslPlace): void {
  const open: Talk[] = []
  afterEach(() => {
    for (const { raw } of open.splice(0)) raw.destroy()
  })

  async function talk(server = place().server): Promise<Talk> {
    const talk = await Talk.with(server)
    open.push(talk)
    return talk
  }

  const granted = (lifetimeMs: unknown = 0) => ({ error: 'NONE', says: '', lifetimeMs })
  const refused = (says: string | null) => ({ error: 'SASL_AUTHENTICATION_FAILED', says, lifetimeMs: 0 })

  describe('a listener with SASL', () => {
    test('serves nothing before it is convinced, and says so by closing', async () => {
      expect(await (await talk()).serves()).toBe(false)
      const early = await talk()
      expect(await early.raw.call(saslAuthenticate, 2, { authBytes: Buffer.from('\0ann\0x') })).toBeNull()
      const asked = await talk()
      expect(await asked.raw.call(apiVersions, 3, software)).toMatchObject({ errorCode: 0 })
      expect(await asked.serves()).toBe(false)
    })

    test('tells its versions once, and again only to those whose version it did not know', async () => {
      const once = await talk()
      expect(await once.raw.call(apiVersions, 3, software)).toMatchObject({ errorCode: 0 })
      expect(await once.raw.call(apiVersions, 3, software)).toBeNull()
      const again = await talk()
      expect(await again.raw.call(apiVersions, 5, software)).toMatchObject({ errorCode: 35 })
      const nameless = { ...software, clientSoftwareName: '-' }
      expect(await again.raw.call(apiVersions, 3, nameless)).toMatchObject({ errorCode: 42 })
      expect(await again.raw.call(apiVersions, 3, software)).toMatchObject({ errorCode: 0 })
      expect(await again.signIn('PLAIN', plain(ann))).toEqual(granted())
    })

    test('needs no question about its versions', async () => {
      const quick = await talk()
      expect(await quick.signIn('PLAIN', plain(ann))).toEqual(granted())
      expect(await quick.serves()).toBe(true)
      expect(await quick.raw.call(apiVersions, 3, software)).toMatchObject({ errorCode: 0 })
    })

    test('names its mechanisms, also to those who want another one, and closes then', async () => {
      const listed = mechanisms.toSorted()
      const known = await talk()
      expect(await known.handshake('SCRAM-SHA-256')).toEqual({ error: 'NONE', mechanisms: listed })
      for (const unknown of ['GSSAPI', 'plain', '']) {
        const other = await talk()
        expect(await other.handshake(unknown)).toEqual({ error: 'UNSUPPORTED_SASL_MECHANISM', mechanisms: listed })
        await other.raw.closed
      }
    })

    test('takes nothing but messages of the mechanism once that is named', async () => {
      const straying = await talk()
      await straying.handshake('PLAIN')
      const question = { keyType: 1, coordinatorKeys: ['t'] }
      const answer = await straying.raw.call(findCoordinator, 4, question)
      expect(answer?.coordinators.map(({ errorCode }) => nameOf(errorCode))).toEqual(['ILLEGAL_SASL_STATE'])
      await straying.raw.closed
      const twice = await talk()
      await twice.handshake('PLAIN')
      expect(await twice.handshake('PLAIN')).toEqual({ error: 'ILLEGAL_SASL_STATE', mechanisms: [] })
      await twice.raw.closed
    })

    test('has no more to say on SASL when it is convinced, and goes on to serve', async () => {
      const done = await talk()
      await done.signIn('PLAIN', plain(ann))
      expect(await done.handshake('PLAIN')).toEqual({ error: 'ILLEGAL_SASL_STATE', mechanisms: [] })
      expect(await done.authenticate('\0ann\0x')).toMatchObject({
        error: 'ILLEGAL_SASL_STATE',
        says: 'SaslAuthenticate request received after successful authentication',
      })
      expect(await done.serves()).toBe(true)
    })

    test('takes messages without a header after version 0 of SaslHandshake', async () => {
      const framed = (text: string) => {
        const frame = Buffer.alloc(4 + Buffer.byteLength(text))
        frame.writeInt32BE(frame.length - 4)
        frame.write(text, 4)
        return frame
      }
      const bare = await talk()
      expect(await bare.handshake('PLAIN', 0)).toMatchObject({ error: 'NONE' })
      expect(await bare.raw.exchange([framed(`\0ann\0${users.ann}`)])).toEqual(new Uint8Array())
      expect(await bare.serves()).toBe(true)
      const liar = await talk()
      await liar.handshake('PLAIN', 0)
      expect(await liar.raw.exchange([framed('\0ann\0wr0ng')])).toBeNull()
    })
  })

  describe('PLAIN', () => {
    test.each([0, 1, 2])('convinces by name and password, in version %i', async version => {
      const client = await talk()
      expect(await client.signIn('PLAIN', plain(ann), version)).toEqual(granted())
      expect(await client.serves()).toBe(true)
    })

    test.each<[string, string, string]>([
      ['a wrong password', '\0ann\0wr0ng', badPassword],
      ['a name that is not known', `\0nobody\0${users.ann}`, badPassword],
      ['the name of an object’s property', '\0constructor\0x', badPassword],
      ['the password of another', `\0ann\0${users.bob}`, badPassword],
      ['no name', '\0\0x', 'Authentication failed: username not specified'],
      ['no password', '\0ann\0', 'Authentication failed: password not specified'],
      [
        'the wish to be another',
        `bob\0ann\0${users.ann}`,
        'Authentication failed: Client requested an authorization id that is different from username',
      ],
      ['two parts', 'ann\0x', 'Invalid SASL/PLAIN response: expected 3 tokens, got 2'],
      ['four parts', `\0ann\0x\0y`, 'Invalid SASL/PLAIN response: expected 3 tokens, got 4'],
      ['nothing', '', 'Invalid SASL/PLAIN response: expected 3 tokens, got 1'],
    ])('does not convince by %s', async (_, message, says) => {
      const client = await talk()
      await client.handshake('PLAIN')
      expect(await client.authenticate(message)).toMatchObject(refused(says))
      await client.raw.closed
    })

    test('lets a user ask for its own name', async () => {
      const client = await talk()
      await client.handshake('PLAIN')
      expect(await client.authenticate(`ann\0ann\0${users.ann}`)).toMatchObject(granted())
    })
  })

  describe.each([['SCRAM-SHA-256', 'sha256'] as const, ['SCRAM-SHA-512', 'sha512'] as const])('%s', (name, hash) => {
    test('convinces both sides', async () => {
      const client = await talk()
      expect(await client.signIn(name, scram(hash, ann))).toEqual(granted())
      expect(await client.serves()).toBe(true)
    })

    test('says no more than that the credentials are wrong', async () => {
      for (const credentials of [wrong, { ...ann, username: 'nobody' }]) {
        const client = await talk()
        expect(await client.signIn(name, scram(hash, credentials))).toEqual(refused(invalid(name)))
        await client.raw.closed
      }
    })

    test.each(['', 'n,,n=ann', 'n,,r=abc,n=ann', 'y,,n=ann,r=abc', 'n,,n=a=nn,r=abc', 'p=tls-unique,,n=ann,r=abc'])(
      'does not take %j for a beginning',
      async message => {
        const client = await talk()
        await client.handshake(name)
        expect(await client.authenticate(message)).toMatchObject(refused(invalid(name)))
        await client.raw.closed
      },
    )

    test('gives away how its keys are made, and takes no proof under another nonce', async () => {
      const client = await talk()
      await client.handshake(name)
      const { bytes = new Uint8Array() } = await client.authenticate('n,,n=ann,r=abc')
      expect(Buffer.from(bytes).toString()).toMatch(/^r=abc[\x21-\x2b\x2d-\x7e]{16,},s=[\w+/]+=*,i=4096$/)
      expect(await client.authenticate(`c=biws,r=abcdef,p=${'A'.repeat(42)}==`)).toMatchObject(refused(invalid(name)))
      await client.raw.closed
    })

    test('lets nobody be another', async () => {
      const client = await talk()
      await client.handshake(name)
      expect(await client.authenticate('n,a=bob,n=ann,r=abc')).toMatchObject(
        refused('Authentication failed: Client requested an authorization id that is different from username'),
      )
      await client.raw.closed
    })
  })

  describe('OAUTHBEARER', () => {
    test('convinces by a token, for as long as that lasts', async () => {
      const client = await talk()
      const reply = await client.signIn('OAUTHBEARER', oauthBearer(token(60_000)))
      expect(reply).toEqual(granted(expect.any(Number)))
      expect(reply?.lifetimeMs).toBeGreaterThan(40_000)
      expect(reply?.lifetimeMs).toBeLessThanOrEqual(60_000)
      expect(await client.serves()).toBe(true)
    })

    const jwt = (claims: object, header: object = { alg: 'none' }) =>
      `${[header, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`
    const exp = Math.floor(Date.now() / 1000) + 60

    test.each([
      ['that has ended', jwt({ sub: 'ann', exp: 2 })],
      ['without an end', jwt({ sub: 'ann' })],
      ['of nobody', jwt({ exp })],
      ['from the future', jwt({ sub: 'ann', exp: exp + 60, iat: exp })],
      ['that is signed', jwt({ sub: 'ann', exp }, { alg: 'HS256' })],
      ['with a signature', `${jwt({ sub: 'ann', exp })}c2ln`],
      ['that is no JWT', 'token'],
    ])('says what is wrong with a token %s when it is told to go on', async (_, value) => {
      const client = await talk()
      await client.handshake('OAUTHBEARER')
      const { bytes, ...reply } = await client.authenticate(`n,,\x01auth=Bearer ${value}\x01\x01`)
      const why = '{"status":"invalid_token"}'
      expect({ ...reply, why: Buffer.from(bytes ?? []).toString() }).toEqual({ ...granted(), why })
      expect(await client.authenticate('\x01')).toMatchObject(refused(why))
      await client.raw.closed
    })

    test.each(['', 'n,,', 'auth=Bearer a', 'n,,\x01n=v\x01\x01', 'y,,\x01auth=Bearer a\x01\x01'])(
      'does not take %j for a message',
      async message => {
        const client = await talk()
        await client.handshake('OAUTHBEARER')
        expect(await client.authenticate(message)).toMatchObject(refused(invalid('OAUTHBEARER')))
        await client.raw.closed
      },
    )

    test('lets nobody be another', async () => {
      const client = await talk()
      await client.handshake('OAUTHBEARER')
      const message = `n,a=bob,\x01auth=Bearer ${jwt({ sub: 'ann', exp })}\x01\x01`
      expect(await client.authenticate(message)).toMatchObject(
        refused(
          "Authentication failed: Client requested an authorization id (bob) that is different from the token's principal name (ann)",
        ),
      )
      await client.raw.closed
    })
  })

  describe('a session that ends', () => {
    test.each([1, 2])('says when, in version %i', async version => {
      const client = await talk(place().renewing)
      expect(await client.signIn('PLAIN', plain(ann), version)).toEqual(granted(sessionLifetimeMs))
    })

    test('is the shorter one of the token’s and the listener’s', async () => {
      const [long, short] = [await talk(place().renewing), await talk(place().renewing)]
      expect(await long.signIn('OAUTHBEARER', oauthBearer(token(60_000)))).toEqual(granted(sessionLifetimeMs))
      const { lifetimeMs = 0 } = (await short.signIn('OAUTHBEARER', oauthBearer(token(2_000)))) ?? {}
      expect(lifetimeMs).toBeLessThanOrEqual(2_000)
    })

    test('is renewed on the same connection, but not twice within a second', async () => {
      const client = await talk(place().renewing)
      await client.signIn('SCRAM-SHA-256', scram('sha256', ann))
      expect(await client.signIn('SCRAM-SHA-256', scram('sha256', ann))).toEqual(granted(sessionLifetimeMs))
      expect(await client.handshake('SCRAM-SHA-256')).toEqual({ error: 'ILLEGAL_SASL_STATE', mechanisms: [] })
      expect(await client.serves()).toBe(true)
    })

    test('is not renewed for another principal', async () => {
      const client = await talk(place().renewing)
      await client.signIn('PLAIN', plain(ann))
      expect(await client.signIn('PLAIN', plain(bob))).toEqual(
        refused('Cannot change principals during re-authentication from User.ann: User.bob'),
      )
      await client.raw.closed
    })

    test('is not renewed by another mechanism: that is said by closing', async () => {
      const client = await talk(place().renewing)
      await client.signIn('PLAIN', plain(ann))
      expect(await client.handshake('SCRAM-SHA-256')).toMatchObject({ error: 'NONE' })
      expect(await client.authenticate('n,,n=ann,r=abc')).toBeNull()
    })

    test('is not renewed by a wrong password', async () => {
      const client = await talk(place().renewing)
      await client.signIn('SCRAM-SHA-512', scram('sha512', ann))
      expect(await client.signIn('SCRAM-SHA-512', scram('sha512', wrong))).toEqual(
        refused(invalid('SCRAM-SHA-512', 're-authentication')),
      )
      await client.raw.closed
    })

    test('serves nothing while it is renewed', async () => {
      const client = await talk(place().renewing)
      await client.signIn('PLAIN', plain(ann))
      expect(await client.handshake('PLAIN')).toMatchObject({ error: 'NONE' })
      await client.serves()
      await client.raw.closed
    })

    test('that is over serves nothing more', async () => {
      const client = await talk(place().renewing)
      await client.signIn('PLAIN', plain(ann))
      expect(await client.serves()).toBe(true)
      await until(async () => !(await client.serves()))
    })

    test('that is over may still be renewed', async () => {
      const [client, other] = [await talk(place().renewing), await talk(place().renewing)]
      await client.signIn('PLAIN', plain(ann))
      await other.signIn('PLAIN', plain(ann))
      await until(async () => !(await other.serves()))
      expect(await client.signIn('PLAIN', plain(ann))).toEqual(granted(sessionLifetimeMs))
      expect(await client.serves()).toBe(true)
    })

    test('ends also for a client that cannot be told of it', async () => {
      const client = await talk(place().renewing)
      expect(await client.signIn('PLAIN', plain(ann), 0)).toEqual(granted())
      await until(async () => !(await client.serves()))
    })
  })
}
