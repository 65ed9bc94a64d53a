// Every secret that a producer can be given, and everything that a producer says: nowhere in the second is the first.

import { Buffer } from 'node:buffer'
import { generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { awsMskIam, fromHerokuEnv, Producer, type ProducerOptions } from '../../src/index.ts'
import { MockCluster, type MockClusterOptions } from '../../src/mock/index.ts'
import { describeProperties } from '../../src/producer/config/describe.ts'
import { plugIns } from '../../src/producer/config/options.ts'
import { eventNames } from '../../src/producer/events.ts'
import { certificateAuthority } from '../support/certificates.ts'
import { closedPort } from '../support/loopback.ts'
import { startOidcServer } from '../support/oidc-server.ts'

const password = 'hunter2-hunter2'
const assertionKey = String(
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: password,
  }),
)
const secretProperties = describeProperties().filter(({ secret, use }) => secret && use !== 'refused')

let authority: Awaited<ReturnType<typeof certificateAuthority>>
let oidc: Awaited<ReturnType<typeof startOidcServer>>
let strangers: string
let keys: { plain: string; locked: string }

beforeAll(async () => {
  authority = await certificateAuthority()
  await authority.issue('localhost', { names: 'DNS:localhost,IP:127.0.0.1' })
  await authority.issue('ann')
  await authority.openssl('ec', '-in', 'ann.key', '-aes128', '-passout', `pass:${password}`, '-out', 'locked.key')
  const bundle = ['-inkey', 'ann.key', '-in', 'ann.pem', '-passout', `pass:${password}`, '-out', 'ann.p12']
  await authority.openssl('pkcs12', '-export', ...bundle)
  const read = (name: string) => readFile(authority.file(name), 'utf8')
  keys = { plain: await read('ann.key'), locked: await read('locked.key') }
  const other = await certificateAuthority()
  strangers = other.ca
  await other.remove()
  oidc = await startOidcServer({ id: 'ann', secret: 'another', audience: 'kafka', lifeSeconds: 60 })
})
afterAll(async () => {
  await oidc.stop()
  await authority.remove()
})
beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENV')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', password)
  vi.stubEnv('AWS_SESSION_TOKEN', `${password}-session`)
})
afterEach(() => {
  vi.unstubAllEnvs()
})

/** Every text that can be reached from a value: its fields, hidden ones too, their names, and what is printed of it. */
function textsOf(value: unknown, seen = new Set<unknown>()): string[] {
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('latin1')]
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return [String(value)]
  if (seen.has(value)) return []
  seen.add(value)
  const inner = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : []
  const fields = Reflect.ownKeys(value).flatMap(key => [key, Object.getOwnPropertyDescriptor(value, key)?.value])
  return [...inner, ...fields].flatMap(part => textsOf(part, seen))
}

function shownOf(value: unknown): string[] {
  const bigints = (_: string, part: unknown) => (typeof part === 'bigint' ? `${part}` : part)
  const everything = { depth: 30, showHidden: true, getters: true, maxArrayLength: null, maxStringLength: null }
  return [inspect(value, everything), `${JSON.stringify(value, bigints)}`, String(value), ...textsOf(value)]
}

/** The secrets that can be seen in these values, in any of the forms in which they go over a wire. */
function secretsIn(values: readonly unknown[]): string[] {
  const basic = Buffer.from(`ann:${password}`).toString('base64')
  const lines = [keys.plain, keys.locked, assertionKey].flatMap(pem =>
    pem.split('\n').filter(line => line.length > 40 && !line.includes(' ')),
  )
  const shown = values.flatMap(shownOf).join('\n')
  return [password, basic, ...lines].filter(secret => shown.includes(secret))
}

const thrown = (make: () => unknown): unknown => {
  try {
    return make()
  } catch (error) {
    return error
  }
}

/** Lets a producer try, and resolves with all that it says and shows meanwhile. */
async function sayings(options: ProducerOptions): Promise<unknown[]> {
  const said: unknown[] = []
  const line = (text: string) => void said.push(text)
  const logger = { error: line, warn: line, info: line, debug: line }
  const isBuilt = (name: string) =>
    describeProperties().some(row => row.name === name && !['refused', 'unbuilt'].includes(row.use))
  const producer = new Producer({
    'message.timeout.ms': 500,
    ...(plugIns.logger.use === 'unbuilt' ? {} : { logger }),
    ...(isBuilt('debug') ? { debug: 'all' } : {}),
    ...(isBuilt('statistics.interval.ms') ? { 'statistics.interval.ms': 50 } : {}),
    ...options,
  })
  for (const name of eventNames) producer.on(name, (event: unknown) => void said.push(name, event))
  said.push(await producer.connect().catch(error => error))
  const handle = producer.dispatch({ topic: 't', value: 'x' })
  said.push(handle, await producer.send({ topic: 't', value: 'x' }).catch(error => error))
  said.push(await handle.wait({ throwOnError: false }), handle)
  const secret = password as never
  said.push(thrown(() => producer.setSaslCredentials({ username: { secret } as never, password })))
  said.push(thrown(() => producer.setSaslCredentials({ username: 'ann', password: [secret] as never })))
  said.push(thrown(() => producer.setSaslCredentials(secret)))
  for (const name of ['stats', 'dump']) {
    const look: unknown = Reflect.get(producer, name)
    if (typeof look === 'function') said.push(await look.call(producer))
  }
  said.push(producer, producer.with({}), producer.topic('t'))
  await producer.close({ timeoutMs: 0 })
  return [...said, producer]
}

const sasl = (mechanism: string): ProducerOptions => ({
  'security.protocol': 'sasl_plaintext',
  'sasl.mechanisms': mechanism,
})
const withPassword = { 'sasl.username': 'ann', 'sasl.password': password }
const byOidc = (settings: ProducerOptions): ProducerOptions => ({
  ...sasl('OAUTHBEARER'),
  'sasl.oauthbearer.method': 'oidc',
  'sasl.oauthbearer.client.id': 'ann',
  'sasl.oauthbearer.token.endpoint.url': oidc.tokenUrl,
  ...settings,
})
const tls = (settings: ProducerOptions): ProducerOptions => ({
  'security.protocol': 'ssl',
  'ssl.ca.location': authority.caFile,
  ...settings,
})
const token = (value: string, lifetimeMs = Date.now() + 60_000): ProducerOptions => ({
  ...sasl('OAUTHBEARER'),
  oauthBearerTokenProvider: () => ({ value, lifetimeMs, extensions: { secret: password } }),
})

const refusing: MockClusterOptions = {
  sasl: {
    mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'],
    users: { ann: 'another', bob: password },
    verifyToken: () => null,
  },
}
const encrypted = async (ca: string): Promise<MockClusterOptions> => {
  const read = (name: string) => readFile(authority.file(name), 'utf8')
  const own = { key: await read('localhost.key'), cert: await read('localhost.pem') }
  return { tls: { ...own, ca, requestCert: true, rejectUnauthorized: true } }
}

/** By what is tried: options with secrets in them. */
const tries: Readonly<Record<string, () => ProducerOptions>> = {
  'a password that is wrong': () => ({ ...sasl('PLAIN'), ...withPassword }),
  'a password that is right': () => ({ ...sasl('PLAIN'), ...withPassword, 'sasl.username': 'bob' }),
  'a password for SCRAM': () => ({ ...sasl('SCRAM-SHA-256'), ...withPassword }),
  'a password for SCRAM with SHA-512': () => ({ ...sasl('SCRAM-SHA-512'), ...withPassword }),
  'a token': () => token(password),
  'a token that is none': () => token(`${password}\n`),
  'a token that has ended': () => token(password, 1),
  'an unsigned token': () => ({
    ...sasl('OAUTHBEARER'),
    'enable.sasl.oauthbearer.unsecure.jwt': true,
    'sasl.oauthbearer.config': `principal=${password} extension_secret=${password}`,
  }),
  'a client secret': () => byOidc({ 'sasl.oauthbearer.client.secret': password }),
  'a signed assertion': () =>
    byOidc({
      'sasl.oauthbearer.assertion.private.key.pem': assertionKey,
      'sasl.oauthbearer.assertion.private.key.passphrase': password,
    }),
  'the question of an Azure machine': () =>
    byOidc({
      'sasl.oauthbearer.metadata.authentication.type': 'azure_imds',
      'sasl.oauthbearer.config': `query=resource=${password}`,
    }),
  'the AWS credentials of the environment': () => sasl('AWS_MSK_IAM'),
  'AWS credentials': () => ({
    ...sasl('AWS_MSK_IAM'),
    saslMechanisms: {
      AWS_MSK_IAM: awsMskIam({
        region: 'eu-central-1',
        credentials: { accessKeyId: 'a', secretAccessKey: password, sessionToken: password },
      }),
    },
  }),
  'a mechanism of somebody’s own': () => ({
    ...sasl('X-OURS'),
    saslMechanisms: { 'X-OURS': () => [Buffer.from(password)][Symbol.iterator]() },
  }),
  'a key': () => tls({ 'ssl.certificate.location': authority.file('ann.pem'), 'ssl.key.pem': keys.plain }),
  'a key with a password': () =>
    tls({
      'ssl.certificate.location': authority.file('ann.pem'),
      'ssl.key.location': authority.file('locked.key'),
      'ssl.key.password': password,
    }),
  'a keystore': () => tls({ 'ssl.keystore.location': authority.file('ann.p12'), 'ssl.keystore.password': password }),
  'a key in the option tls': () => tls({ tls: { key: keys.locked, passphrase: password } }),
}

test.each(Object.entries(tries))('a producer that is given %s does not show it', async (_, options) => {
  const given = options()
  const isTls = given['security.protocol'] === 'ssl'
  for (const ca of isTls ? [authority.ca, strangers] : ['']) {
    const cluster = await MockCluster.start({ topics: { t: {} }, ...(isTls ? await encrypted(ca) : refusing) })
    try {
      const said = await sayings({ 'bootstrap.servers': cluster.bootstrapServers, ...given })
      expect(said.length).toBeGreaterThan(8)
      expect(secretsIn(said)).toEqual([])
    } finally {
      await cluster.stop()
    }
  }
})

test('a token endpoint that is not there makes nobody show a secret', async () => {
  const url = `http://127.0.0.1:${await closedPort()}/token?code=${password}`
  const settings = { 'sasl.oauthbearer.token.endpoint.url': url, 'sasl.oauthbearer.client.secret': password }
  expect(secretsIn(await sayings({ 'bootstrap.servers': 'localhost:1', ...byOidc(settings) }))).toEqual([])
})

test.each([
  ['PLAIN', 'password'],
  ['OAUTHBEARER', 'token'],
  ['AWS_MSK_IAM', 'signed request'],
])('a producer tells by an event what the network can read: %s', async (mechanism, proof) => {
  const provider = mechanism === 'OAUTHBEARER' ? token(password) : withPassword
  const producer = new Producer({ 'bootstrap.servers': 'a', ...provider, ...sasl(mechanism) })
  const reason = `is sasl_plaintext: the ${proof} travels unencrypted with ${mechanism}`
  const told = new Promise(resolve => producer.on('config.warning', resolve))
  expect(await told).toEqual({ property: 'security.protocol', reason })
  await producer.close()
})

test('every secret property is among those tried', () => {
  const given = new Set(Object.values(tries).flatMap(options => Object.keys(options())))
  expect(secretProperties.filter(({ name }) => !given.has(name)).map(({ name }) => name)).toEqual([])
})

describe('a configuration is refused without showing', () => {
  const shape = (value: unknown) => ({ value, secret: password })
  const values = [shape(1), [password], () => password, Buffer.from(password), new String(password), Symbol(password)]
  const names = secretProperties.flatMap(({ name, aliases }) => [name, ...aliases])

  /** What `new Producer()` says to options that should be refused. */
  function refusalOf(options: object): unknown {
    const error = thrown(() => new Producer({ 'bootstrap.servers': 'a', ...options } as ProducerOptions))
    expect(error).toMatchObject({ name: 'ConfigError' })
    return error
  }

  test.each(names)('a value of another type: %s', name => {
    for (const value of values) expect(secretsIn([refusalOf({ [name]: value })])).toEqual([])
  })

  test.each(names)('a value in the wrong place: %s', name => {
    const producer = new Producer({ 'bootstrap.servers': 'a' })
    const topicConfig = { [name]: password } as object
    const errors = [thrown(() => producer.topic('t', topicConfig)), thrown(() => producer.with({ topicConfig }))]
    expect(errors).toEqual([expect.any(Error), expect.any(Error)])
    expect(secretsIn([...errors, refusalOf({ [name]: password })])).toEqual([]) // without a protocol that uses it
  })

  test.each<[string, () => object]>([
    [
      'two of them',
      () => ({ 'sasl.oauthbearer.client.secret': password, 'sasl.oauthbearer.client.credentials.client.secret': 'x' }),
    ],
    [
      'a misspelt name',
      () => ({
        'sasl.pasword': password,
        'ssl.key.pasphrase': password,
        'sasl.oauthbearer.asertion.private.key.pem': keys.plain,
      }),
    ],
    ['a name of Java', () => ({ 'sasl.jaas.config': `x required password="${password}";` })],
    [
      'the shape of KafkaJS',
      () => ({ sasl: { mechanism: 'plain', username: 'ann', password }, ssl: { key: keys.plain } }),
    ],
    [
      'a name of somewhere else',
      () => ({ auth: `ann:${password}`, connectionString: `SharedAccessKey=${password}`, url: { password } }),
    ],
    ['a token for its provider', () => ({ ...sasl('OAUTHBEARER'), oauthBearerTokenProvider: password })],
    ['a token in an object', () => ({ ...sasl('OAUTHBEARER'), oauthBearerTokenProvider: { value: password } })],
    ['a secret for a mechanism', () => ({ ...sasl('X'), saslMechanisms: { X: password } })],
    ['a key for options of TLS', () => ({ 'security.protocol': 'ssl', tls: keys.plain })],
    ['options of TLS that cannot be used', () => tls({ tls: { key: keys.locked, passphrase: `${password}-not` } })],
    [
      'a key that is none',
      () => tls({ 'ssl.certificate.location': authority.file('ann.pem'), 'ssl.key.pem': password }),
    ],
    [
      'a key without its password',
      () => tls({ 'ssl.certificate.location': authority.file('ann.pem'), 'ssl.key.pem': keys.locked }),
    ],
    [
      'a wrong password for a keystore',
      () => tls({ 'ssl.keystore.location': authority.file('ann.p12'), 'ssl.keystore.password': `${password}-not` }),
    ],
    [
      'a wrong passphrase',
      () =>
        byOidc({
          'sasl.oauthbearer.assertion.private.key.pem': assertionKey,
          'sasl.oauthbearer.assertion.private.key.passphrase': `${password}-not`,
        }),
    ],
    [
      'an assertion and a secret',
      () =>
        byOidc({
          'sasl.oauthbearer.client.secret': password,
          'sasl.oauthbearer.assertion.private.key.pem': assertionKey,
        }),
    ],
    [
      'settings of unsigned tokens',
      () => ({
        ...sasl('OAUTHBEARER'),
        'enable.sasl.oauthbearer.unsecure.jwt': true,
        'sasl.oauthbearer.config': `principal=ann ${password}=1`,
      }),
    ],
    [
      'settings that are none',
      () => ({
        ...sasl('OAUTHBEARER'),
        'enable.sasl.oauthbearer.unsecure.jwt': true,
        'sasl.oauthbearer.config': password,
      }),
    ],
    [
      'an endpoint with a password',
      () =>
        byOidc({
          'sasl.oauthbearer.client.secret': 'x',
          'sasl.oauthbearer.token.endpoint.url': `https://ann:${password}@idp/token`,
        }),
    ],
    [
      'an endpoint with a key',
      () =>
        byOidc({
          'sasl.oauthbearer.client.secret': 'x',
          'sasl.oauthbearer.token.endpoint.url': `ftp://idp/token?key=${password}`,
        }),
    ],
    ['servers with a password', () => ({ 'bootstrap.servers': `ann:${password}@localhost:9092` })],
    ['servers with a password, listed', () => ({ 'bootstrap.servers': [`kafka://ann:${password}@localhost:9092`] })],
  ])('%s', (_, options) => {
    expect(secretsIn([refusalOf(options())])).toEqual([])
  })

  test('what is missing in an environment', () => {
    const env = { KAFKA_URL: `kafka+ssl://ann:${password}@host:9096`, KAFKA_CLIENT_CERT_KEY: keys.plain }
    vi.stubEnv('AWS_ACCESS_KEY_ID', '')
    const errors = [thrown(() => fromHerokuEnv(env)), thrown(() => awsMskIam())]
    expect(errors).toEqual([expect.any(Error), expect.any(Error)])
    expect(secretsIn(errors)).toEqual([])
  })
})
