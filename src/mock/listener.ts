// Brokers on real sockets, with TLS or without. With cluster/node-transport the only file that knows sockets.

import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { ServerConnection, Wire } from './server-connection.ts'

export interface Listener {
  readonly port: number
  /** Takes no more connections from now on; resolves when those that were taken are gone. */
  close(): Promise<void>
}

/**
 * Listens on `host:port` (0 for a free one). Neither the listener nor its connections keep the process alive.
 * Rejects with the system's error if the port cannot be had. `tls`: options of `tls.createServer`, null for plaintext.
 */
export async function listen(
  host: string,
  port: number,
  tls: object | null,
  accept: (wire: Wire) => ServerConnection,
): Promise<Listener> {
  const take = (socket: Socket): void => serve(socket, accept)
  const server = tls === null ? createServer({ noDelay: true }, take) : createTlsServer({ noDelay: true, ...tls }, take)
  /** All there are: some may be in a TLS handshake that never comes to an end. */
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    socket.unref()
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        close() {
          // Connections end in order by those who serve them, who are about to. What is left was never served.
          if (sockets.size > 0) {
            setImmediate(() => {
              for (const socket of sockets) socket.destroy()
            })
          }
          return new Promise(closed => server.close(() => closed()))
        },
      })
    })
  })
}

function serve(socket: Socket, accept: (wire: Wire) => ServerConnection): void {
  const connection = accept({
    write(chunks) {
      socket.cork()
      for (const chunk of chunks) socket.write(chunk)
      socket.uncork()
    },
    close: () => socket.end(() => socket.destroy()),
    destroy: () => socket.destroy(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  })
  socket.on('data', bytes => connection.data(bytes as Uint8Array))
  socket.on('error', () => {}) // 'close' follows, and says all that matters here
  socket.on('end', () => socket.destroy())
  socket.on('close', () => connection.gone())
}
