// JSON Web Tokens: their parts, and the signature of those that are made here. Source: RFC 7515, RFC 7518, RFC 7519.

import { Buffer } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import { nodeCrypto } from './exchange.ts'

export type JwtAlgorithm = 'RS256' | 'ES256'

/** The key in a PEM text. Throws an Error that says why it cannot sign for `algorithm`. */
export function signingKey(algorithm: JwtAlgorithm, pem: string | Buffer, passphrase: string | null): KeyObject {
  const key = nodeCrypto().createPrivateKey({ key: pem, ...(passphrase === null ? {} : { passphrase }) })
  const curve = key.asymmetricKeyDetails?.namedCurve
  const fits = algorithm === 'RS256' ? key.asymmetricKeyType === 'rsa' : curve === 'prime256v1'
  if (fits) return key
  throw new Error(
    `${algorithm} needs a key for ${algorithm === 'RS256' ? 'RSA' : 'the curve P-256'}, and this is another`,
  )
}

/** `alg` and `typ` of the header are set here. */
export function signedJwt(algorithm: JwtAlgorithm, key: KeyObject, header: object, claims: object): string {
  const content = `${part({ ...header, alg: algorithm, typ: 'JWT' })}.${part(claims)}`
  // JOSE wants the two numbers of an ECDSA signature side by side (RFC 7518, section 3.4), OpenSSL's default is DER.
  const signature = nodeCrypto().sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' })
  return `${content}.${signature.toString('base64url')}`
}

/** The claims of a token; none if it is not a JWT. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return jsonObject(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) ?? {}
}

/** What a text of JSON says, or null if that is no object. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown> | null) : null
  } catch {
    return null
  }
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
