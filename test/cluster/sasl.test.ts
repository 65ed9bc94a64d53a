// A whole producer and a scripted broker: what is said on the wire, and what becomes of refusals, lies and silence.

import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { saslAuthentication } from '../../src/cluster/sasl.ts'
import { type KafkaError, Producer, type ProducerOptions } from '../../src/index.ts'
import { plain } from '../../src/sasl/plain.ts'
import { scramKeys } from '../../src/sasl/scram.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { allVersions, type FakeRequest, FakeTransport, type Script } from '../support/fake-transport.ts'

const secret = 'hunter2-hunter2'
const clusterOfOne = {
  brokers: [{ nodeId: 1, host: 'kafka', port: 9092, rack: null }],
  clusterId: 'c',
  controllerId: 1,
  topics: [],
}
const ok = { errorCode: 0, mechanisms: ['PLAIN'] }
const said = (request: FakeRequest) => Buffer.from(request.body.authBytes as Uint8Array).toString()
const answer = (text: string, more: object = {}) => ({
  errorCode: 0,
  errorMessage: null,
  authBytes: Buffer.from(text),
  sessionLifetimeMs: 0n,
  ...more,
})

const open: Producer[] = []
afterEach(async () => {
  for (const producer of open.splice(0)) await producer.close({ timeoutMs: 0 })
})

/** `script` sees what is asked before the connection is ready; everything else is answered as by a broker. */
function setUp(script: Script, options: ProducerOptions = {}) {
  const clock = new FakeClock()
  const transport = new FakeTransport((request, peer) => {
    const answered = script(request, peer)
    if (answered !== undefined) return answered
    if (request.api === 'SaslHandshake') return ok
    if (request.api === 'SaslAuthenticate') return answer('')
    return request.api === 'Metadata' ? clusterOfOne : undefined
  })
  const producer = new Producer({
    'bootstrap.servers': 'kafka:9092',
    'security.protocol': 'sasl_plaintext',
    'sasl.mechanisms': 'PLAIN',
    ...(options.saslMechanisms || options.oauthBearerTokenProvider
      ? {}
      : { 'sasl.username': 'ann', 'sasl.password': secret }),
    'enable.idempotence': false,
    transport,
    clock,
    ...options,
  })
  open.push(producer)
  const steps = () =>
    transport.peers.flatMap(({ requests }) =>
      requests.filter(({ api }) => api.startsWith('Sasl')).map(({ api }) => api),
    )
  return { clock, transport, producer, steps }
}

async function refusal(script: Script, options: ProducerOptions = {}, waitMs = 0): Promise<KafkaError> {
  const { clock, producer } = setUp(script, options)
  const refused = producer.connect().then(
    () => null,
    (error: KafkaError) => error,
  )
  for (let waited = 0; waited <= waitMs; waited += 500) await clock.advance(waitMs === 0 ? 1 : 500)
  // SCRAM's keys are derived on another thread.
  for (let turns = 0; turns < 40; turns++) {
    await new Promise(resolve => setTimeout(resolve, 5))
    await clock.settle()
  }
  await clock.advance(10_001)
  const error = await refused
  if (error === null) throw new Error('it connected')
  expect(inspect(error, { depth: 9 })).not.toContain(secret)
  return error
}

describe('an authentication', () => {
  test('comes before everything but the versions, in the order that brokers want', async () => {
    const { clock, producer, transport } = setUp(() => undefined)
    const connected = producer.connect()
    await clock.settle()
    await connected
    const { requests } = transport.peer
    expect(requests.map(({ api, version }) => `${api} ${version}`)).toEqual([
      'ApiVersions 5',
      'SaslHandshake 1',
      'SaslAuthenticate 2',
      expect.stringMatching(/^Metadata/),
    ])
    expect(requests[1]?.body).toEqual({ mechanism: 'PLAIN' })
    expect(requests[2] && said(requests[2])).toBe(`\0ann\0${secret}`)
  })

  test.each([0, 1, 2] as const)('is made with SaslAuthenticate %i', async version => {
    const { clock, producer } = setUp(({ api }) =>
      api === 'ApiVersions' ? allVersions({ SaslAuthenticate: [0, version] }) : undefined,
    )
    const connected = producer.connect()
    await clock.settle()
    await connected
  })

  test('is made again before the session ends, and with the credentials of that time', async () => {
    const sayings: string[] = []
    const { clock, producer } = setUp(request => {
      if (request.api !== 'SaslAuthenticate') return undefined
      sayings.push(said(request))
      return answer('', { sessionLifetimeMs: 10_000n })
    })
    const connected = producer.connect()
    await clock.settle()
    await connected
    producer.setSaslCredentials({ username: 'ann', password: 'new' })
    await clock.advance(8_999)
    expect(sayings).toHaveLength(1)
    await clock.advance(1)
    expect(sayings).toEqual([`\0ann\0${secret}`, '\0ann\0new'])
  })

  test('may be anything that somebody plugs in', async () => {
    const heard: string[] = []
    async function* exchange(host: string): AsyncGenerator<Uint8Array, void, Uint8Array> {
      heard.push(Buffer.from(yield Buffer.from(`hello ${host}`)).toString())
      heard.push(Buffer.from(yield Buffer.from('more')).toString())
    }
    const { clock, producer, steps } = setUp(
      request => (request.api === 'SaslAuthenticate' ? answer(`${said(request)}?`) : undefined),
      { 'sasl.mechanisms': 'X-OURS', saslMechanisms: { 'X-OURS': ({ host }) => exchange(host) } },
    )
    const connected = producer.connect()
    await clock.settle()
    await connected
    expect(heard).toEqual(['hello kafka?', 'more?'])
    expect(steps()).toEqual(['SaslHandshake', 'SaslAuthenticate', 'SaslAuthenticate'])
  })

  test('takes a token, and another one when most of its life is over', async () => {
    const tokens: string[] = []
    const sayings: string[] = []
    const { clock, producer } = setUp(
      request => {
        if (request.api !== 'SaslAuthenticate') return undefined
        sayings.push(said(request))
        return answer('', { sessionLifetimeMs: 100_000n })
      },
      {
        'sasl.mechanisms': 'OAUTHBEARER',
        'sasl.oauthbearer.config': 'for-me',
        oauthBearerTokenProvider: ({ config }) => {
          tokens.push(`${config}-${tokens.length}`)
          return { value: tokens.at(-1) ?? '', lifetimeMs: clock.wallNow() + 100_000 }
        },
      },
    )
    const connected = producer.connect()
    await clock.settle()
    await connected
    await clock.advance(90_000)
    expect(sayings.map(text => text.split('Bearer ')[1]?.split('\x01')[0])).toEqual(['for-me-0', 'for-me-1'])
  })
})

describe('a refusal names broker, mechanism and what to check', () => {
  test.each<[string, Script, RegExp]>([
    [
      'of the password',
      ({ api }) => (api === 'SaslAuthenticate' ? answer('', { errorCode: 58, errorMessage: 'no\r\nway' }) : undefined),
      /kafka:9092.*PLAIN authentication is refused \(no way\), check sasl\.username and sasl\.password/,
    ],
    [
      'of the mechanism',
      ({ api }) => (api === 'SaslHandshake' ? { errorCode: 33, mechanisms: ['GSSAPI', 'SCRAM-SHA-256'] } : undefined),
      /kafka:9092.*PLAIN is not among those of this listener \(GSSAPI, SCRAM-SHA-256\), check sasl\.mechanisms/,
    ],
    [
      'of all authentication',
      ({ api }) => (api === 'SaslHandshake' ? { errorCode: 34, mechanisms: [] } : undefined),
      /kafka:9092.*takes no SASL authentication, check security\.protocol/,
    ],
    [
      'of a broker that is too old',
      ({ api }) => (api === 'ApiVersions' ? allVersions({ SaslAuthenticate: null }) : undefined),
      /kafka:9092.*does not know SaslAuthenticate/,
    ],
  ])('%s', async (_, script, says) => {
    const error = await refusal(script)
    expect(error).toMatchObject({
      name: 'AuthenticationError',
      code: -169,
      broker: expect.stringContaining('kafka:9092'),
    })
    expect(error.message).toMatch(says)
  })

  test('of a token provider that throws, hangs, or gives what is none', async () => {
    const provider = (oauthBearerTokenProvider: () => unknown, waitMs = 0) =>
      refusal(
        () => undefined,
        { 'sasl.mechanisms': 'OAUTHBEARER', oauthBearerTokenProvider } as unknown as ProducerOptions,
        waitMs,
      )
    const throwing = await provider(() => {
      throw new Error('the vault is sealed')
    })
    expect(throwing.message).toMatch(/kafka:9092.*OAUTHBEARER: oauthBearerTokenProvider failed \(the vault is sealed\)/)
    expect(throwing.cause).toMatchObject({
      name: 'AuthenticationError',
      code: -169,
      retriable: true,
      broker: 'kafka:9092/bootstrap',
    })
    const hanging = await provider(() => new Promise(() => {}), 9000)
    expect(hanging.message).toMatch(/kafka:9092.*OAUTHBEARER: oauthBearerTokenProvider gave no token within 8000 ms/)
    expect((await provider(() => 'token')).message).toMatch(/gave no token: expected \{ value, lifetimeMs \}/)
    expect((await provider(() => ({ value: 'a', lifetimeMs: 1 }))).message).toMatch(/ended \d+ ms ago/)
  })

  test('of a token, which is not used again', async () => {
    let asked = 0
    const oauthBearerTokenProvider = () => {
      asked++
      return { value: secret, lifetimeMs: Number.MAX_SAFE_INTEGER }
    }
    const { clock, producer } = setUp(
      request => {
        if (request.api !== 'SaslAuthenticate') return undefined
        return said(request) === '\x01' ? answer('', { errorCode: 58 }) : answer('{"status":"invalid_token"}')
      },
      { 'sasl.mechanisms': 'OAUTHBEARER', oauthBearerTokenProvider },
    )
    for (const attempt of [1, 2]) {
      const refused = expect(producer.connect()).rejects.toThrow(/kafka:9092.*OAUTHBEARER.*check the token/)
      await clock.advance(5000)
      await refused
      expect(asked).toBe(attempt)
    }
  })

  const scramBroker =
    (forge: (verifier: string) => string, iterations = 4096): Script =>
    request => {
      if (request.api !== 'SaslAuthenticate') return undefined
      const text = said(request)
      const [, nonce] = /^n,,n=ann,r=(.*)$/.exec(text) ?? []
      return answer(nonce === undefined ? forge('v=AAAA') : `r=${nonce}x,s=c2FsdA==,i=${iterations}`)
    }

  test.each<[string, Script, RegExp]>([
    [
      'that does not know the password',
      scramBroker(lie => lie),
      /kafka:9092.*SCRAM-SHA-256: .*signature is wrong.*impostor/,
    ],
    ['that wants the machine to be busy', scramBroker(lie => lie, 1e9), /kafka:9092.*1000000000 iterations/],
  ])('of a broker %s', async (_, script, says) => {
    expect((await refusal(script, { 'sasl.mechanisms': 'SCRAM-SHA-256' })).message).toMatch(says)
  })

  test('of a broker that goes on asking', async () => {
    async function* patient() {
      for (;;) yield new Uint8Array(1)
    }
    const options = { 'sasl.mechanisms': 'X-OURS', saslMechanisms: { 'X-OURS': () => patient() } }
    expect((await refusal(() => undefined, options)).message).toMatch(/X-OURS: there is no end to it/)
  })
})

test('a SCRAM broker that knows the password is believed', async () => {
  const salt = Buffer.from('salt')
  const keys = await scramKeys('sha256', secret, salt, 4096)
  let first = ''
  let challenge = ''
  const { clock, producer } = setUp(
    request => {
      if (request.api !== 'SaslAuthenticate') return undefined
      if (first === '') {
        first = said(request).slice(3)
        challenge = `${first.replace('n=ann,', '')}x,s=${salt.toString('base64')},i=4096`
        return answer(challenge)
      }
      const message = `${first},${challenge},${said(request).replace(/,p=.*/, '')}`
      return answer(`v=${createHmac('sha256', keys.serverKey).update(message).digest('base64')}`)
    },
    { 'sasl.mechanisms': 'SCRAM-SHA-256' },
  )
  let connected = false
  const done = producer.connect().then(() => {
    connected = true
  })
  for (let turns = 0; turns < 400 && !connected; turns++) {
    await new Promise(resolve => setTimeout(resolve, 5))
    await clock.settle()
  }
  await done
})

test('a session that lasts for ever is renewed in a time that a timer can be set for', async () => {
  const authenticate = saslAuthentication({
    mechanism: 'PLAIN',
    check: '',
    timeoutMs: 1000,
    begin: () => plain({ username: 'ann', password: secret }),
  })
  const answers: unknown[] = [ok, answer('', { sessionLifetimeMs: 2n ** 62n })]
  const channel = {
    host: 'kafka',
    port: 9092,
    label: 'kafka:9092',
    signal: new AbortController().signal,
    version: () => 1,
    request: async () => answers.shift() as never,
  }
  const { sessionLifetimeMs } = await authenticate(channel)
  expect(sessionLifetimeMs).toBeGreaterThan(86_400_000)
  expect(sessionLifetimeMs).toBeLessThan(2 ** 31)
})

test('a token provider that hangs is told to stop when nobody waits for it any more', async () => {
  const signals: AbortSignal[] = []
  const { clock, producer } = setUp(() => undefined, {
    'sasl.mechanisms': 'OAUTHBEARER',
    oauthBearerTokenProvider: ({ signal }) => {
      signals.push(signal)
      return new Promise(() => {})
    },
  })
  const refused = expect(producer.connect()).rejects.toThrow()
  await clock.settle()
  expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  await producer.close({ force: true })
  await refused
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  expect(clock.pendingTimers).toBe(0)
})

test('new credentials are checked, and need a mechanism that takes them', async () => {
  const { producer } = setUp(() => undefined)
  const wrong = { username: 'ann', password: '' }
  expect(() => producer.setSaslCredentials(wrong)).toThrow(expect.objectContaining({ property: 'sasl.password' }))
  const bare = new Producer({ 'bootstrap.servers': 'kafka:9092' })
  expect(() => bare.setSaslCredentials({ username: 'a', password: secret })).toThrow(/no SASL/)
})

test('no look at a producer shows its secrets', () => {
  const { producer } = setUp(() => undefined)
  producer.setSaslCredentials({ username: 'ann', password: `${secret}-new` })
  const seen = [
    inspect(producer, { depth: 20, showHidden: true, getters: true }),
    JSON.stringify(producer),
    String(producer),
  ]
  expect(seen.join()).not.toContain(secret)
})
