// Tokens from an OIDC server by client credentials, over the runtime's fetch. Source: RFC 6749 section 4.4, KIP-768.

import { Buffer } from 'node:buffer'
import { quoted } from '../sasl/exchange.ts'
import type { OAuthBearerToken } from '../sasl/oauthbearer.ts'
import type { OAuthBearerTokenProvider } from './token-source.ts'

export interface OidcSettings {
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string | null
  /** `name=value` with commas between. */
  readonly extensions: string | null
  /** The claim that names the principal. */
  readonly subject: string
  readonly now: () => number
}

// A token is a few kilobytes; more is no answer of a token endpoint.
const mostBytes = 100_000

/** What it throws says what the server said, and never the secret. */
export function oidcProvider(settings: OidcSettings): OAuthBearerTokenProvider {
  const extensions = parseExtensions(settings.extensions ?? '')
  return async ({ signal }) => {
    const { url, clientId, clientSecret, scope, now } = settings
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === null ? {} : { scope }) })
    // RFC 6749, section 2.3.1: both are form-encoded before they are put together.
    const credentials = [clientId, clientSecret].map(part => new URLSearchParams({ '': part }).toString().slice(1))
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        authorization: `Basic ${Buffer.from(credentials.join(':')).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: form.toString(),
      redirect: 'error',
      signal,
    }).catch((error: Error) => {
      const reason = error.cause instanceof Error ? error.cause.message : error.message
      throw new Error(`no answer from ${where(url)}: ${quoted(reason)}, check sasl.oauthbearer.token.endpoint.url`)
    })
    const answer = parseJson(await readText(response))
    if (!response.ok) throw new Error(`${where(url)} answers ${response.status}${refusal(answer)}`)
    return tokenOf(answer, settings, extensions, now())
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

function tokenOf(
  answer: Readonly<Record<string, unknown>>,
  { url, subject }: OidcSettings,
  extensions: Record<string, string>,
  now: number,
): OAuthBearerToken {
  const { access_token: value, expires_in: expiresIn } = answer
  if (typeof value !== 'string') throw new Error(`${where(url)} answers without an access_token`)
  const claims = parseJson(Buffer.from(value.split('.')[1] ?? '', 'base64url').toString('utf8'))
  const principal = claims[subject]
  const named = typeof principal === 'string' ? { principal } : {}
  if (typeof claims.exp === 'number') return { value, lifetimeMs: claims.exp * 1000, extensions, ...named }
  if (typeof expiresIn === 'number') return { value, lifetimeMs: now + expiresIn * 1000, extensions, ...named }
  throw new Error(`${where(url)} does not say when its token ends: neither exp nor expires_in`)
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > mostBytes) throw new Error(`the answer of the token endpoint is longer than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

// RFC 6749, section 5.2.
function refusal({ error, error_description: description }: Readonly<Record<string, unknown>>): string {
  const said = [error, description].filter(part => typeof part === 'string').join(': ')
  return `${said === '' ? '' : ` (${quoted(said)})`}, check sasl.oauthbearer.client.id and sasl.oauthbearer.client.secret`
}

function where(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
