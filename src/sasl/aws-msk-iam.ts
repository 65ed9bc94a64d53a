// AWS_MSK_IAM: a signed request instead of a password, for clusters of Amazon MSK. Source: the protocol's description in
// aws/aws-msk-iam-auth, and AWS Signature Version 4.

import { Buffer } from 'node:buffer'
import { AuthenticationError, ConfigError } from '../errors.ts'
import { quoted } from '../quoted.ts'
import { nodeCrypto, type SaslMechanism, utf8 } from './exchange.ts'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface AwsMskIamOptions {
  /** Such as `eu-central-1`. Not given, it is the one in the broker's name, or else the variable `AWS_REGION`. */
  readonly region?: string | undefined
  /**
   * Credentials, or what gives fresh ones, asked once for each authentication. Not given, they are the variables
   * `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, as they are at that time.
   */
  readonly credentials?: AwsCredentials | (() => AwsCredentials | Promise<AwsCredentials>) | undefined
}

/**
 * The mechanism AWS_MSK_IAM for the option `saslMechanisms`, where `'sasl.mechanisms': 'AWS_MSK_IAM'` is not enough:
 * `saslMechanisms: { AWS_MSK_IAM: awsMskIam({ region, credentials }) }`.
 *
 * Throws ConfigError, which names the variable, where credentials are neither given nor in the environment.
 */
export function awsMskIam({ region, credentials = environment }: AwsMskIamOptions = {}): SaslMechanism {
  if (credentials === environment) environment()
  return async function* ({ host }) {
    const current = typeof credentials === 'function' ? await asked(credentials) : credentials
    for (const name of ['accessKeyId', 'secretAccessKey'] as const) {
      if (typeof current?.[name] !== 'string' || current[name] === '')
        throw new Error(`the credentials have no ${name}`)
    }
    const query = presign({
      host,
      path: '/',
      query: { Action: 'kafka-cluster:Connect' },
      region: region ?? regionOf(host),
      service: 'kafka-cluster',
      credentials: current,
      expiresSeconds: 900,
      payloadHash: sha256(''),
      now: new Date(),
    })
    const lower = Object.entries(query).map(([name, value]) => [name.toLowerCase(), value])
    const message = { version: '2020_10_22', host, 'user-agent': 'odradek', ...Object.fromEntries(lower) }
    const answer = Buffer.from(yield utf8(JSON.stringify(message))).toString('utf8')
    if (!/"request-id"/.test(answer)) throw new Error(`the broker answers without a request id: ${quoted(answer)}`)
  }
}

// Who gives credentials may do better next time.
async function asked(credentials: () => AwsCredentials | Promise<AwsCredentials>): Promise<AwsCredentials> {
  try {
    return await credentials()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new AuthenticationError(`there are no credentials (${reason})`, { retriable: true, cause: error })
  }
}

function environment(): AwsCredentials {
  const [accessKeyId = '', secretAccessKey = ''] = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].map(name => {
    const value = process.env[name]
    if (value) return value
    const what = `the environment variable ${name} is missing or empty`
    throw new ConfigError(name, undefined, 'what AWS sets', `AWS_MSK_IAM: ${what}; or give credentials to awsMskIam()`)
  })
  return { accessKeyId, secretAccessKey, sessionToken: process.env.AWS_SESSION_TOKEN || undefined }
}

function regionOf(host: string): string {
  const [, named] = /\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(host) ?? []
  const region = named || process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION
  if (region) return region
  throw new Error('the environment variable AWS_REGION is missing, and the name of the broker has no region')
}

export interface PresignOptions {
  readonly host: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly region: string
  readonly service: string
  readonly credentials: AwsCredentials
  readonly expiresSeconds: number
  readonly payloadHash: string
  readonly now: Date
}

/** The query of a GET that is signed by Signature Version 4, signature included. Values are not encoded. */
export function presign(options: PresignOptions): Record<string, string> {
  const { host, path, region, service, credentials, expiresSeconds, payloadHash, now } = options
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = [time.slice(0, 8), region, service, 'aws4_request']
  const algorithm = 'AWS4-HMAC-SHA256'
  const query: Record<string, string> = {
    ...options.query,
    'X-Amz-Algorithm': algorithm,
    'X-Amz-Credential': `${credentials.accessKeyId}/${scope.join('/')}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': `${expiresSeconds}`,
    ...(credentials.sessionToken ? { 'X-Amz-Security-Token': credentials.sessionToken } : {}),
    'X-Amz-SignedHeaders': 'host',
  }
  const names = Object.keys(query).sort((a, b) => (encode(a) < encode(b) ? -1 : 1))
  const pairs = names.map(name => `${encode(name)}=${encode(query[name] ?? '')}`)
  const canonical = ['GET', path, pairs.join('&'), `host:${host}`, '', 'host', payloadHash].join('\n')
  const toSign = [algorithm, time, scope.join('/'), sha256(canonical)].join('\n')
  const first: string | Uint8Array = `AWS4${credentials.secretAccessKey}`
  const key = scope.reduce<string | Uint8Array>((key, part) => hmac(key, part), first)
  return { ...query, 'X-Amz-Signature': Buffer.from(hmac(key, toSign)).toString('hex') }
}

// RFC 3986: encodeURIComponent leaves five characters that AWS does not.
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function sha256(text: string): string {
  return nodeCrypto().createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Uint8Array, text: string): Uint8Array {
  return nodeCrypto().createHmac('sha256', key).update(text).digest()
}
