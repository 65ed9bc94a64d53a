// Real servers on loopback ports, with every socket of theirs at hand.

import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

const vector = (name: string) => readFileSync(new URL(`../vectors/tls/${name}`, import.meta.url), 'utf8')

/** A self-signed certificate for localhost and 127.0.0.1. */
export const certificate = { key: vector('localhost.key.pem'), cert: vector('localhost.cert.pem') }

export interface Loopback {
  readonly port: number
  readonly sockets: readonly Socket[]
  /** Resolves when the server's side of every connection so far is closed. */
  quiet(): Promise<void>
  stop(): Promise<void>
}

/** `accept` hears of each connection, after the handshake where there is TLS. */
export async function listen(accept: (socket: Socket) => void, tls?: object): Promise<Loopback> {
  const sockets: Socket[] = []
  const accepted = (socket: Socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    accept(socket)
  }
  const server = tls === undefined ? createServer(accepted) : createTlsServer(tls, accepted)
  return serve(server, sockets)
}

async function serve(server: Server, sockets: Socket[]): Promise<Loopback> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async quiet() {
      const open = sockets.filter(socket => !socket.closed)
      await Promise.all(open.map(socket => new Promise(resolve => socket.once('close', resolve))))
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = await listen(() => {})
  await server.stop()
  return server.port
}

/** Sockets of this process that are open or on their way. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter(name => /^(TCP|TLS|Pipe).*Wrap$|GetAddrInfo/.test(name)).length
}
