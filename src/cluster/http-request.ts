// One HTTP request and its whole answer. Unlike the runtime's fetch it can be told whom to trust, follows no redirect,
// and keeps no socket for later.

import { Buffer } from 'node:buffer'
import type { ClientRequest } from 'node:http'

export interface HttpRequest {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** Certificates to trust, instead of the runtime's own. */
  readonly ca: (string | Buffer)[] | undefined
  readonly signal: AbortSignal
  readonly mostBytes: number
}

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

/** Rejects with what the system says when there is no answer, or none of at most `mostBytes`. */
export async function askHttp({ url, method, headers, body, ca, signal, mostBytes }: HttpRequest): Promise<HttpAnswer> {
  signal.throwIfAborted()
  const { request: begin } = process.getBuiltinModule(url.startsWith('https:') ? 'node:https' : 'node:http')
  return new Promise((resolve, reject) => {
    const options = { method, headers, signal, agent: false, ...(ca === undefined ? {} : { ca }) }
    const request: ClientRequest = begin(url, options, response => {
      const chunks: Uint8Array[] = []
      let bytes = 0
      response.on('data', (chunk: Uint8Array) => {
        bytes += chunk.length
        chunks.push(chunk)
        if (bytes <= mostBytes) return
        reject(new Error(`the answer is longer than ${mostBytes} bytes`))
        request.destroy()
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      )
      response.on('error', reject)
    })
    request.on('error', reject)
    signal.addEventListener('abort', () => reject(signal.reason)) // Bun's request does not say so itself
    request.end(body)
  })
}
