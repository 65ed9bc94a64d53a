// Tokens from an OIDC server: what is asked, and what its answer means. Source: RFC 6749 section 4.4, RFC 7523, KIP-768.

import { Buffer } from 'node:buffer'
import { authorities } from '../cluster/config-files.ts'
import { askHttp, type HttpRequest } from '../cluster/http-request.ts'
import { quoted } from '../quoted.ts'
import { claimsOf, jsonObject } from '../sasl/jwt.ts'
import type { OAuthBearerToken } from '../sasl/oauthbearer.ts'
import { assertion } from './assertion.ts'
import type { GlobalProperties } from './config/properties.ts'
import type { OAuthBearerTokenProvider } from './token-source.ts'

// A token is a few kilobytes; more is no answer of a token endpoint.
const mostBytes = 100_000

interface Question extends Pick<HttpRequest, 'url' | 'method' | 'headers' | 'body'> {
  /** What to look at if the server is not convinced. */
  readonly check: string
  /** What the server may repeat, and no error may. */
  readonly secret?: string
}

/**
 * What it throws says what the server said, and never a secret.
 * @throws {ConfigError} at once, for files that cannot be used.
 */
export function oidcProvider(
  properties: GlobalProperties,
  now: () => number,
  newId: () => string = () => crypto.randomUUID(),
): OAuthBearerTokenProvider {
  const extensions = parseExtensions(properties['sasl.oauthbearer.extensions'] ?? '')
  const trusted = { location: properties['https.ca.location'], pem: properties['https.ca.pem'] }
  const prepare = () => ({ ca: authorities('https.ca', trusted), ...question(properties, now(), newId) })
  prepare()
  return async ({ signal }) => {
    const { check, secret, ...request } = prepare()
    const { origin, pathname, protocol } = new URL(request.url)
    const where = `${origin}${pathname}`
    const { status, body } = await askHttp({ ...request, signal, mostBytes }).catch((error: NodeJS.ErrnoException) => {
      const checks = `sasl.oauthbearer.token.endpoint.url${protocol === 'https:' ? ' and https.ca.location' : ''}`
      throw new Error(`no answer from ${where}: ${quoted(error.message || `${error.code}`)}, check ${checks}`)
    })
    const answer = jsonObject(body) ?? {}
    if (status < 200 || status > 299) {
      throw new Error(`${where} answers ${status}${refusal(answer, secret)}, check ${check}`)
    }
    const token = tokenOf(answer, properties['sasl.oauthbearer.sub.claim.name'], now())
    if (typeof token === 'string') throw new Error(`${where} ${token}`)
    return { ...token, extensions }
  }
}

function question(properties: GlobalProperties, nowMs: number, newId: () => string): Question {
  if (properties['sasl.oauthbearer.metadata.authentication.type'] === 'azure_imds') return azureQuestion(properties)
  const url = properties['sasl.oauthbearer.token.endpoint.url'] ?? ''
  const scope = properties['sasl.oauthbearer.scope']
  const { form, headers, ...rest } = prove(properties, url, nowMs, newId)
  return {
    url,
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams({ ...form, ...(scope === null ? {} : { scope }) }).toString(),
    ...rest,
  }
}

/** The machine's own identity. Source: librdkafka `azure_imds`, "Azure Instance Metadata Service". */
function azureQuestion(properties: GlobalProperties): Question {
  const service = 'http://169.254.169.254/metadata/identity/oauth2/token'
  const url = new URL(properties['sasl.oauthbearer.token.endpoint.url'] ?? service)
  for (const [name, value] of new URLSearchParams(azureQuery(properties) ?? '')) url.searchParams.append(name, value)
  return { url: url.href, method: 'GET', headers: { metadata: 'true' }, check: 'query=... in sasl.oauthbearer.config' }
}

export function azureQuery(properties: Pick<GlobalProperties, 'sasl.oauthbearer.config'>): string | undefined {
  return /(?:^|,)\s*query=([^,]+)/.exec(properties['sasl.oauthbearer.config'] ?? '')?.[1]
}

/** What proves to the server who asks. */
function prove(properties: GlobalProperties, url: string, nowMs: number, newId: () => string) {
  const grant = properties['sasl.oauthbearer.grant.type']
  const id = properties['sasl.oauthbearer.client.id']
  const secret = properties['sasl.oauthbearer.client.secret']
  const isGrant = grant !== 'client_credentials'
  if (isGrant || secret === null) {
    const signed = assertion(properties, isGrant || id === null ? {} : { iss: id, sub: id, aud: url }, nowMs, newId)
    const instead = {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: signed,
      ...(id === null ? {} : { client_id: id }),
    }
    return {
      form: { grant_type: grant, ...(isGrant ? { assertion: signed } : instead) },
      headers: {},
      check: 'sasl.oauthbearer.assertion.*, and whether the server knows the key',
      secret: signed,
    }
  }
  // RFC 6749, section 2.3.1: both are form-encoded before they are put together.
  const pair = [id ?? '', secret].map(part => new URLSearchParams({ '': part }).toString().slice(1)).join(':')
  return {
    form: { grant_type: grant },
    headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
    check: 'sasl.oauthbearer.client.id and sasl.oauthbearer.client.secret',
    secret,
  }
}

/** Throws an Error that says what is wrong. */
export function parseExtensions(text: string): Record<string, string> {
  const pairs = text.split(',').flatMap(part => (part.trim() === '' ? [] : [part.trim()]))
  return Object.fromEntries(
    pairs.map(pair => {
      const at = pair.indexOf('=')
      if (at < 1) throw new Error('expected name=value pairs with commas between')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

/** The token in an answer, or what the answer lacks. */
function tokenOf(
  { access_token: access, id_token: identity, expires_in: expiresIn }: Readonly<Record<string, unknown>>,
  subject: string,
  nowMs: number,
): OAuthBearerToken | string {
  // Some servers answer a signed assertion with an identity token alone (librdkafka takes it, too).
  const value = access ?? identity
  if (typeof value !== 'string') return 'answers without an access_token'
  const { exp, [subject]: principal } = claimsOf(value)
  const lifetimeMs = typeof exp === 'number' ? exp * 1000 : nowMs + Number(expiresIn) * 1000
  if (!Number.isFinite(lifetimeMs)) return 'does not say when its token ends: neither exp nor expires_in'
  return { value, lifetimeMs, ...(typeof principal === 'string' ? { principal } : {}) }
}

// RFC 6749, section 5.2.
function refusal(
  { error, error_description: description }: Readonly<Record<string, unknown>>,
  secret: string | undefined,
): string {
  const said = [error, description].filter(part => typeof part === 'string').join(': ')
  return said === '' ? '' : ` (${quoted(said, secret)})`
}
