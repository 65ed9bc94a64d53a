// Bootstrap servers: what a user may write for them, and the one form they take inside.

import type { ValueType } from './property.ts'

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** `host:port,host:port`, or a list of those, or a list of objects. The port is 9092 where it is left out. */
export type BootstrapServers = string | readonly (string | { readonly host: string; readonly port?: number })[]

export const bootstrapServersType: ValueType<string | null, BootstrapServers> = {
  name: 'servers',
  allowed:
    'host[:port] with commas between, or a list; ports 1 to 65535, IPv6 in brackets, no scheme (security.protocol says that)',
  parse: written => {
    const list = parseServers(written)
    return list?.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',')
  },
}

/** The servers in the order they were written, each once; undefined if anything among them is not one. */
export function parseServers(written: unknown): ServerAddress[] | undefined {
  const parts: unknown[] = Array.isArray(written) ? written : [typeof written === 'string' ? written : null]
  const servers = new Map<string, ServerAddress>()
  for (const part of parts.flatMap(part => (typeof part === 'string' ? part.split(',') : [part]))) {
    if (typeof part === 'string' && part.trim() === '') continue
    const server = typeof part === 'string' ? fromText(part.trim()) : fromObject(part)
    if (server === undefined) return undefined
    servers.set(`${server.host} ${server.port}`, server)
  }
  return servers.size === 0 ? undefined : [...servers.values()]
}

function fromText(text: string): ServerAddress | undefined {
  const [, ipv6, name, port] = /^(?:\[([^\]]*:[^\]]*)\]|([^:[\]]+))(?::(\d+))?$/.exec(text) ?? []
  return address(ipv6 ?? name, port === undefined ? undefined : Number(port))
}

function fromObject(part: unknown): ServerAddress | undefined {
  if (typeof part !== 'object' || part === null || !('host' in part) || typeof part.host !== 'string') return undefined
  return address(part.host.replace(/^\[(.*)\]$/, '$1'), 'port' in part ? part.port : undefined)
}

function address(host: string | undefined, port: unknown = 9092): ServerAddress | undefined {
  if (host === undefined || !/^([\w.-]+|[0-9a-f]*:[0-9a-f:.]*(%[\w.-]+)?)$/i.test(host)) return undefined
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined
  return { host, port }
}
