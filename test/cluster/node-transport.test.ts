import { Buffer } from 'node:buffer'
import dns, { type LookupAddress } from 'node:dns'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { nodeTransport } from '../../src/cluster/node-transport.ts'
import type { TransportOptions } from '../../src/transport.ts'
import { certificate, closedPort, type Loopback, listen } from '../support/loopback.ts'

// Which addresses a name has is up to the test; without a say of its own the system is asked.
const answers = new Map<string, { address: string; family: number }[]>()
const { lookup } = dns
vi.spyOn(dns, 'lookup').mockImplementation(((host: string, options: object, done: Done) => {
  const found = answers.get(host)
  if (found !== undefined) queueMicrotask(() => done(null, found))
  else Reflect.apply(lookup, dns, [host, options, done])
}) as typeof lookup)
type Done = (error: Error | null, found: LookupAddress[]) => void

let server: Loopback
let accepted: (socket: Socket) => void

beforeEach(async () => {
  accepted = () => {}
  server = await listen(socket => accepted(socket))
})

afterEach(async () => {
  answers.clear()
  await server.stop()
})

/** Connects and keeps what the listener hears; `ended` resolves with what the end was said to be. */
async function connect(target: Partial<TransportOptions> = {}) {
  const heard: Buffer[] = []
  const drains: number[] = []
  let end = (_: Error | undefined) => {}
  const ended = new Promise<Error | undefined>(resolve => {
    end = resolve
  })
  const on = {
    data: (bytes: Uint8Array) => void heard.push(Buffer.from(bytes)),
    drained: () => void drains.push(1),
    closed: (error?: Error) => end(error),
  }
  const socket = await nodeTransport().connect({ host: '127.0.0.1', port: server.port, ...target }, on)
  return { socket, heard, drains, ended }
}

const written = (
  socket: { write: (chunks: Uint8Array[], done: (error?: Error) => void) => boolean },
  chunks: Uint8Array[],
) => new Promise<Error | undefined>(resolve => socket.write(chunks, resolve))

describe('a plain connection', () => {
  test('writes all chunks in order and hands over what comes back', async () => {
    accepted = socket => socket.pipe(socket)
    const { socket, heard, ended } = await connect()
    const chunks = ['a', 'bc', '', 'def'].map(text => Buffer.from(text))
    expect(await written(socket, chunks)).toBeUndefined()
    await vi.waitFor(() => expect(Buffer.concat(heard).toString()).toBe('abcdef'))
    expect(await written(socket, [])).toBeUndefined()
    socket.destroy()
    expect(await ended).toBeUndefined()
    await server.quiet()
  })

  test('keeps its word that it will say so, whatever little is written in between', async () => {
    let peer: Socket | undefined
    accepted = socket => {
      peer = socket.pause()
    }
    const { socket, drains, ended } = await connect()
    let full = false
    let between = false
    const done = (): void => {
      if (full && !between) between = socket.write([Buffer.alloc(10)], () => {})
    }
    while (socket.write([Buffer.alloc(1 << 16)], done)) {}
    full = true
    await vi.waitFor(() => expect(peer).toBeDefined())
    peer?.resume()
    await vi.waitFor(() => expect(drains).toEqual([1]))
    expect(between).toBe(true)
    socket.destroy()
    await ended
  })

  test('says when it takes no more, and when it does again', async () => {
    let peer: Socket | undefined
    accepted = socket => {
      peer = socket.pause()
    }
    const { socket, drains, ended } = await connect()
    const megabyte = Buffer.alloc(1 << 20)
    expect(socket.write([Buffer.alloc(100)], () => {})).toBe(true)
    let taken = 0
    while (socket.write([megabyte], () => {})) taken++
    expect(taken).toBeLessThan(100)
    expect(drains).toEqual([])
    peer?.resume()
    await vi.waitFor(() => expect(drains).toEqual([1]))
    socket.destroy()
    await ended
  })

  test('calls back for every write, also for those its end cuts off', async () => {
    accepted = socket => socket.pause()
    const { socket, ended } = await connect()
    const writes = [1, 2, 3].map(() => written(socket, [Buffer.alloc(8 << 20)]))
    socket.destroy()
    writes.push(written(socket, [Buffer.alloc(1)]))
    await Promise.all(writes)
    expect(await ended).toBeUndefined()
  })

  test('that the other side closes is reported as that', async () => {
    accepted = socket => socket.end()
    const { ended } = await connect()
    expect(await ended).toMatchObject({ name: 'ConnectionError', code: -195, broker: `127.0.0.1:${server.port}` })
  })

  test('that the other side resets is reported with the reason', async () => {
    accepted = socket => socket.once('data', () => socket.resetAndDestroy())
    const { socket, ended } = await connect()
    await written(socket, [Buffer.from('hello')])
    expect(await ended).toMatchObject({ code: -195, message: expect.stringContaining('ECONNRESET') })
  })

  test('keeps the process alive only while it is told to', async () => {
    const counted = () => process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length
    const { socket, ended } = await connect()
    const held = counted()
    socket.hold?.(false)
    expect(counted()).toBe(held - 1)
    socket.hold?.(true)
    expect(counted()).toBe(held)
    socket.destroy()
    await ended
  })
})

describe('dialling', () => {
  test('a closed port names address and reason', async () => {
    const port = await closedPort()
    await expect(connect({ port })).rejects.toMatchObject({
      name: 'ConnectionError',
      code: -195,
      broker: `127.0.0.1:${port}`,
      message: `127.0.0.1:${port}: no connection (ECONNREFUSED)`,
    })
  })

  test('a name that does not resolve says so', async () => {
    await expect(connect({ host: 'does-not-exist.invalid' })).rejects.toMatchObject({
      code: -193,
      broker: `does-not-exist.invalid:${server.port}`,
      message: expect.stringMatching(/does not resolve \(E/),
    })
  })

  test('a port that is none is an error like the others', async () => {
    await expect(connect({ port: 70_000 })).rejects.toMatchObject({ code: -195, broker: '127.0.0.1:70000' })
  })

  test('tries every address of a name', async () => {
    const refusing = ['127.0.0.3', '127.0.0.4'].map(address => ({ address, family: 4 }))
    answers.set('many', [...refusing, { address: '127.0.0.1', family: 4 }])
    const { socket, ended } = await connect({ host: 'many' })
    socket.destroy()
    await ended
    answers.set('many', refusing)
    await expect(connect({ host: 'many' })).rejects.toMatchObject({
      code: -195,
      message: expect.stringContaining('127.0.0.3, 127.0.0.4'),
      cause: expect.any(AggregateError),
    })
  })

  test('lets the families of a name take turns', async () => {
    answers.set('both', [
      { address: '127.0.0.3', family: 4 },
      { address: '127.0.0.4', family: 4 },
      { address: '::1', family: 6 },
    ])
    const refused = connect({ host: 'both', port: await closedPort() })
    await expect(refused).rejects.toThrow(/127\.0\.0\.3, ::1, 127\.0\.0\.4/)
  })

  test('is ended by its signal at any stage', async () => {
    const ended = { code: -195, message: expect.stringContaining('was ended') }
    await expect(connect({ signal: AbortSignal.abort() })).rejects.toMatchObject(ended)
    const resolving = new AbortController()
    const unresolved = connect({ host: 'does-not-exist.invalid', signal: resolving.signal })
    resolving.abort()
    await expect(unresolved).rejects.toMatchObject(ended)
    const shaking = new AbortController()
    accepted = () => shaking.abort()
    await expect(connect({ tls: {}, signal: shaking.signal })).rejects.toMatchObject(ended)
    await server.quiet()
  })
})

describe('TLS', () => {
  let tlsServer: Loopback
  beforeEach(async () => {
    tlsServer = await listen(socket => socket.pipe(socket), certificate)
  })
  afterEach(() => tlsServer.stop())

  test('connects to a server whose certificate it trusts', async () => {
    const { socket, heard, ended } = await connect({ port: tlsServer.port, tls: { ca: certificate.cert } })
    const chunks = [Buffer.from('he'), Buffer.alloc(100_000, 'l'), Buffer.from('o')]
    expect(await written(socket, chunks)).toBeUndefined()
    const all = Buffer.concat(chunks)
    await vi.waitFor(() => expect(Buffer.concat(heard)).toHaveLength(all.length), 10_000)
    expect(Buffer.concat(heard).equals(all)).toBe(true)
    socket.destroy()
    expect(await ended).toBeUndefined()
    await tlsServer.quiet()
  })

  test.each([
    ['a certificate nobody vouches for', {}, /self.signed/],
    ['a certificate of another name', { ca: certificate.cert, servername: 'kafka.example' }, /kafka\.example/],
    ['a key that cannot be read', { key: 'nonsense', cert: 'nonsense' }, /TLS/],
  ])('refuses %s', async (_, tls, message) => {
    await expect(connect({ port: tlsServer.port, tls })).rejects.toMatchObject({
      name: 'ConnectionError',
      code: -181,
      broker: `127.0.0.1:${tlsServer.port}`,
      message: expect.stringMatching(message),
    })
    await tlsServer.quiet()
  })

  test('to a plaintext port that closes is no refusal for good', async () => {
    accepted = socket => socket.once('data', () => socket.destroy())
    await expect(connect({ tls: {} })).rejects.toMatchObject({
      code: -195,
      message: expect.stringContaining('plaintext'),
    })
  })

  test('to a plaintext port that answers is a TLS error', async () => {
    accepted = socket => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n')
    await expect(connect({ tls: {} })).rejects.toMatchObject({ code: -181 })
    await server.quiet()
  })
})
