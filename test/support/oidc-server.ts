// A small OIDC server: gives signed tokens for one client's credentials, and shows the key to check them with.

import { createSign, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface OidcServer {
  readonly tokenUrl: string
  readonly keysUrl: string
  /** How many tokens it has given. */
  readonly given: number
  stop(): Promise<void>
}

export async function startOidcServer(client: { id: string; secret: string; audience: string; lifeSeconds: number }) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] }
  const expected = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`
  let given = 0

  function token(): string {
    const now = Math.floor(Date.now() / 1000)
    const claims = { sub: client.id, aud: client.audience, iss: 'test', iat: now, exp: now + client.lifeSeconds }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const content = `${part({ alg: 'RS256', kid: 'one', typ: 'JWT' })}.${part(claims)}`
    return `${content}.${createSign('RSA-SHA256').update(content).sign(privateKey, 'base64url')}`
  }

  const server = createServer((request, response) => {
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    request.resume()
    if (request.url === '/keys') answer(200, keys)
    else if (request.headers.authorization !== expected) answer(401, { error: 'invalid_client' })
    else {
      given++
      answer(200, { access_token: token(), token_type: 'Bearer', expires_in: client.lifeSeconds })
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    tokenUrl: `${origin}/token`,
    keysUrl: `${origin}/keys`,
    get given() {
      return given
    },
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  } satisfies OidcServer
}
