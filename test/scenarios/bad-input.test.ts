// Peers that are not Kafka brokers, brokers that answer nonsense, messages that cannot be sent, and programs that end:
// over real sockets, each with an error that names what is wrong, within its time, and nothing left open.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'tsup'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { nodeTransport } from '../../src/cluster/node-transport.ts'
import {
  BrokerError,
  ConnectionError,
  type KafkaError,
  MessageTooLargeError,
  Producer,
  type ProducerOptions,
  ProtocolError,
  type Transport,
  UnknownPartitionError,
  UnknownTopicError,
} from '../../src/index.ts'
import { MockCluster, type MockClusterOptions } from '../../src/mock/index.ts'
import { certificate, closedPort, type Loopback, listen, openSockets } from '../support/loopback.ts'

let socketsBefore = 0
let timersBefore = 0
const ends: (() => Promise<unknown>)[] = []
const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

beforeEach(() => {
  socketsBefore = openSockets()
  timersBefore = timers()
})

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  const left = () => Math.max(openSockets() - socketsBefore, 0) + Math.max(timers() - timersBefore, 0)
  // A socket is closed some turns of the event loop after it was destroyed.
  for (let turns = 0; left() > 0 && turns < 100; turns++) await new Promise(resolve => setTimeout(resolve, 5))
  expect(left(), 'sockets and timers left').toBe(0)
})

function producerAt(servers: string, options: Partial<ProducerOptions> = {}): Producer {
  const producer = new Producer({
    'bootstrap.servers': servers,
    'socket.connection.setup.timeout.ms': 1000,
    'request.timeout.ms': 300,
    'message.timeout.ms': 1300,
    ...options,
  })
  ends.push(() => producer.close({ timeoutMs: 0 }))
  return producer
}

async function server(accept: (socket: Socket) => void, tls?: object): Promise<string> {
  const loopback: Loopback = await listen(accept, tls)
  ends.push(() => loopback.stop())
  return `127.0.0.1:${loopback.port}`
}

async function cluster(options: MockClusterOptions = {}): Promise<MockCluster> {
  const mock = await MockCluster.start({ topics: { t: {} }, ...options })
  ends.push(() => mock.stop())
  return mock
}

async function failureOf(promise: Promise<unknown>): Promise<KafkaError> {
  try {
    await promise
  } catch (error) {
    return error as KafkaError
  }
  throw new Error('it succeeded')
}

async function timed(promise: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await promise.catch(() => {})
  return performance.now() - start
}

/** Answers the first bytes with these. */
const answering = (bytes: () => Uint8Array) => (socket: Socket) => {
  socket.once('data', () => socket.write(bytes()))
}

describe('a bootstrap server', () => {
  const strangers: Record<string, { at: () => Promise<string>; type: typeof KafkaError | unknown; says: RegExp }> = {
    'that speaks HTTP': {
      at: () => server(answering(() => Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'))),
      type: ProtocolError,
      says: /HTTP/,
    },
    'that answers with a TLS alert': {
      at: () => server(answering(() => Uint8Array.of(0x15, 3, 1, 0, 2, 2, 70))),
      type: ProtocolError,
      says: /TLS/,
    },
    'that speaks TLS': { at: () => server(() => {}, certificate), type: undefined, says: /./ },
    'that never answers': { at: () => server(() => {}), type: ConnectionError, says: /1000 ms/ },
    'that closes at once': {
      at: () => server(socket => socket.end()),
      type: ConnectionError,
      says: /close|ECONNRESET/,
    },
    'that resets at once': {
      at: () => server(socket => socket.resetAndDestroy()),
      type: ConnectionError,
      says: /ECONNRESET|close/,
    },
    'that nobody runs': {
      at: async () => `127.0.0.1:${await closedPort()}`,
      type: ConnectionError,
      says: /ECONNREFUSED/,
    },
    'whose name does not resolve': {
      at: async () => 'does-not-exist.invalid:9092',
      type: ConnectionError,
      says: /ENOTFOUND|EAI_AGAIN/,
    },
    'that answers another correlation id': {
      at: () => server(answering(() => Uint8Array.of(0, 0, 0, 10, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 0, 0))),
      type: ProtocolError,
      says: /never sent/,
    },
    'that announces 2 GiB': {
      at: () => server(answering(() => Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0))),
      type: ProtocolError,
      says: /2147483647/,
    },
    'that announces a negative size': {
      at: () => server(answering(() => Uint8Array.of(0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0))),
      type: ProtocolError,
      says: /-2/,
    },
    'that answers with noise': {
      at: () => server(answering(() => Buffer.concat([Uint8Array.of(0, 0, 0, 64), randomBytes(64)]))),
      type: ProtocolError,
      says: /./,
    },
    'that answers half a frame and closes': {
      at: () => server(socket => socket.once('data', () => socket.end(Uint8Array.of(0, 0, 1, 0, 0, 0)))),
      type: ConnectionError,
      says: /closed/,
    },
  }

  test.each(Object.entries(strangers))('%s: connect() says so', async (_, { at, type, says }) => {
    const address = await at()
    const producer = producerAt(address)
    const started = performance.now()
    const error = await failureOf(producer.connect())
    expect(performance.now() - started).toBeLessThan(3000)
    if (type !== undefined) expect(error).toBeInstanceOf(type)
    expect(error.message).toContain(address.split(':')[0])
    expect(error.message).toContain(address.split(':')[1])
    expect(error.message).toMatch(says)
    expect(producer.status).toBe('disconnected')
    expect(await producer.close()).toEqual({ lost: 0 })
  })

  test.each(Object.entries(strangers))(
    '%s: send() fails within message.timeout.ms, with the cause',
    async (_, { at }) => {
      const address = await at()
      const producer = producerAt(address)
      const started = performance.now()
      const error = await failureOf(producer.send({ topic: 't', value: 'x' }))
      expect(performance.now() - started).toBeLessThan(2500)
      const texts: string[] = []
      for (let next: unknown = error; next instanceof Error; next = next.cause) texts.push(next.message)
      expect(texts.join('\n')).toContain(address)
      expect(error).toMatchObject({ code: -192 }) // a broker may come up there yet
      expect(await producer.close()).toEqual({ lost: 0 })
    },
  )

  test('without a version in common: connect() says which, and queued messages fail at once', async () => {
    const mock = await cluster()
    mock.setApiVersion('Produce', 0, 2)
    const producer = producerAt(mock.bootstrapServers, { 'message.timeout.ms': 60_000 })
    const report = producer.send({ topic: 't', value: 'x' })
    const error = await failureOf(producer.connect())
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error.message).toContain(mock.bootstrapServers)
    expect(error.message).toMatch(/Produce/)
    expect(await failureOf(report)).toBeInstanceOf(ProtocolError)
  })

  test('beside a good one does no harm', async () => {
    const mock = await cluster()
    const bad = await server(answering(() => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')))
    const producer = producerAt(`${bad},127.0.0.1:${await closedPort()},${mock.bootstrapServers}`)
    await producer.connect()
    const report = await producer.send({ topic: 't', value: 'x' })
    expect(report.error).toBe(null)
    await producer.close()
  })

  test('among others that fail, too: connect() waits for all of them, and no longer', async () => {
    const http = await server(answering(() => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')))
    const silent = await server(() => {})
    const producer = producerAt(`${http},${silent},127.0.0.1:${await closedPort()}`)
    const duration = await timed(producer.connect())
    expect(duration).toBeGreaterThan(900)
    expect(duration).toBeLessThan(3000)
  })

  test('that comes up later is found by the next connect()', async () => {
    const port = await closedPort()
    const producer = producerAt(`127.0.0.1:${port}`)
    expect(await failureOf(producer.connect())).toBeInstanceOf(ConnectionError)
    await cluster({ ports: [port] })
    await producer.connect()
    expect(producer.status).toBe('connected')
    await producer.close()
  })
})

describe('a message', () => {
  test('over message.max.bytes is refused with both sizes', async () => {
    const mock = await cluster()
    const producer = producerAt(mock.bootstrapServers, { 'message.max.bytes': 2000 })
    const error = await failureOf(producer.send({ topic: 't', value: Buffer.alloc(3000) }))
    expect(error).toBeInstanceOf(MessageTooLargeError)
    expect(error.message).toMatch(/3036.*2000/)
    await producer.close()
  })

  test('to a topic that does not exist fails after the wait for it, and names it', async () => {
    const mock = await cluster()
    const producer = producerAt(mock.bootstrapServers, { 'topic.metadata.propagation.max.ms': 300 })
    const error = await failureOf(producer.send({ topic: 'nowhere', value: 'x' }))
    expect(error).toBeInstanceOf(UnknownTopicError)
    expect(error).toMatchObject({ topic: 'nowhere', code: -188, errno: 'ENOENT' })
    await producer.close()
  })

  test('to a partition that does not exist is refused, and names it and the range', async () => {
    const mock = await cluster({ topics: { t: { partitions: 3 } } })
    const producer = producerAt(mock.bootstrapServers, { topics: ['t'] })
    const early = await failureOf(producer.send({ topic: 't', partition: 7, value: 'x' }))
    expect(early).toBeInstanceOf(UnknownPartitionError)
    expect(() => producer.dispatch({ topic: 't', partition: 3, value: 'x' })).toThrow(/partition 3 .*0 to 2/)
    await producer.close()
  })

  // The transport damages a byte of the value on its way, so that the broker itself finds the checksum wrong.
  const damaging = (times: number): Transport => {
    const real = nodeTransport()
    let left = times
    return {
      connect: async (options, on) => {
        const socket = await real.connect(options, on)
        const write = (chunks: Uint8Array[], done: (error?: Error) => void): boolean => {
          const whole = Buffer.concat(chunks)
          const at = whole.indexOf('fragile')
          if (at >= 0 && left-- > 0) whole.write('F', at)
          return socket.write([whole], done)
        }
        return { ...socket, write, destroy: () => socket.destroy(), hold: on => socket.hold?.(on) }
      },
    }
  }

  test('damaged on the way once is delivered by the next attempt', async () => {
    const mock = await cluster()
    const producer = producerAt(mock.bootstrapServers, { transport: damaging(1) })
    const report = await producer.send({ topic: 't', value: 'fragile' })
    expect(report.attempts).toBe(2)
    expect(mock.log('t', 0).map(({ value }) => Buffer.from(value ?? []).toString())).toEqual(['fragile'])
    await producer.close()
  })

  test('damaged every time fails with CORRUPT_MESSAGE', async () => {
    const mock = await cluster()
    const producer = producerAt(mock.bootstrapServers, { transport: damaging(Number.POSITIVE_INFINITY) })
    const error = await failureOf(producer.send({ topic: 't', value: 'fragile' }))
    const broker = error instanceof BrokerError ? error : (error.cause as KafkaError)
    expect(broker).toMatchObject({ codeName: 'CORRUPT_MESSAGE', topic: 't', partition: 0 })
    expect(mock.log('t', 0)).toEqual([])
    await producer.close()
  })
})

describe('connect()', () => {
  test('names the topic of the configuration that does not exist, after the wait for it', async () => {
    const mock = await cluster()
    const options = { topics: ['t', 'nowhere'], 'topic.metadata.propagation.max.ms': 300 }
    const started = performance.now()
    const error = await failureOf(producerAt(mock.bootstrapServers, options).connect())
    expect(error).toBeInstanceOf(UnknownTopicError)
    expect(error).toMatchObject({ topic: 'nowhere' })
    expect(performance.now() - started).toBeLessThan(3000)
  })
})

describe('a program', () => {
  let directory = ''
  let url = ''

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'odradek-'))
    const entry = { index: new URL('../../src/index.ts', import.meta.url).pathname }
    await build({ entry, format: 'esm', outDir: directory, config: false, silent: true, dts: false, target: 'node20' })
    url = pathToFileURL(join(directory, 'index.js')).href
  }, 60_000)

  afterAll(() => rm(directory, { recursive: true, force: true }))

  /** Runs until it ends by itself; rejects if it has to be killed or ends with an error. */
  const run = (servers: string, program: string) => {
    const source = `import { Producer } from '${url}'\nconst producer = new Producer({ 'bootstrap.servers': '${servers}', 'message.timeout.ms': 3000, 'request.timeout.ms': 1000 })\n${program}`
    const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], { timeout: 10_000 })
    return child
  }

  test('that produces and closes ends by itself', async () => {
    const mock = await cluster()
    const { stdout } = await run(
      mock.bootstrapServers,
      `await producer.send({ topic: 't', value: 'x' })\nconsole.log(JSON.stringify(await producer.close()))`,
    )
    expect(JSON.parse(stdout)).toEqual({ lost: 0 })
    expect(mock.log('t', 0).length).toBe(1)
  })

  test('that dispatches and neither waits nor closes still delivers before it ends', async () => {
    const mock = await cluster()
    await run(
      mock.bootstrapServers,
      `for (let i = 0; i < 1000; i++) producer.dispatch({ topic: 't', value: String(i) })`,
    )
    expect(mock.log('t', 0).length).toBe(1000)
  })

  test('that sends and does not close ends by itself', async () => {
    const mock = await cluster()
    await run(mock.bootstrapServers, `await producer.send({ topic: 't', value: 'x' })`)
    expect(mock.log('t', 0).length).toBe(1)
  })

  test('that connects and does nothing else ends by itself', async () => {
    const mock = await cluster()
    await run(mock.bootstrapServers, `await producer.connect()`)
  })

  test('whose brokers cannot be reached ends when its messages have expired', async () => {
    const { stdout } = await run(
      `127.0.0.1:${await closedPort()}`,
      `producer.on('message.failed', ({ report }) => console.log(report.error.code))\nproducer.dispatch({ topic: 't', value: 'x' })`,
    )
    expect(stdout.trim()).toBe('-192')
  })

  test('that only makes a producer ends by itself', async () => {
    await run('127.0.0.1:1', '')
  })
})
