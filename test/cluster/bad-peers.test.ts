// What a user may really point us at: connections over loopback sockets to peers that are no Kafka broker, or a bad one.

import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Connection } from '../../src/cluster/connection.ts'
import { nodeTransport } from '../../src/cluster/node-transport.ts'
import type { KafkaError } from '../../src/errors.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { encodeResponse } from '../../src/protocol/header.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { allVersions } from '../support/fake-transport.ts'
import { certificate, closedPort, type Loopback, listen, openSockets } from '../support/loopback.ts'

let before: number
const servers: Loopback[] = []

beforeEach(() => {
  before = openSockets()
})

afterEach(async () => {
  await Promise.all(servers.map(server => server.quiet()))
  await Promise.all(servers.splice(0).map(server => server.stop()))
  await vi.waitFor(() => expect(openSockets()).toBe(before))
})

async function serve(accept: (socket: Socket) => void, tls?: object): Promise<Loopback> {
  const server = await listen(socket => {
    socket.resume()
    accept(socket)
  }, tls)
  servers.push(server)
  return server
}

/** Deadlines stand still unless the test moves the clock: what ends in time ends by itself. */
function dial(port: number, options: { host?: string; tls?: object } = {}) {
  const clock = new FakeClock()
  let settle = (_: Connection | KafkaError | undefined) => {}
  const outcome = new Promise<Connection | KafkaError | undefined>(resolve => {
    settle = resolve
  })
  const connection = new Connection({
    host: options.host ?? '127.0.0.1',
    port,
    nodeId: -1,
    tls: options.tls && (() => options.tls ?? {}),
    clientId: 'me',
    transport: nodeTransport(),
    clock,
    setupTimeoutMs: 30_000,
    apiVersionTimeoutMs: 10_000,
    maxResponseBytes: 100_000_000,
    softwareName: 'odradek',
    softwareVersion: '1',
    on: { ready: settle, closed: (_, error) => settle(error), drained() {}, throttled() {} },
  })
  return { clock, connection, outcome }
}

async function refusal(port: number, options: { host?: string; tls?: object } = {}) {
  const { clock, connection, outcome } = dial(port, options)
  const error = (await outcome) as KafkaError
  expect(connection.closed).toBe(true)
  expect(clock.pendingTimers).toBe(0)
  expect(error.message).toContain(`${options.host ?? '127.0.0.1'}:${port}`)
  expect(error.broker).toContain(`${options.host ?? '127.0.0.1'}:${port}`)
  return error
}

const versions = (correlationId = 0, changes = {}) =>
  Buffer.concat(encodeResponse(apiVersions, 5, correlationId, allVersions(changes) as never))

/** A server that answers the first bytes of each connection with these. */
const answering = (answer: Uint8Array | string) =>
  serve(socket => {
    socket.once('data', () => socket.write(answer))
  })

describe('a port that is no Kafka broker', () => {
  test('but HTTP is called that', async () => {
    const server = await answering('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    expect(await refusal(server.port)).toMatchObject({
      name: 'ProtocolError',
      message: expect.stringContaining('HTTP'),
    })
  })

  test('but TLS is called that by its alert', async () => {
    const server = await answering(Buffer.from('15030100020246', 'hex'))
    expect(await refusal(server.port)).toMatchObject({ name: 'ProtocolError', message: expect.stringContaining('TLS') })
  })

  test('but TLS is guessed where it closes without an alert', async () => {
    const server = await serve(() => {}, certificate)
    expect(await refusal(server.port)).toMatchObject({ code: -195, message: expect.stringContaining('want TLS?') })
  })

  test('but says something else is quoted', async () => {
    const server = await serve(socket => socket.write('SSH-2.0-OpenSSH_9.6\r\n'))
    expect(await refusal(server.port)).toMatchObject({
      name: 'ProtocolError',
      message: expect.stringContaining('SSH-'),
    })
  })

  test('asked for TLS it does not speak', async () => {
    const server = await answering('HTTP/1.1 400 Bad Request\r\n\r\n')
    expect(await refusal(server.port, { tls: {} })).toMatchObject({ name: 'ConnectionError', code: -181 })
  })

  test('that accepts and never answers is given up when the time for ApiVersions is over', async () => {
    let asked = () => {}
    const arrived = new Promise<void>(resolve => {
      asked = resolve
    })
    const server = await serve(socket => socket.once('data', asked))
    const { clock, outcome } = dial(server.port)
    await arrived
    await clock.advance(10_000)
    expect(await outcome).toMatchObject({
      code: -195,
      message: expect.stringMatching(/127\.0\.0\.1.*ApiVersions.*10000 ms/),
    })
    expect(clock.pendingTimers).toBe(0)
  })

  test('that closes at once is tried with older versions, and then given up', async () => {
    const server = await serve(socket => socket.destroy())
    expect(await refusal(server.port)).toMatchObject({ name: 'ConnectionError', code: -195 })
    expect(server.sockets).toHaveLength(3)
  })

  test('because nobody listens', async () => {
    expect(await refusal(await closedPort())).toMatchObject({
      code: -195,
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('because its name does not resolve', async () => {
    expect(await refusal(9092, { host: 'does-not-exist.invalid' })).toMatchObject({ code: -193 })
  })
})

describe('a broker that is bad at Kafka', () => {
  test.each<[string, Buffer, RegExp]>([
    ['a wrong correlation id', versions(7), /correlation id 7/],
    ['a frame of 2 GiB', Buffer.from('7fffffff00000000', 'hex'), /2147483647 bytes/],
    ['a negative frame', Buffer.from('fffffff600000000', 'hex'), /-10 bytes/],
    ['an answer with bytes left over', Buffer.from(`0000000d${'00'.repeat(13)}`, 'hex'), /ApiVersions v5/],
    ['no version in common', versions(0, { Produce: [14, 99] }), /Produce in common.*14 to 99/],
    ['no Produce at all, as a controller', versions(0, { Produce: null }), /Produce in common.*does not serve/],
  ])('with %s is refused', async (_, answer, message) => {
    const server = await answering(answer)
    expect(await refusal(server.port)).toMatchObject({ name: 'ProtocolError', message: expect.stringMatching(message) })
  })

  test('that answers byte by byte is understood', async () => {
    const server = await serve(socket => {
      socket.setNoDelay(true)
      socket.once('data', async () => {
        for (const byte of versions())
          await new Promise<void>(resolve => socket.write(Uint8Array.of(byte), () => resolve()))
      })
    })
    const { connection, outcome } = dial(server.port)
    expect(await outcome).toBe(connection)
    expect(connection.version(metadata)).toBe(13)
    connection.close()
  })

  test('that closes in the middle of an answer is lost, wherever that is', async () => {
    const whole = versions()
    for (const bytes of [1, 3, 4, 5, 8, whole.length - 1]) {
      const server = await serve(socket => socket.once('data', () => socket.end(whole.subarray(0, bytes))))
      expect(await refusal(server.port)).toMatchObject({ name: 'ConnectionError', code: -195 })
      expect(server.sockets).toHaveLength(1)
    }
  })

  test('that goes away fails what is in flight', async () => {
    const server = await serve(socket => {
      socket.once('data', () => {
        socket.write(versions())
        socket.once('data', () => socket.resetAndDestroy())
      })
    })
    const { connection, outcome } = dial(server.port)
    await outcome
    const lost = connection.request(metadata, { topics: [], allowAutoTopicCreation: false }, { timeoutMs: 1000 })
    await expect(lost).rejects.toMatchObject({ code: -195, broker: expect.stringContaining(`${server.port}`) })
    expect(connection.closed).toBe(true)
  })
})
