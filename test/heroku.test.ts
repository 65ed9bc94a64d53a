import { expect, test } from 'vitest'
import { fromHerokuEnv } from '../src/index.ts'
import { resolveConfig } from '../src/producer/config/config.ts'

const pems = { KAFKA_TRUSTED_CERT: 'ca', KAFKA_CLIENT_CERT: 'leaf\nintermediate', KAFKA_CLIENT_CERT_KEY: 'hunter2' }

test('the scheme decides on TLS, whatever else is there', () => {
  expect(fromHerokuEnv({ KAFKA_URL: 'kafka://a:9092,kafka://b:9093', ...pems })).toEqual({
    'bootstrap.servers': 'a:9092,b:9093',
    'security.protocol': 'plaintext',
  })
})

test('the trusted certificate is used and the chain is kept', () => {
  const options = fromHerokuEnv({ KAFKA_URL: 'kafka+ssl://a:9096, kafka+ssl://[::1]:9096/', ...pems })
  expect(options).toEqual({
    'bootstrap.servers': 'a:9096,[::1]:9096',
    'security.protocol': 'ssl',
    'ssl.ca.pem': 'ca',
    'ssl.certificate.pem': 'leaf\nintermediate',
    'ssl.key.pem': 'hunter2',
    'ssl.endpoint.identification.algorithm': 'none',
  })
  expect(resolveConfig(options).warnings).toEqual([])
})

test.each([
  [{}, 'KAFKA_URL'],
  [{ KAFKA_URL: ' ' }, 'KAFKA_URL'],
  [{ KAFKA_URL: 'a:9092' }, 'KAFKA_URL'],
  [{ KAFKA_URL: 'kafka://a:1,kafka+ssl://b:2', ...pems }, 'KAFKA_URL'],
  [{ KAFKA_URL: 'kafka+ssl://a:1', ...pems, KAFKA_TRUSTED_CERT: undefined }, 'KAFKA_TRUSTED_CERT'],
  [{ KAFKA_URL: 'kafka+ssl://a:1', ...pems, KAFKA_CLIENT_CERT_KEY: '' }, 'KAFKA_CLIENT_CERT_KEY'],
])('what is missing or mixed is named: %j', (env, property) => {
  const make = () => fromHerokuEnv(env as Record<string, string | undefined>)
  expect(make).toThrow(expect.objectContaining({ code: -186, property }))
  expect(make).not.toThrow(/hunter2/)
})
