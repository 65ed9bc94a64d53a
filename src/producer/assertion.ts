// The JWT assertion that takes the place of a client secret: signed here, or finished in a file. Files are read for each
// one, so that they can be replaced. Source: RFC 7523, KIP-1139, KIP-1258; librdkafka `sasl.oauthbearer.assertion.*`.

import { readNamed, unusable } from '../cluster/config-files.ts'
import { jsonObject, signedJwt, signingKey } from '../sasl/jwt.ts'
import type { GlobalProperties } from './config/properties.ts'

/** `preset` are claims that hold if neither template nor property has them. Throws ConfigError, naming the property. */
export function assertion(properties: GlobalProperties, preset: object, nowMs: number, newId: () => string): string {
  const finished = properties['sasl.oauthbearer.assertion.file']
  if (finished !== null) return finishedAssertion(finished)
  const { header, payload } = template(properties['sasl.oauthbearer.assertion.jwt.template.file'])
  const iat = Math.floor(nowMs / 1000)
  const named = {
    sub: properties['sasl.oauthbearer.assertion.claim.sub'],
    iss: properties['sasl.oauthbearer.assertion.claim.iss'],
    aud: properties['sasl.oauthbearer.assertion.claim.aud'],
    jti: properties['sasl.oauthbearer.assertion.claim.jti.include'] ? newId() : null,
  }
  const claims = {
    ...preset,
    ...payload,
    iat,
    nbf: iat - properties['sasl.oauthbearer.assertion.claim.nbf.seconds'],
    exp: iat + properties['sasl.oauthbearer.assertion.claim.exp.seconds'],
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== null)),
  }
  return signedJwt(properties['sasl.oauthbearer.assertion.algorithm'], key(properties), header, claims)
}

function key(properties: GlobalProperties) {
  const path = properties['sasl.oauthbearer.assertion.private.key.file']
  const property = `sasl.oauthbearer.assertion.private.key.${path === null ? 'pem' : 'file'}`
  const pem =
    path === null ? (properties['sasl.oauthbearer.assertion.private.key.pem'] ?? '') : readNamed(property, path)
  const passphrase = properties['sasl.oauthbearer.assertion.private.key.passphrase']
  try {
    return signingKey(properties['sasl.oauthbearer.assertion.algorithm'], pem, passphrase)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw unusable(property, path, `${reason}, check it, the passphrase and sasl.oauthbearer.assertion.algorithm`)
  }
}

function template(path: string | null): { header: object; payload: object } {
  if (path === null) return { header: {}, payload: {} }
  const property = 'sasl.oauthbearer.assertion.jwt.template.file'
  const { header, payload } = jsonObject(readNamed(property, path).toString('utf8')) ?? {}
  if (isObject(header) && isObject(payload)) return { header, payload }
  throw unusable(property, path, 'expected JSON: {"header": {...}, "payload": {...}}')
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

function finishedAssertion(path: string): string {
  const property = 'sasl.oauthbearer.assertion.file'
  const text = readNamed(property, path).toString('utf8').trim()
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) return text
  throw unusable(property, path, 'this is no signed JWT')
}
