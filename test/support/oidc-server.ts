// A small OIDC server: gives signed tokens to one client, which proves itself by a secret or by an assertion that it has
// signed, and shows the key to check them with. Also plays the metadata service of an Azure machine.

import { Buffer } from 'node:buffer'
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { claimsOf, jsonObject } from '../../src/sasl/jwt.ts'

export interface OidcClient {
  readonly id: string
  readonly secret: string
  readonly audience: string
  readonly lifeSeconds: number
  /** What the client's assertions are checked with. */
  readonly publicKeys?: Readonly<Record<string, KeyObject>>
}

export interface OidcServer {
  readonly tokenUrl: string
  readonly keysUrl: string
  /** How many tokens it has given. */
  readonly given: number
  stop(): Promise<void>
}

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const clientAssertion = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** `tls`: what an HTTPS server takes; without it the server speaks HTTP. */
export async function startOidcServer(client: OidcClient, tls?: { key: string; cert: string }): Promise<OidcServer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] }
  const expected = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`
  const seen = new Set<unknown>()
  let given = 0

  function token(): string {
    const now = Math.floor(Date.now() / 1000)
    const claims = { sub: client.id, aud: client.audience, iss: 'test', iat: now, exp: now + client.lifeSeconds }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const content = `${part({ alg: 'RS256', kid: 'one', typ: 'JWT' })}.${part(claims)}`
    return `${content}.${sign('sha256', Buffer.from(content), privateKey).toString('base64url')}`
  }

  /** Why the assertion proves nothing, or null. Source: RFC 7523, section 3. */
  function doubt(assertion: string): string | null {
    const [head = '', body = '', signature = ''] = assertion.split('.')
    const { alg } = jsonObject(Buffer.from(head, 'base64url').toString()) ?? {}
    const key = client.publicKeys?.[String(alg)]
    const signed = { key: key ?? publicKey, dsaEncoding: 'ieee-p1363' } as const
    const proven = verify('sha256', Buffer.from(`${head}.${body}`), signed, Buffer.from(signature, 'base64url'))
    if (key === undefined || !proven) return 'wrong signature'
    const { iss, sub, aud, nbf, exp, jti } = claimsOf(assertion)
    const now = Date.now() / 1000
    if (iss !== client.id || sub !== client.id || aud !== server.tokenUrl) return 'wrong iss, sub or aud'
    if (!(Number(nbf) <= now && now < Number(exp))) return 'not valid now'
    if (jti !== undefined && seen.has(jti)) return 'used before'
    seen.add(jti)
    return null
  }

  function refusalOf(form: URLSearchParams, { method, headers }: IncomingMessage): object | null {
    if (method === 'GET') return headers.metadata === 'true' ? null : { error: 'invalid_request' }
    const grant = form.get('grant_type')
    const assertion = grant === jwtBearer ? form.get('assertion') : form.get('client_assertion')
    if (assertion !== null && (grant === jwtBearer || form.get('client_assertion_type') === clientAssertion)) {
      const description = doubt(assertion)
      const error = grant === jwtBearer ? 'invalid_grant' : 'invalid_client'
      return description === null ? null : { error, error_description: description }
    }
    const known = grant === 'client_credentials' && headers.authorization === expected
    return known ? null : { error: 'invalid_client' }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const form = new URLSearchParams(await text(request))
    const refused = refusalOf(form, request)
    if (request.url === '/keys') answer(200, keys)
    else if (refused !== null) answer(401, refused)
    else {
      given++
      answer(200, { access_token: token(), token_type: 'Bearer', expires_in: client.lifeSeconds })
    }
  }

  const listening = tls === undefined ? createHttpServer(serve) : createHttpsServer(tls, serve)
  await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
  const { port } = listening.address() as AddressInfo
  const origin = tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`
  const server: OidcServer = {
    tokenUrl: `${origin}/token`,
    keysUrl: `${origin}/keys`,
    get given() {
      return given
    },
    async stop() {
      listening.closeAllConnections()
      await new Promise(resolve => listening.close(resolve))
    },
  }
  return server
}
