import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { awsMskIam, presign } from '../../src/sasl/aws-msk-iam.ts'

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
