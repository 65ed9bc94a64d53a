import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { Producer, type ProducerOptions } from '../../src/index.ts'
import { type OidcSettings, oidcProvider } from '../../src/producer/oidc.ts'
import { closedPort } from '../support/loopback.ts'

const secret = 'hunter2&: '
const context = { config: null, signal: new AbortController().signal }
const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`

/** Asks a provider whose endpoint answers so; gives what it gave, and the request. */
async function ask(answer: (response: ServerResponse) => void, settings: Partial<OidcSettings> = {}) {
  const seen: { request?: IncomingMessage; body: string } = { body: '' }
  const server = createServer((request, response) => {
    seen.request = request
    request.on('data', chunk => {
      seen.body += String(chunk)
    })
    request.on('end', () => answer(response))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
  const base = { clientId: 'a b', clientSecret: secret, scope: null, extensions: null, subject: 'sub', now: () => 1000 }
  try {
    const token = await oidcProvider({ url, ...base, ...settings })(context)
    return { token, ...seen }
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}

const giving =
  (body: object, status = 200) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

describe('an OIDC server', () => {
  test('is asked with the client’s credentials, and gives a token that tells its end', async () => {
    const value = jwt({ sub: 'ann', exp: 50 })
    const { token, request, body } = await ask(giving({ access_token: value, expires_in: 5 }), {
      scope: 'kafka:write other',
      extensions: 'logicalCluster=lkc-1, pool=x=y',
    })
    const extensions = { logicalCluster: 'lkc-1', pool: 'x=y' }
    expect(token).toEqual({ value, lifetimeMs: 50_000, principal: 'ann', extensions })
    expect(request?.method).toBe('POST')
    const basic = Buffer.from('a+b:hunter2%26%3A+').toString('base64')
    expect(request?.headers.authorization).toBe(`Basic ${basic}`)
    expect(body).toBe('grant_type=client_credentials&scope=kafka%3Awrite+other')
  })

  test('may give a token that nobody can look into', async () => {
    const { token } = await ask(giving({ access_token: 'opaque', expires_in: 60 }))
    expect(token).toEqual({ value: 'opaque', lifetimeMs: 61_000, extensions: {} })
  })

  test.each<[string, (response: ServerResponse) => void, RegExp]>([
    [
      'refuses',
      giving({ error: 'invalid_client', error_description: 'who?' }, 401),
      /401 \(invalid_client: who\?\), check/,
    ],
    ['answers in HTML', response => response.writeHead(502).end('<html>'), /502/],
    ['gives no token', giving({}), /without an access_token/],
    ['gives an endless token', giving({ access_token: 'x' }), /neither exp nor expires_in/],
    ['sends us elsewhere', response => response.writeHead(302, { location: 'http://evil/' }).end(), /no answer/],
    ['talks without end', response => response.end('x'.repeat(200_000)), /longer than 100000 bytes/],
  ])('that %s is an error without the secret', async (_, answer, says) => {
    const failure = await ask(answer).then(
      () => new Error('it gave a token'),
      (error: Error) => error,
    )
    expect(failure.message).toMatch(says)
    expect(failure.message).not.toMatch(/hunter2/)
  })

  test('that is not there is named, with what to check', async () => {
    const url = `http://127.0.0.1:${await closedPort()}/token`
    await expect(ask(giving({}), { url })).rejects.toThrow(/127\.0\.0\.1:\d+\/token.*check sasl\.oauthbearer\.token/)
  })
})

describe('the configuration', () => {
  const complete = {
    'bootstrap.servers': 'a',
    'security.protocol': 'sasl_ssl',
    'sasl.mechanisms': 'OAUTHBEARER',
    'sasl.oauthbearer.method': 'oidc',
    'sasl.oauthbearer.client.id': 'a',
    'sasl.oauthbearer.client.secret': 'hunter2',
    'sasl.oauthbearer.token.endpoint.url': 'https://idp/token',
  } as const satisfies ProducerOptions

  test('is enough with id, secret and endpoint', () => {
    expect(new Producer(complete).status).toBe('initial')
  })

  test.each<[string, unknown]>([
    ['sasl.oauthbearer.client.id', undefined],
    ['sasl.oauthbearer.client.secret', ''],
    ['sasl.oauthbearer.token.endpoint.url', undefined],
    ['sasl.oauthbearer.token.endpoint.url', 'idp/token'],
    ['sasl.oauthbearer.token.endpoint.url', 'ftp://idp/token'],
    ['sasl.oauthbearer.token.endpoint.url', 'https://ann:hunter2@idp/token'],
    ['sasl.oauthbearer.extensions', 'name'],
    ['oauthBearerTokenProvider', () => ({})],
  ])('is refused where %s is %s', (property, value) => {
    const make = () => new Producer({ ...complete, [property]: value } as ProducerOptions)
    expect(make).toThrow(expect.objectContaining({ property, code: -186 }))
    expect(make).not.toThrow(/hunter2/)
  })
})
