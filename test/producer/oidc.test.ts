import { generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Producer, type ProducerOptions } from '../../src/index.ts'
import { resolveConfig } from '../../src/producer/config/config.ts'
import { oidcProvider } from '../../src/producer/oidc.ts'
import { certificateAuthority } from '../support/certificates.ts'
import { closedPort } from '../support/loopback.ts'
import { startOidcServer } from '../support/oidc-server.ts'

const secret = 'hunter2&: '
const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`

/** What is common to all who ask, by the names of the properties behind `sasl.oauthbearer.`. */
function configure(settings: object): ProducerOptions {
  const named = Object.entries(settings).map(([name, value]) => [`sasl.oauthbearer.${name}`, value])
  return {
    'bootstrap.servers': 'a',
    'security.protocol': 'sasl_ssl',
    'sasl.mechanisms': 'OAUTHBEARER',
    'sasl.oauthbearer.method': 'oidc',
    ...Object.fromEntries(named),
  }
}

async function ask(settings: object, more: object = {}, signal = new AbortController().signal, now = () => 1000) {
  const { properties } = resolveConfig({ ...configure(settings), ...more })
  return oidcProvider(properties, now)({ config: null, signal })
}

/** Asks an endpoint that answers so, with a secret; gives what it gave, and the request. */
async function answered(answer: (response: ServerResponse) => void, settings: object = {}) {
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
  try {
    const token = await ask({ 'token.endpoint.url': url, 'client.id': 'a b', 'client.secret': secret, ...settings })
    return { token, ...seen }
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => new Error('it gave a token'),
    (error: Error) => error,
  )

const giving =
  (body: object, status = 200) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

describe('an OIDC server', () => {
  test('is asked with the client’s credentials, and gives a token that tells its end', async () => {
    const value = jwt({ sub: 'ann', exp: 50 })
    const { token, request, body } = await answered(giving({ access_token: value, expires_in: 5 }), {
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

  test('may give a token that nobody can look into, or an identity token alone', async () => {
    const { token } = await answered(giving({ access_token: 'opaque', expires_in: 60 }))
    expect(token).toEqual({ value: 'opaque', lifetimeMs: 61_000, extensions: {} })
    expect((await answered(giving({ id_token: jwt({ exp: 50 }) }))).token).toMatchObject({ lifetimeMs: 50_000 })
  })

  test.each<[string, (response: ServerResponse) => void, RegExp]>([
    [
      'refuses',
      giving({ error: 'invalid_client', error_description: 'who?' }, 401),
      /401 \(invalid_client: who\?\), check sasl\.oauthbearer\.client\.id/,
    ],
    [
      'repeats the secret',
      giving({ error: 'invalid_client', error_description: `not ${secret}` }, 401),
      /401 \(\*{6}\), check/,
    ],
    ['answers in HTML', response => response.writeHead(502).end('<html>'), /502/],
    ['gives no token', giving({}), /without an access_token/],
    ['gives an endless token', giving({ access_token: 'x' }), /neither exp nor expires_in/],
    ['sends us elsewhere', response => response.writeHead(302, { location: 'http://evil/' }).end(), /answers 302/],
    ['talks without end', response => response.end('x'.repeat(200_000)), /longer than 100000 bytes/],
    ['breaks off', response => response.write('{', () => response.destroy()), /no answer from/],
  ])('that %s is an error without the secret', async (_, answer, says) => {
    const { message } = await failure(answered(answer))
    expect(message).toMatch(says)
    expect(message).not.toMatch(/hunter2/)
  })

  test('that is not there is named, with what to check', async () => {
    const url = `http://127.0.0.1:${await closedPort()}/token?x=hunter2`
    const { message } = await failure(answered(giving({}), { 'token.endpoint.url': url }))
    expect(message).toMatch(/127\.0\.0\.1:\d+\/token: .*ECONNREFUSED.*check sasl\.oauthbearer\.token\.endpoint\.url$/)
  })

  test('that says nothing is left alone as soon as nobody waits', async () => {
    const abort = new AbortController()
    let left: Promise<unknown> = Promise.resolve()
    const server = createServer(({ socket }) => {
      left = new Promise(resolve => socket.once('close', resolve))
      abort.abort()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
    const asked = ask({ 'token.endpoint.url': url, 'client.id': 'a', 'client.secret': 'b' }, {}, abort.signal)
    await expect(asked).rejects.toThrow(/no answer/)
    await left
    await new Promise(resolve => server.close(resolve))
  })
})

describe('a server that wants an assertion', () => {
  const pairs = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  }
  const publicKeys = { RS256: pairs.RS256.publicKey, ES256: pairs.ES256.publicKey }
  const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  let server: Awaited<ReturnType<typeof startOidcServer>>
  beforeAll(async () => {
    server = await startOidcServer({ id: 'ann', secret: 'none', audience: 'kafka', lifeSeconds: 60, publicKeys })
  })
  afterAll(() => server.stop())

  const signing = (algorithm: keyof typeof pairs, settings: object = {}) => ({
    'token.endpoint.url': server.tokenUrl,
    'assertion.algorithm': algorithm,
    'assertion.private.key.pem': String(pairs[algorithm].privateKey.export({ type: 'pkcs8', format: 'pem' })),
    ...settings,
  })
  const claims = () => ({
    'assertion.claim.iss': 'ann',
    'assertion.claim.sub': 'ann',
    'assertion.claim.aud': server.tokenUrl,
  })
  const asking = (settings: object) => ask(settings, {}, new AbortController().signal, () => Date.now())

  test.each(['RS256', 'ES256'] as const)('takes it in the place of the secret: %s', async algorithm => {
    const settings = signing(algorithm, { 'client.id': 'ann', 'assertion.claim.jti.include': true })
    expect(await asking(settings)).toMatchObject({ principal: 'ann' })
    expect(await asking(settings)).toMatchObject({ principal: 'ann' }) // with another id
    expect(await asking(signing(algorithm, claims()))).toMatchObject({ principal: 'ann' })
  })

  test.each(['RS256', 'ES256'] as const)('takes it as a grant: %s', async algorithm => {
    expect(await asking(signing(algorithm, { 'grant.type': jwtBearer, ...claims() }))).toMatchObject({
      principal: 'ann',
    })
  })

  test.each<[string, object, RegExp]>([
    ['somebody else', { 'client.id': 'bob' }, /401 \(invalid_client: wrong iss, sub or aud\)/],
    ['somebody with a grant for nobody', { 'grant.type': jwtBearer }, /invalid_grant: wrong iss/],
    ['somebody who is late', { 'client.id': 'ann', 'assertion.claim.exp.seconds': 1 }, /not valid now/],
  ])('refuses %s, and it is said what to check', async (_, settings, says) => {
    const asked = ask(signing('RS256', settings), {}, new AbortController().signal, () => Date.now() - 10_000)
    const { message } = await failure(asked)
    expect(message).toMatch(says)
    expect(message).toMatch(/check sasl\.oauthbearer\.assertion\.\*/)
    expect(message).not.toMatch(/PRIVATE|eyJ/)
  })

  test('is not asked without a key that can be used', () => {
    const settings = { ...signing('RS256', { 'client.id': 'ann' }), 'assertion.private.key.pem': 'hunter2' }
    const make = () => new Producer(configure(settings))
    expect(make).toThrow(expect.objectContaining({ property: 'sasl.oauthbearer.assertion.private.key.pem' }))
    expect(make).not.toThrow(/hunter2/)
  })
})

test('the identity of an Azure machine is asked for without a secret', async () => {
  const value = jwt({ sub: 'vm', exp: 50 })
  const config = 'query=api-version=2025-04-07&resource=api%3A%2F%2Fkafka'
  const { request, body } = await answered(giving({ access_token: value, expires_in: '5' }), {
    'client.id': undefined,
    'client.secret': undefined,
    'metadata.authentication.type': 'azure_imds',
    config,
  })
  expect(request?.method).toBe('GET')
  expect(request?.headers.metadata).toBe('true')
  expect(request?.url).toBe('/token?api-version=2025-04-07&resource=api%3A%2F%2Fkafka')
  expect(body).toBe('')
})

describe('a token endpoint with TLS', () => {
  let authority: Awaited<ReturnType<typeof certificateAuthority>>
  let server: Awaited<ReturnType<typeof startOidcServer>>
  beforeAll(async () => {
    authority = await certificateAuthority()
    const tls = await authority.issue('idp', { names: 'DNS:localhost' })
    server = await startOidcServer({ id: 'ann', secret: 'hunter2', audience: 'kafka', lifeSeconds: 60 }, tls)
  })
  afterAll(async () => {
    await server.stop()
    await authority.remove()
  })

  const settings = () => ({ 'token.endpoint.url': server.tokenUrl, 'client.id': 'ann', 'client.secret': 'hunter2' })

  test('is trusted by https.ca.location or https.ca.pem', async () => {
    expect(await ask(settings(), { 'https.ca.location': authority.caFile })).toMatchObject({ principal: 'ann' })
    expect(await ask(settings(), { 'https.ca.pem': authority.ca })).toMatchObject({ principal: 'ann' })
  })

  test('is not trusted without them, nor under another name', async () => {
    const stranger = await failure(ask(settings()))
    expect(stranger.message).toMatch(/https:\/\/localhost:\d+\/token: .*certificate.* and https\.ca\.location$/)
    const url = server.tokenUrl.replace('localhost', '127.0.0.1')
    const named = await failure(ask({ ...settings(), 'token.endpoint.url': url }, { 'https.ca.pem': authority.ca }))
    expect(named.message).toMatch(/does not match certificate/)
    expect(stranger.message + named.message).not.toMatch(/hunter2/)
  })

  test.each([
    ['https.ca.location', '/nowhere/ca.pem'],
    ['https.ca.pem', 'no certificate'],
  ])('is not asked where %s is %s', (property, value) => {
    const make = () => new Producer({ ...configure(settings()), [property]: value } as ProducerOptions)
    expect(make).toThrow(expect.objectContaining({ property, code: -186 }))
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

  const key = 'sasl.oauthbearer.assertion.private.key.pem'
  const jwtBearer = { 'sasl.oauthbearer.grant.type': 'urn:ietf:params:oauth:grant-type:jwt-bearer' }
  const azure = { 'sasl.oauthbearer.metadata.authentication.type': 'azure_imds' }
  const finished = { 'sasl.oauthbearer.client.secret': '', 'sasl.oauthbearer.assertion.file': 'a' }

  test.each<[object, string]>([
    [{ [key]: 'hunter2' }, 'sasl.oauthbearer.client.secret'], // which of the two?
    [{ ...jwtBearer }, 'sasl.oauthbearer.assertion.private.key.file'],
    [{ ...finished, [key]: 'hunter2' }, key],
    [
      { ...finished, 'sasl.oauthbearer.assertion.claim.jti.include': true },
      'sasl.oauthbearer.assertion.claim.jti.include',
    ],
    [
      { ...jwtBearer, [key]: 'hunter2', 'sasl.oauthbearer.assertion.private.key.file': 'a' },
      'sasl.oauthbearer.assertion.private.key.file',
    ],
    [{ 'https.ca.location': 'a', 'https.ca.pem': 'b' }, 'https.ca.location'],
    [{ 'enable.sasl.oauthbearer.unsecure.jwt': true }, 'enable.sasl.oauthbearer.unsecure.jwt'],
    [{ ...azure, 'sasl.oauthbearer.token.endpoint.url': '' }, 'sasl.oauthbearer.config'],
    [{ 'sasl.oauthbearer.metadata.authentication.type': 'aws_iam' }, 'sasl.oauthbearer.metadata.authentication.type'],
  ])('that contradicts itself is refused: %j', (options, property) => {
    const make = () => resolveConfig({ ...complete, ...options } as ProducerOptions)
    expect(make).toThrow(expect.objectContaining({ property, code: -186 }))
    expect(make).not.toThrow(/hunter2/)
  })

  test.each<[object, string[]]>([
    [{}, []],
    [{ 'sasl.oauthbearer.token.endpoint.url': 'http://idp/token' }, ['sasl.oauthbearer.token.endpoint.url']],
    [{ 'sasl.oauthbearer.assertion.claim.sub': 'a' }, ['sasl.oauthbearer.assertion.claim.sub']],
    [{ ...jwtBearer, [key]: 'k' }, ['sasl.oauthbearer.client.secret']],
    [{ ...finished, 'sasl.oauthbearer.assertion.algorithm': 'ES256' }, []],
    [{ ...azure, 'sasl.oauthbearer.token.endpoint.url': 'http://imds/token' }, []],
    [{ ...azure, 'sasl.oauthbearer.token.endpoint.url': '', 'sasl.oauthbearer.config': 'query=resource=a' }, []],
  ])('is warned about what has no effect, or no protection: %j', (options, properties) => {
    const { warnings } = resolveConfig({ ...complete, ...options } as ProducerOptions)
    expect(warnings.map(({ property }) => property)).toEqual(properties)
  })

  test.each<[string, unknown]>([
    ['sasl.oauthbearer.client.id', undefined],
    ['sasl.oauthbearer.client.secret', ''],
    ['sasl.oauthbearer.token.endpoint.url', undefined],
    ['sasl.oauthbearer.token.endpoint.url', 'idp/token'],
    ['sasl.oauthbearer.token.endpoint.url', 'ftp://idp/token'],
    ['sasl.oauthbearer.token.endpoint.url', 'https://ann:hunter2@idp/token'],
    ['sasl.oauthbearer.token.endpoint.url', 'https://:hunter2@idp/token'],
    ['sasl.oauthbearer.token.endpoint.url', 'https//ann:hunter2@idp/token'],
    ['sasl.oauthbearer.extensions', 'name'],
    ['oauthBearerTokenProvider', () => ({})],
  ])('is refused where %s is %s', (property, value) => {
    const make = () => new Producer({ ...complete, [property]: value } as ProducerOptions)
    expect(make).toThrow(expect.objectContaining({ property, code: -186 }))
    expect(make).not.toThrow(/hunter2/)
  })
})
