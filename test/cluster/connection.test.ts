import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import type { Authenticate } from '../../src/cluster/authentication.ts'
import { Connection, type ConnectionOptions } from '../../src/cluster/connection.ts'
import { AuthenticationError, ConnectionError, type KafkaError } from '../../src/errors.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { encodeResponse } from '../../src/protocol/header.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { allVersions, FakeTransport, type Script } from '../support/fake-transport.ts'

const silent: Script = () => undefined
const noTopics = { topics: [], allowAutoTopicCreation: false }
const emptyProduce = { transactionalId: null, acks: 0, timeoutMs: 1, topicData: [] }
const emptyMetadata = { throttleTimeMs: 0, brokers: [], clusterId: null, controllerId: 1, topics: [] }

function setUp(script: Script = silent, options: Partial<ConnectionOptions> = {}, refusal?: Error | 'hang') {
  const clock = new FakeClock()
  const transport = new FakeTransport(script)
  if (refusal !== undefined) transport.refusals.set('kafka:9092', refusal)
  const log: string[] = []
  const faults: (KafkaError | undefined)[] = []
  const connection = new Connection({
    host: 'kafka',
    port: 9092,
    nodeId: 1,
    clientId: 'me',
    transport,
    clock,
    setupTimeoutMs: 30_000,
    apiVersionTimeoutMs: 10_000,
    maxResponseBytes: 1_000_000,
    softwareName: 'odradek',
    softwareVersion: '1.2.3',
    on: {
      ready: () => log.push('ready'),
      closed: (_, error) => {
        log.push('closed')
        faults.push(error)
      },
      drained: () => log.push('drained'),
      throttled: (_, ms) => log.push(`throttled ${ms}`),
    },
    ...options,
  })
  /** Sends a Metadata request and notes what becomes of it. */
  const ask = (name: string, timeoutMs = 1000) =>
    connection.send(metadata, noTopics, {
      timeoutMs,
      written: () => log.push(`${name} written`),
      settled: (error, _, written) => log.push(`${name} ${error === null ? 'answered' : error.codeName} ${written}`),
    })
  return { clock, transport, connection, log, faults, ask }
}

async function ready(script: Script = silent, options: Partial<ConnectionOptions> = {}) {
  const parts = setUp(script, options)
  await parts.clock.settle()
  expect(parts.log.splice(0)).toEqual(['ready'])
  return { ...parts, peer: parts.transport.peer }
}

describe('setting up', () => {
  test('ends in a connection that knows the versions and says who it is', async () => {
    const { connection, peer } = await ready(({ api }) =>
      api === 'ApiVersions' ? allVersions({ Produce: [0, 9], InitProducerId: null }) : undefined,
    )
    expect(connection.label).toBe('kafka:9092/1')
    expect(connection.version(produce)).toBe(9)
    expect(peer.requests[0]).toMatchObject({
      version: 5,
      clientId: 'me',
      body: { clientSoftwareName: 'odradek', clientSoftwareVersion: '1.2.3', clusterId: null, nodeId: -1 },
    })
  })

  test('a client name that a broker would refuse is made acceptable', async () => {
    const { peer } = await ready(silent, { softwareName: '-my client/', softwareVersion: '???' })
    expect(peer.requests[0]?.body).toMatchObject({ clientSoftwareName: 'my-client', clientSoftwareVersion: 'unknown' })
  })

  test('goes down to the version of ApiVersions that the broker names', async () => {
    const { peer } = await ready(({ version }) =>
      version > 4 ? { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] } : allVersions(),
    )
    expect(peer.requests.map(({ version }) => version)).toEqual([5, 4])
  })

  test('goes down to version 0 where the broker names none', async () => {
    const { peer } = await ready(({ version }) => (version > 0 ? { errorCode: 35, apiKeys: [] } : allVersions()))
    expect(peer.requests.map(({ version }) => version)).toEqual([5, 0])
  })

  test('does not go round in circles with a broker that names a version and refuses it', async () => {
    const { clock, transport, faults } = setUp(({ version }) => ({
      errorCode: 35,
      apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: version === 5 ? 4 : 5 }],
    }))
    await clock.settle()
    expect(transport.peer.requests.map(({ version }) => version)).toEqual([5, 4, 0])
    expect(faults[0]).toMatchObject({ name: 'ProtocolError', broker: 'kafka:9092/1' })
  })

  test('dials again with a lower version where the broker resets on one it does not know', async () => {
    const { transport } = await ready(({ version }, peer) => {
      if (version === 0) return allVersions()
      peer.close()
      return undefined
    })
    expect(transport.peers.map(({ requests }) => requests[0]?.version)).toEqual([5, 3, 0])
    expect(transport.open).toHaveLength(1)
  })

  test('gives up on a port that closes whatever is said', async () => {
    const { clock, transport, log, faults } = setUp((_, peer) => void peer.close())
    await clock.settle()
    expect(log).toEqual(['closed'])
    expect(faults[0]).toMatchObject({ name: 'ConnectionError', code: -195 })
    expect(transport.dialled).toHaveLength(3)
    expect(clock.pendingTimers).toBe(0)
  })

  test('names both sides where there is no version in common', async () => {
    const { clock, faults } = setUp(() => allVersions({ Produce: [14, 15] }))
    await clock.settle()
    expect(faults[0]).toMatchObject({ name: 'ProtocolError', broker: 'kafka:9092/1' })
    expect(faults[0]?.message).toMatch(/kafka:9092.*Produce.*14 to 15.*3 to 13/)
  })

  test('an error code in the answer to ApiVersions is reported as such', async () => {
    const { clock, faults } = setUp(() => ({ errorCode: 42, apiKeys: [] }))
    await clock.settle()
    expect(faults[0]).toMatchObject({ name: 'BrokerError', code: 42, broker: 'kafka:9092/1' })
  })

  test('a peer that does not answer ApiVersions is given up, without another try', async () => {
    const { clock, transport, faults } = setUp(() => null)
    await clock.advance(9_999)
    expect(faults).toEqual([])
    await clock.advance(1)
    expect(faults[0]?.message).toMatch(/kafka:9092.*ApiVersions v5.*10000 ms/)
    expect(transport.dialled).toHaveLength(1)
    expect(transport.open).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })

  test('all of it has one deadline', async () => {
    const { clock, faults } = setUp(silent, {}, 'hang')
    await clock.advance(29_999)
    expect(faults).toEqual([])
    await clock.advance(1)
    expect(faults[0]).toMatchObject({ code: -195, broker: 'kafka:9092/1' })
    expect(faults[0]?.message).toContain('30000 ms')
    expect(clock.pendingTimers).toBe(0)
  })

  test('an address that cannot be reached is reported with its own error', async () => {
    const refusal = new ConnectionError(-193, 'kafka:9092: the name does not resolve')
    const { clock, faults } = setUp(silent, {}, refusal)
    await clock.settle()
    expect(faults).toEqual([refusal])
    expect(clock.pendingTimers).toBe(0)
  })

  test('closing while dialling leaves nothing behind', async () => {
    const { clock, transport, connection, log } = setUp()
    connection.close()
    await clock.settle()
    expect(log).toEqual(['closed'])
    expect(transport.open).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('requests', () => {
  test('are pipelined and matched by correlation id', async () => {
    const { clock, peer, log, ask, connection } = await ready()
    ask('a')
    ask('b')
    await clock.settle()
    expect(log.splice(0)).toEqual(['a written', 'b written'])
    expect(connection.inFlight).toBe(2)
    const [, a, b] = peer.requests
    if (a === undefined || b === undefined) return expect.unreachable()
    peer.answer(b, emptyMetadata)
    peer.answer(a, emptyMetadata)
    expect(log).toEqual(['b answered true', 'a answered true'])
    expect(connection.inFlight).toBe(0)
  })

  test('without an answer are settled when they are written', async () => {
    const { clock, connection, log } = await ready()
    connection.send(produce, emptyProduce, {
      timeoutMs: 1000,
      expectAnswer: false,
      written: () => log.push('written'),
      settled: (error, response, written) => log.push(`${error} ${response} ${written}`),
    })
    expect(connection.inFlight).toBe(1)
    await clock.settle()
    expect(log).toEqual(['written', 'null null true'])
    expect(connection.inFlight).toBe(0)
  })

  test('keep the socket alive only while they are in flight', async () => {
    const { clock, peer, ask } = await ready()
    expect(peer.held).toBe(false)
    ask('a')
    expect(peer.held).toBe(true)
    await clock.settle()
    peer.answer(peer.requests[1] ?? expect.unreachable(), emptyMetadata)
    expect(peer.held).toBe(false)
  })

  test('share one timer', async () => {
    const { clock, ask } = await ready()
    for (let i = 0; i < 100; i++) ask(`${i}`, 1000 + i)
    expect(clock.pendingTimers).toBe(1)
  })

  test('over their deadline end the connection, naming API and time', async () => {
    const { clock, connection, log, faults, ask } = await ready()
    ask('slow', 5000)
    await clock.advance(500)
    ask('quick', 1000)
    await clock.advance(999)
    expect(connection.closed).toBe(false)
    await clock.advance(1)
    expect(log).toEqual(['slow written', 'quick written', 'slow _TRANSPORT true', 'quick _TRANSPORT true', 'closed'])
    expect(faults[0]?.message).toMatch(/kafka:9092\/1.*Metadata v13.*1000 ms/)
    expect(clock.pendingTimers).toBe(0)
  })

  test('answered in time leave the connection alone, however late the timer of another one is', async () => {
    const { clock, peer, connection, ask } = await ready(({ api }) => (api === 'Metadata' ? emptyMetadata : undefined))
    ask('a')
    await clock.advance(900)
    ask('b')
    await clock.advance(5000)
    expect(peer.requests).toHaveLength(3)
    expect(connection.closed).toBe(false)
    expect(clock.pendingTimers).toBe(0)
  })

  test('given up, where the connection may outlive that, have their late answers counted and dropped', async () => {
    const { clock, peer, connection, log, ask } = await ready(silent, { maxTimeouts: 2 })
    ask('a')
    await clock.advance(1000)
    expect(log.splice(0)).toEqual(['a written', 'a _TRANSPORT true'])
    expect(connection.closed).toBe(false)
    peer.answer(peer.requests[1] ?? expect.unreachable(), emptyMetadata)
    expect(connection.traffic.lateAnswers).toBe(1)
    expect(log).toEqual([])
    ask('b')
    await clock.advance(1000)
    expect(connection.closed).toBe(false) // the late answer was a sign of life
    ask('c')
    await clock.advance(1000)
    expect(connection.closed).toBe(true)
  })

  test('fail exactly once when the connection closes, and can be sent no more', async () => {
    const { clock, connection, log, faults, ask } = await ready()
    ask('a')
    ask('b')
    connection.close()
    connection.close()
    ask('c')
    expect(log.splice(0)).toEqual(['a _TRANSPORT true', 'b _TRANSPORT true', 'closed'])
    await clock.advance(100_000)
    expect(log).toEqual(['a written', 'b written', 'c written', 'c _TRANSPORT false'])
    expect(faults).toEqual([undefined])
    expect(clock.pendingTimers).toBe(0)
  })

  test('may be sent from within the failure of another one', async () => {
    const { clock, connection, peer, log, ask } = await ready()
    connection.send(metadata, noTopics, { timeoutMs: 1000, settled: () => ask('again') })
    peer.close()
    await clock.settle()
    expect(log).toEqual(['closed', 'again written', 'again _TRANSPORT false'])
  })

  test('that cannot be encoded fail without harm to the connection', async () => {
    const { clock, connection, log } = await ready()
    const settled = (error: KafkaError | null, _: unknown, written: boolean) =>
      void log.push(`${error?.name} ${written}`)
    connection.send(produce, { ...emptyProduce, acks: 1e6 }, { timeoutMs: 1000, settled })
    expect(log).toEqual([])
    await clock.settle()
    expect(log).toEqual(['ConnectionError false'])
    expect(connection.inFlight).toBe(0)
  })

  test('as promises resolve with the answer or reject with the fault', async () => {
    const { connection, peer, clock } = await ready(({ api }) => (api === 'Metadata' ? emptyMetadata : undefined))
    await expect(connection.request(metadata, noTopics, { timeoutMs: 1000 })).resolves.toMatchObject({
      controllerId: 1,
    })
    const lost = connection.request(produce, { ...emptyProduce, acks: 1 }, { timeoutMs: 1000 })
    await clock.settle()
    peer.close()
    await expect(lost).rejects.toMatchObject({ code: -195 })
  })

  test('are still answered after finish, which then closes', async () => {
    const { clock, connection, peer, log, ask } = await ready()
    ask('a')
    await clock.settle()
    connection.finish()
    ask('b')
    await clock.settle()
    peer.answer(peer.requests[1] ?? expect.unreachable(), emptyMetadata)
    expect(log).toEqual(['a written', 'b written', 'b _TRANSPORT false', 'a answered true', 'closed'])
  })
})

describe('pressure', () => {
  test('of the socket is reported, and its end', async () => {
    const { connection, peer, log, ask } = await ready()
    peer.stall()
    ask('a')
    expect(connection.congested).toBe(true)
    expect(log).toEqual([])
    peer.drain()
    expect(connection.congested).toBe(false)
    expect(log).toEqual(['a written', 'drained'])
  })

  test('bytes that never left are released when the connection closes', async () => {
    const { clock, connection, peer, log, ask } = await ready()
    peer.stall()
    ask('a')
    connection.close()
    await clock.settle()
    expect(log).toEqual(['a _TRANSPORT true', 'closed', 'a written'])
  })

  test('a throttled connection sends nothing until the time is over', async () => {
    const { clock, connection, peer, log, ask } = await ready(({ api }) =>
      api === 'Metadata' ? { ...emptyMetadata, throttleTimeMs: 3000 } : undefined,
    )
    ask('a', 500)
    await clock.settle()
    expect(log.splice(0)).toEqual(['a written', 'throttled 3000', 'a answered true'])
    expect(connection.congested).toBe(true)
    ask('b', 500)
    await clock.advance(2999)
    expect(peer.requests).toHaveLength(2)
    await clock.advance(1)
    expect(peer.requests).toHaveLength(3)
    expect(log).toEqual(['drained', 'b written', 'throttled 3000', 'b answered true'])
  })

  test('what waits for the end of a throttle was not written when the connection closes', async () => {
    const { clock, connection, log, ask } = await ready(({ api }) =>
      api === 'Metadata' ? { ...emptyMetadata, throttleTimeMs: 3000 } : undefined,
    )
    ask('a')
    await clock.settle()
    ask('b')
    log.length = 0
    connection.close()
    await clock.settle()
    expect(log).toEqual(['b written', 'b _TRANSPORT false', 'closed'])
    expect(clock.pendingTimers).toBe(0)
  })

  test('a throttle gives what is already on its way more time', async () => {
    const { clock, connection, peer, ask } = await ready()
    ask('a', 1000)
    ask('b', 1000)
    await clock.settle()
    peer.answer(peer.requests[1] ?? expect.unreachable(), { ...emptyMetadata, throttleTimeMs: 5000 })
    await clock.advance(5999)
    expect(connection.closed).toBe(false)
    await clock.advance(1)
    expect(connection.closed).toBe(true)
  })

  test('brokers from before KIP-219 have throttled already when they answer', async () => {
    const { clock, log, ask } = await ready(({ api }) =>
      api === 'Metadata' ? { ...emptyMetadata, throttleTimeMs: 3000 } : allVersions({ Metadata: [0, 5] }),
    )
    ask('a')
    await clock.settle()
    expect(log).toEqual(['a written', 'a answered true'])
  })
})

describe('authentication', () => {
  const answering: Script = ({ api }) => (api === 'Metadata' ? emptyMetadata : undefined)
  // Metadata stands in for the messages of SASL: what matters here is when they pass.
  const authenticate: Authenticate = async channel => {
    await channel.request(metadata, noTopics, { timeoutMs: 1000 })
    return { sessionLifetimeMs: 10_000 }
  }

  test('comes between the versions and the first request', async () => {
    const { connection, peer } = await ready(answering, {
      authenticate: async channel => {
        expect(channel.label).toBe('kafka:9092/1')
        expect(channel.version(metadata)).toBe(13)
        return authenticate(channel)
      },
    })
    expect(peer.requests.map(({ api }) => api)).toEqual(['ApiVersions', 'Metadata'])
    expect(connection.usable).toBe(true)
  })

  test('that is refused closes the connection with the refusal', async () => {
    const refusal = new AuthenticationError('kafka:9092/1: no')
    const { clock, log, faults } = setUp(silent, { authenticate: () => Promise.reject(refusal) })
    await clock.settle()
    expect(log).toEqual(['closed'])
    expect(faults).toEqual([refusal])
    expect(clock.pendingTimers).toBe(0)
  })

  test('that throws something of its own is an AuthenticationError with that cause', async () => {
    const cause = new Error('the vault is shut')
    const { clock, faults } = setUp(silent, { authenticate: () => Promise.reject(cause) })
    await clock.settle()
    expect(faults[0]).toMatchObject({ name: 'AuthenticationError', cause, broker: 'kafka:9092/1' })
    expect(faults[0]?.message).toContain('the vault is shut')
  })

  test('that never ends is ended with the time for the whole setting up', async () => {
    const { clock, faults, transport } = setUp(silent, { authenticate: () => new Promise(() => {}) })
    await clock.advance(30_000)
    expect(faults[0]).toMatchObject({ name: 'ConnectionError', code: -195 })
    expect(transport.open).toEqual([])
  })

  test('is renewed before the session ends, with nothing in between', async () => {
    let hold = false
    const { clock, connection, peer, log, ask } = await ready(
      (request, peer) => (hold ? null : answering(request, peer)),
      {
        authenticate,
      },
    )
    hold = true
    await clock.advance(9000)
    expect(connection.state).toBe('reauthenticating')
    expect(connection.congested).toBe(true)
    ask('meanwhile')
    await clock.settle()
    expect(peer.requests).toHaveLength(3)
    hold = false
    peer.answer(peer.requests[2] ?? expect.unreachable(), emptyMetadata)
    await clock.settle()
    expect(log).toEqual(['drained', 'meanwhile written', 'meanwhile answered true'])
    expect(connection.state).toBe('ready')
    await clock.advance(9000)
    expect(peer.requests).toHaveLength(5)
  })
})

/** The answer to the first request after the handshake. */
function metadataFrame(): Buffer {
  const brokers = [{ nodeId: 1, host: 'b1', port: 9092, rack: 'r' }]
  return Buffer.concat(encodeResponse(metadata, 13, 1, { ...emptyMetadata, brokers }))
}

describe('a peer that breaks the protocol', () => {
  test.each<[string, Buffer, RegExp]>([
    ['an answer to a request never sent', Buffer.from('0000000400000bad', 'hex'), /never sent.*2989/],
    ['a frame of 2 GiB', Buffer.from('7fffffff', 'hex'), /2147483647/],
    ['a negative frame', Buffer.from('ffffffff', 'hex'), /-1/],
    ['a frame too short for a correlation id', Buffer.from('000000020000', 'hex'), /4 bytes expected/],
  ])('%s', async (_, bytes, message) => {
    const { clock, peer, connection, log, faults, ask } = await ready()
    ask('a')
    await clock.settle()
    peer.send(bytes)
    expect(connection.closed).toBe(true)
    expect(log).toEqual(['a written', 'a _BAD_MSG true', 'closed'])
    expect(faults[0]).toMatchObject({ name: 'ProtocolError', broker: 'kafka:9092/1' })
    expect(faults[0]?.message).toMatch(message)
    expect(faults[0]?.message).toContain('kafka:9092')
  })

  test('an answer to a request that has none is refused', async () => {
    const { clock, connection, peer, log } = await ready()
    peer.stall()
    connection.send(produce, emptyProduce, { timeoutMs: 1000, expectAnswer: false, settled: () => log.push('settled') })
    peer.send(Buffer.from('0000000400000001', 'hex'))
    await clock.settle()
    expect(log).toEqual(['settled', 'closed'])
  })

  test('frames may be cut into two at every byte', async () => {
    const frame = metadataFrame()
    for (let cut = 1; cut < frame.length; cut++) {
      const { clock, peer, log, ask } = await ready()
      ask('a')
      await clock.settle()
      peer.send(frame.subarray(0, cut))
      expect(log).toEqual(['a written'])
      peer.send(frame.subarray(cut))
      expect(log).toEqual(['a written', 'a answered true'])
    }
  })

  test('an end at every byte of a frame fails what is in flight, once', async () => {
    const frame = metadataFrame()
    for (let cut = 0; cut < frame.length; cut++) {
      const { clock, peer, log, ask } = await ready()
      ask('a')
      await clock.settle()
      peer.send(frame.subarray(0, cut))
      peer.close()
      await clock.settle()
      expect(log).toEqual(['a written', 'a _TRANSPORT true', 'closed'])
    }
  })

  test('a frame that is shorter than its message is malformed, wherever it ends', async () => {
    const frame = metadataFrame()
    for (let cut = 8; cut < frame.length; cut++) {
      const { clock, peer, faults, log, ask } = await ready()
      ask('a')
      await clock.settle()
      const short = Buffer.from(frame.subarray(0, cut))
      short.writeInt32BE(cut - 4)
      peer.send(short)
      expect(log).toEqual(['a written', 'a _BAD_MSG true', 'closed'])
      expect(faults[0]?.message).toContain('kafka:9092/1: answer to Metadata v13')
    }
  })
})
