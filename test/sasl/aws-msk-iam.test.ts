import { Buffer } from 'node:buffer'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Producer } from '../../src/index.ts'
import { resolveConfig } from '../../src/producer/config/config.ts'
import { type AwsMskIamOptions, awsMskIam, presign } from '../../src/sasl/aws-msk-iam.ts'

// The credentials of all of AWS' published examples.
const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const broker = { host: 'b-1.demo.abc.c2.kafka.eu-central-1.amazonaws.com', port: 9098 }

test('a signature is that of AWS’ published example of a signed query', () => {
  // Source: Amazon S3 API reference, "Authenticating Requests: Using Query Parameters".
  const query = presign({
    host: 'examplebucket.s3.amazonaws.com',
    path: '/test.txt',
    query: {},
    region: 'us-east-1',
    service: 's3',
    credentials,
    expiresSeconds: 86_400,
    payloadHash: 'UNSIGNED-PAYLOAD',
    now: new Date('2013-05-24T00:00:00Z'),
  })
  expect(query['X-Amz-Credential']).toBe('AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request')
  expect(query['X-Amz-Signature']).toBe('aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404')
})

describe('a signature is that of AWS’ test suite for', () => {
  // Source: awslabs/aws-c-auth, tests/aws-signing-test-suite/v4, `query-signature.txt`.
  const unreserved = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  const token = '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267'
  test.each<[string, { query?: Record<string, string>; sessionToken?: string }, string]>([
    ['get-vanilla', {}, 'e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d'],
    [
      'get-vanilla-with-session-token',
      { sessionToken: token },
      '7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c',
    ],
    [
      'get-vanilla-query-unreserved',
      { query: { [unreserved]: unreserved } },
      '8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf',
    ],
    [
      'get-vanilla-query-order-encoded',
      { query: { 'Param-3': 'Value3', Param: 'Value2', ሴ: 'Value1' } },
      'c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787',
    ],
  ])('%s', (_, { query = {}, sessionToken }, signature) => {
    const signed = presign({
      host: 'example.amazonaws.com',
      path: '/',
      query,
      region: 'us-east-1',
      service: 'service',
      credentials: {
        accessKeyId: 'AKIDEXAMPLE',
        secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
        sessionToken,
      },
      expiresSeconds: 3600,
      payloadHash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      now: new Date('2015-08-30T12:36:00Z'),
    })
    expect(signed['X-Amz-Signature']).toBe(signature)
  })
})

describe('AWS_MSK_IAM', () => {
  test('sends a signed request, and never the secret', async () => {
    const exchange = awsMskIam({
      region: 'eu-central-1',
      credentials: async () => ({ ...credentials, sessionToken: 'session' }),
    })(broker)
    const step = await exchange.next(new Uint8Array())
    const text = Buffer.from(step.value ?? '').toString()
    expect(JSON.parse(text)).toEqual({
      version: '2020_10_22',
      host: broker.host,
      'user-agent': 'odradek',
      action: 'kafka-cluster:Connect',
      'x-amz-algorithm': 'AWS4-HMAC-SHA256',
      'x-amz-credential': expect.stringMatching(
        /^AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-central-1\/kafka-cluster\/aws4_request$/,
      ),
      'x-amz-date': expect.stringMatching(/^\d{8}T\d{6}Z$/),
      'x-amz-expires': '900',
      'x-amz-security-token': 'session',
      'x-amz-signedheaders': 'host',
      'x-amz-signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(text).not.toContain(credentials.secretAccessKey)
    const answer = Buffer.from('{"version":"2020_10_22","request-id":"1"}')
    expect(await exchange.next(answer)).toEqual({ done: true, value: undefined })
  })

  test('is not content with any answer, nor with any credentials', async () => {
    const exchange = awsMskIam({ region: 'eu-central-1', credentials })(broker)
    await exchange.next(new Uint8Array())
    await expect(exchange.next(Buffer.from('{}'))).rejects.toThrow(/without a request id/)
    const bare = awsMskIam({ region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: '' } })(broker)
    await expect(bare.next(new Uint8Array())).rejects.toThrow(/no secretAccessKey/)
  })
})

describe('AWS_MSK_IAM takes from the environment', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  function setEnvironment(variables: Readonly<Record<string, string>>): void {
    const names = ['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN', 'REGION', 'DEFAULT_REGION']
    for (const name of names) vi.stubEnv(`AWS_${name}`, variables[name])
  }

  async function first(options: AwsMskIamOptions | undefined, host: string): Promise<Record<string, string>> {
    const { value } = await awsMskIam(options)({ ...broker, host }).next(new Uint8Array())
    return JSON.parse(Buffer.from(value ?? '').toString())
  }

  const keys = { ACCESS_KEY_ID: 'AKIAENV', SECRET_ACCESS_KEY: 'hunter2' }
  const scope = (message: Record<string, string>) => message['x-amz-credential']?.split('/').toSpliced(1, 1).slice(0, 2)

  test('credentials, with a session token where there is one', async () => {
    setEnvironment({ ...keys, SESSION_TOKEN: 'session' })
    expect(await first(undefined, broker.host)).toMatchObject({ 'x-amz-security-token': 'session' })
    setEnvironment({ ...keys, SESSION_TOKEN: '' })
    expect(await first(undefined, broker.host)).not.toHaveProperty('x-amz-security-token')
  })

  test.each<[string, AwsMskIamOptions | undefined, string, Record<string, string>]>([
    ['the option', { region: 'eu-west-1' }, broker.host, { REGION: 'us-east-1' }],
    ['the name of the broker', undefined, broker.host.replace('central-1', 'west-1'), { REGION: 'us-east-1' }],
    ['the name of a serverless broker', {}, 'boot-x.c1.kafka-serverless.eu-west-1.amazonaws.com', {}],
    ['AWS_REGION', {}, 'kafka.example', { REGION: 'eu-west-1', DEFAULT_REGION: 'us-east-1' }],
    ['AWS_DEFAULT_REGION', {}, 'kafka.example', { DEFAULT_REGION: 'eu-west-1' }],
  ])('the region, after %s', async (_, options, host, variables) => {
    setEnvironment({ ...keys, ...variables })
    expect(scope(await first(options, host))).toEqual(['AKIAENV', 'eu-west-1'])
  })

  test('nothing that is not there, and names what is missing', async () => {
    setEnvironment(keys)
    await expect(first(undefined, 'kafka.example')).rejects.toThrow(/AWS_REGION is missing/)
    for (const name of Object.keys(keys)) {
      setEnvironment({ ...keys, [name]: '' })
      expect(() => awsMskIam()).toThrow(expect.objectContaining({ code: -186, property: `AWS_${name}` }))
      expect(() => awsMskIam()).not.toThrow(/hunter2|AKIAENV/)
    }
  })

  test('all of it, for a producer that names the mechanism and no more', () => {
    const options = {
      'bootstrap.servers': `${broker.host}:9098`,
      'security.protocol': 'sasl_ssl',
      'sasl.mechanisms': 'AWS_MSK_IAM',
    } as const
    setEnvironment(keys)
    expect(new Producer(options).status).toBe('initial')
    const { warnings } = resolveConfig({ ...options, 'security.protocol': 'sasl_plaintext' })
    expect(warnings).toEqual([{ property: 'security.protocol', reason: expect.stringContaining('unencrypted') }])
    setEnvironment({})
    expect(() => new Producer(options)).toThrow(/AWS_ACCESS_KEY_ID is missing/)
  })
})

test('credentials that cannot be had now may be had later', async () => {
  const credentials = () => Promise.reject(new Error('throttled'))
  const exchange = awsMskIam({ region: 'eu-central-1', credentials })(broker)
  const failure = { code: -169, retriable: true, message: 'there are no credentials (throttled)' }
  await expect(exchange.next(new Uint8Array())).rejects.toMatchObject(failure)
})
