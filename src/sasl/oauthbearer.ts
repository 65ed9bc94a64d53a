// OAUTHBEARER: a token that somebody else gave out. Source: RFC 7628, KIP-255, KIP-342 (extensions).

import { Buffer } from 'node:buffer'
import { quoted } from '../quoted.ts'
import { nothing, type SaslVerdict, text, utf8 } from './exchange.ts'
import { claimsOf, jsonObject } from './jwt.ts'

/** A token and how long it is good for. */
export interface OAuthBearerToken {
  /** The token itself, mostly a JWT. */
  readonly value: string
  /** When it ends (milliseconds since the epoch). */
  readonly lifetimeMs: number
  /** Whom it is for; the broker reads that out of the token, and this is only checked for being text. */
  readonly principal?: string | undefined
  /** SASL extensions, such as `logicalCluster`. */
  readonly extensions?: Readonly<Record<string, string>> | undefined
}

export function* oauthBearer(token: OAuthBearerToken): Generator<Uint8Array, void, Uint8Array> {
  const { value, extensions = {} } = token
  // RFC 6750, section 2.1: nothing else may be in a token, so that nothing can be smuggled in by one.
  if (!/^[\w.~+/-]+=*$/.test(value)) throw new Error('the token is empty or holds characters that no token may have')
  const pairs = Object.entries(extensions).map(([name, setting]) => {
    if (!/^[A-Za-z]+$/.test(name) || name === 'auth' || !/^[\x21-\x7e \t\r\n]+$/.test(setting)) {
      throw new Error(`the SASL extension '${quoted(name)}' has a name or value that RFC 7628 does not allow`)
    }
    return `${name}=${setting}\x01`
  })
  const answer = yield utf8(`n,,\x01auth=Bearer ${value}\x01${pairs.join('')}\x01`)
  if (answer.length === 0) return
  // A refusal: the broker says why once it has this byte.
  yield Uint8Array.of(1)
  throw new Error(`the broker refuses the token: ${quoted(text(answer), value)}, check its end, audience and issuer`)
}

/** Whom a token is for and when it ends, if it does (milliseconds since the epoch). */
export interface TokenOwner {
  readonly principal: string
  readonly lifetimeMs?: number | undefined
}

/** Says whose a token is; null refuses it. */
export type TokenVerifier = (
  value: string,
  extensions: Readonly<Record<string, string>>,
) => TokenOwner | null | Promise<TokenOwner | null>

/** Source for the words: Apache Kafka `OAuthBearerSaslServer`. */
export async function* oauthBearerServer(verify: TokenVerifier): AsyncGenerator<Uint8Array, SaslVerdict, Uint8Array> {
  const [header = '', ...parts] = text(yield nothing).split('\x01')
  const pairs = parts.slice(0, -2).map(part => /^([A-Za-z]+)=([!-~ \t\r\n]+)$/.exec(part)?.slice(1))
  const { auth = '', ...extensions }: Record<string, string> = Object.fromEntries(
    pairs.filter(pair => pair !== undefined),
  )
  const [isHeader, identity] = /^n,(?:a=([^,]+))?,$/.exec(header) ?? []
  const [, value] = /^Bearer +([\w.~+/-]+=*)$/i.exec(auth) ?? []
  const isWhole = parts.slice(-2).join('') === '' && !pairs.includes(undefined)
  if (isHeader === undefined || value === undefined || !isWhole) return { refused: null }
  const owner = await verify(value, extensions)
  if (owner === null) {
    const reason = '{"status":"invalid_token"}'
    yield utf8(reason) // and whatever the client answers
    return { refused: reason }
  }
  const { principal, lifetimeMs } = owner
  if (identity === undefined || identity === principal) return { principal, lifetimeMs, answer: nothing }
  const wanted = `an authorization id (${identity}) that is different from the token's principal name (${principal})`
  return { refused: `Authentication failed: Client requested ${wanted}` }
}

/** Takes unsigned tokens, as Kafka does for development: `sub` says whose they are, `exp` when they end. */
export function unsecuredTokenOwner(value: string, nowMs: number): TokenOwner | null {
  const [header = '', , signature] = value.split('.')
  const { alg } = jsonObject(text(Buffer.from(header, 'base64url'))) ?? {}
  const { sub, exp, iat = 0 } = claimsOf(value)
  if (alg !== 'none' || signature !== '' || typeof sub !== 'string' || sub === '') return null
  if (typeof exp !== 'number' || typeof iat !== 'number' || exp * 1000 <= nowMs || iat * 1000 > nowMs) return null
  return { principal: sub, lifetimeMs: exp * 1000 }
}

/**
 * An unsigned token for development, out of librdkafka's `sasl.oauthbearer.config`: `principal=me scope=a,b
 * lifeSeconds=600 principalClaimName=sub scopeClaimName=scope extension_name=value`. Source: librdkafka, KIP-255.
 */
export function unsecuredToken(config: string, nowMs: number): OAuthBearerToken {
  const settings = new Map<string, string>()
  for (const pair of config.trim().split(/\s+/)) {
    const [, name, value] = /^([^=]+)=(.+)$/.exec(pair) ?? []
    if (name === undefined || value === undefined) throw new Error('expected name=value pairs with spaces between')
    if (!name.startsWith('extension_') && !known.includes(name))
      throw new Error(`expected ${known.join(', ')} and extension_NAME, and there is another name`)
    settings.set(name, value)
  }
  const principal = settings.get('principal')
  if (principal === undefined) throw new Error('principal=NAME is missing')
  const lifeSeconds = Number(settings.get('lifeSeconds') ?? 3600)
  if (!Number.isInteger(lifeSeconds) || lifeSeconds < 1) throw new Error('lifeSeconds must be a positive integer')
  const scope = settings.get('scope')
  const lifetimeMs = nowMs + lifeSeconds * 1000
  const claims = {
    [settings.get('principalClaimName') ?? 'sub']: principal,
    iat: nowMs / 1000,
    exp: lifetimeMs / 1000,
    ...(scope === undefined ? {} : { [settings.get('scopeClaimName') ?? 'scope']: scope.split(',') }),
  }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const extensions = [...settings].flatMap(([name, value]) =>
    name.startsWith('extension_') ? [[name.slice('extension_'.length), value]] : [],
  )
  return {
    value: `${part({ alg: 'none' })}.${part(claims)}.`,
    lifetimeMs,
    principal,
    extensions: Object.fromEntries(extensions),
  }
}

const known: readonly string[] = ['principal', 'principalClaimName', 'scope', 'scopeClaimName', 'lifeSeconds']
