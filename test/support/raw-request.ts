// One request on one connection of its own, without any of the client: what a broker says to exactly these bytes.

import { connect } from 'node:net'
import { FrameSplitter } from '../../src/protocol/frame.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/header.ts'
import type { Api } from '../../src/protocol/schema.ts'

const maxBytes = 100_000_000

/** Asks the first of these servers. Rejects when the broker hangs up, or when a byte of the answer does not fit. */
export function ask<Request, Response>(
  servers: string,
  api: Api<Request, Response>,
  version: number,
  body: Request,
): Promise<Response> {
  const [host = '', port] = servers.split(',')[0]?.split(':') ?? []
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => {
      for (const chunk of encodeRequest(api, version, version, 'raw', body)) socket.write(chunk)
    })
    const splitter = new FrameSplitter(maxBytes, frame => {
      socket.destroy()
      resolve(decodeResponse(api, version, frame).body)
    })
    socket.on('data', bytes => {
      try {
        splitter.push(bytes)
      } catch (error) {
        reject(error)
      }
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`${api.name} v${version}: the broker hung up`)))
  })
}
