// TCP and TLS through node:net and node:tls: name look-up, the race between a host's addresses, gathered writes, and
// the system's errors in our words. With mock/listener the only file that knows sockets.

import type { Buffer } from 'node:buffer'
import type { LookupAddress } from 'node:dns'
import type { Socket } from 'node:net'
import { ConnectionError, KafkaError } from '../errors.ts'
import type { Transport, TransportListener, TransportSocket } from '../transport.ts'
import { formatAddress } from './addresses.ts'
import { explainTlsFault } from './tls-faults.ts'

export interface NodeTransportOptions {
  /** Which addresses of a host may be used. Source: librdkafka `broker.address.family`. */
  family?: 'any' | 'v4' | 'v6'
  /** TCP keepalive, on unless false. Source: librdkafka `socket.keepalive.enable`. */
  keepAlive?: boolean
  /** No Nagle, on unless false. Source: librdkafka `socket.nagle.disable`. */
  noDelay?: boolean
}

// Loaded by the first connection that needs them: together they take longer to load than all of this package.
const net = () => process.getBuiltinModule('node:net')

// RFC 8305, section 5: the recommended delay before the next address joins the race.
const nextAddressAfterMs = 250
// Not the stream's own measure, which is less than one request: the kernel says only in the next turn of the event loop
// that it took the rest, and with a request for each turn who is busy would fall ever further behind.
const mostUnsentBytes = 4 << 20
const keepAliveAfterMs = 30_000

/** Connections through the runtime's own sockets. Every address of a host is tried; the first one that answers wins. */
export function nodeTransport(options: NodeTransportOptions = {}): Transport {
  const family = options.family === 'v4' ? 4 : options.family === 'v6' ? 6 : 0
  const tcpOptions = {
    noDelay: options.noDelay ?? true,
    keepAlive: options.keepAlive ?? true,
    keepAliveInitialDelay: keepAliveAfterMs,
  }
  /** What lets the next handshake with a peer be short, as long as it is made with the same options. */
  const sessions = new WeakMap<object, Map<string, Buffer>>()
  const sessionsOf = (tls: object) => {
    const known = sessions.get(tls) ?? new Map<string, Buffer>()
    sessions.set(tls, known)
    return known
  }
  return {
    async connect({ host, port, tls, signal }, on) {
      const label = formatAddress(host, port)
      try {
        const addresses = await resolveHost(host, family, label, signal)
        const dial = (address: string) => net().connect({ ...tcpOptions, host: address, port })
        const tcp = await raceAddresses(addresses, dial, label, signal)
        return openSocket(
          tls === undefined ? tcp : await startTls(tcp, tls, sessionsOf(tls), host, label, signal),
          label,
          on,
        )
      } catch (error) {
        throw error instanceof KafkaError ? error : fault(-195, label, 'no connection', error)
      }
    },
  }
}

/** A step of connecting as a promise that `signal` ends; `run` returns what stops it. */
function step<T>(
  label: string,
  signal: AbortSignal | undefined,
  run: (done: (value: T) => void, failed: (error: unknown) => void) => () => void,
): Promise<T> {
  let stop = () => {}
  let end = () => {}
  const result = new Promise<T>((resolve, reject) => {
    end = () => {
      stop()
      reject(new ConnectionError(-195, `${label}: the attempt to connect was ended`, { broker: label }))
    }
    stop = run(resolve, reject)
  })
  if (signal?.aborted) end()
  signal?.addEventListener('abort', end)
  return result.finally(() => signal?.removeEventListener('abort', end))
}

/** All addresses of a host, families alternating, the system's favourite first (RFC 8305, section 4). */
function resolveHost(host: string, family: number, label: string, signal?: AbortSignal): Promise<string[]> {
  return step(label, signal, (done, failed) => {
    process.getBuiltinModule('node:dns').lookup(host, { all: true, family }, (error, found: LookupAddress[] = []) => {
      if (error !== null) return failed(fault(-193, label, 'the name does not resolve', error))
      const first = found.filter(address => address.family === found[0]?.family)
      const second = found.filter(address => address.family !== found[0]?.family)
      const order = first.flatMap((address, i) => [address, ...second.slice(i, i + 1)])
      done([...order, ...second.slice(first.length)].map(({ address }) => address))
    })
    return () => {}
  })
}

/** Starts one attempt after the other, the next when one fails or is slow; a slow one stays in the race. */
function raceAddresses(
  addresses: readonly string[],
  dial: (address: string) => Socket,
  label: string,
  signal?: AbortSignal,
): Promise<Socket> {
  return step(label, signal, (done, failed) => {
    const attempts = new Set<Socket>()
    const faults: Error[] = []
    let next = 0
    let timer: NodeJS.Timeout | undefined
    const stop = () => {
      clearTimeout(timer)
      for (const attempt of attempts) attempt.destroy()
    }
    const start = () => {
      clearTimeout(timer)
      const address = addresses[next]
      if (address === undefined) return
      const attempt = dial(address)
      attempts.add(attempt)
      if (++next < addresses.length) timer = setTimeout(start, nextAddressAfterMs)
      attempt.once('connect', () => {
        attempts.delete(attempt)
        stop()
        done(attempt)
      })
      // It stays for good: a socket's error that nobody listens to would end the process.
      attempt.on('error', error => {
        if (!attempts.delete(attempt)) return
        faults.push(error)
        if (faults.length < addresses.length) return start()
        const what = addresses.length === 1 ? 'no connection' : `no connection to any of ${addresses.join(', ')}`
        failed(fault(-195, label, what, faults.length === 1 ? error : new AggregateError(faults, faults[0]?.message)))
      })
    }
    start()
    return stop
  })
}

function startTls(
  tcp: Socket,
  tls: object,
  sessions: Map<string, Buffer>,
  host: string,
  label: string,
  signal?: AbortSignal,
): Promise<Socket> {
  return step(label, signal, (done, failed) => {
    const session = sessions.get(label)
    const fail = (error: NodeJS.ErrnoException) => {
      tcp.destroy()
      sessions.delete(label)
      const lost = error.code === 'ECONNRESET' || error.code === 'EPIPE'
      const what = lost
        ? 'closed during the TLS handshake, is this port plaintext? check security.protocol'
        : 'the TLS handshake failed'
      failed(fault(lost ? -195 : -181, label, what, error))
    }
    try {
      // An address is no server name (RFC 6066, section 3); the certificate is compared with `host` all the same.
      const socket = process.getBuiltinModule('node:tls').connect({
        servername: net().isIP(host) === 0 ? host : '',
        ...(session === undefined ? {} : { session }),
        ...tls,
        host,
        socket: tcp,
      })
      socket.on('session', ticket => sessions.set(label, ticket))
      socket.once('secureConnect', () => done(socket))
      socket.on('error', fail)
      return () => {
        socket.destroy()
        tcp.destroy()
      }
    } catch (error) {
      fail(error as Error) // a key or certificate that cannot be read
      return () => {}
    }
  })
}

function openSocket(socket: Socket, label: string, on: TransportListener): TransportSocket {
  let ending = false
  let error: Error | undefined
  let waiting = false
  socket.on('data', bytes => on.data(bytes as Uint8Array))
  socket.on('drain', () => {
    if (!waiting) return
    waiting = false
    on.drained()
  })
  socket.on('error', (cause: NodeJS.ErrnoException) => {
    const code = /^ERR_(SSL|TLS)_/.test(cause.code ?? '') ? -181 : -195
    error = fault(code, label, code === -181 ? 'TLS failed' : 'the connection broke', cause)
  })
  socket.on('end', () => socket.destroy()) // what is not written yet would never be answered
  socket.on('close', () => {
    const closed = new ConnectionError(-195, `${label}: the other side closed the connection`, { broker: label })
    on.closed(ending ? undefined : (error ?? closed))
  })
  return {
    write(chunks, done) {
      if (chunks.length === 0) queueMicrotask(done)
      socket.cork()
      chunks.forEach((chunk, i) => {
        socket.write(chunk, i === chunks.length - 1 ? error => done(error ?? undefined) : undefined)
      })
      socket.uncork()
      // `write` speaks for the corked buffer; what the kernel took at once has left it by now. Who was told to wait goes on
      // waiting for the drain, though somebody else may write before it.
      const isFull = socket.writableLength >= mostUnsentBytes
      if (isFull) waiting = true
      return !isFull
    },
    destroy() {
      ending = true
      socket.destroy()
    },
    hold(on) {
      if (on) socket.ref()
      else socket.unref()
    },
  }
}

function fault(code: -195 | -193 | -181, label: string, what: string, cause: unknown): ConnectionError {
  const { code: name, message } = cause as NodeJS.ErrnoException
  const explanation = code === -181 ? explainTlsFault(name) : null
  const known = explanation === null ? message : `${explanation}: ${message}`
  const reason = code === -181 || name === undefined ? known : name
  return new ConnectionError(code, `${label}: ${what} (${reason})`, { broker: label, cause })
}
