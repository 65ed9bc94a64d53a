// Broker addresses as people write them (`host`, `host:port`, `[::1]:9092`) and as messages show them.

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** A broker as metadata or configuration names it; `nodeId` is -1 while it is unknown. */
export interface BrokerAddress extends Endpoint {
  readonly nodeId: number
  readonly rack: string | null
}

const defaultPort = 9092
const bracketed = /^\[([0-9a-f:.]+(?:%[\w.-]+)?)\](?::(\d+))?$/i
const plain = /^([\w.-]+)(?::(\d+))?$/
const bareIPv6 = /^(?=.*::|(?:[^:]*:){7})[0-9a-f:.]+$/i

/** One address, or null where the text is none: a scheme, an empty host, a port outside 1 to 65535. */
export function parseAddress(text: string): Endpoint | null {
  const trimmed = text.trim()
  if (bareIPv6.test(trimmed)) return { host: trimmed, port: defaultPort }
  const match = bracketed.exec(trimmed) ?? plain.exec(trimmed)
  const host = match?.[1]
  if (host === undefined) return null
  const port = match?.[2] === undefined ? defaultPort : Number(match[2])
  return port >= 1 && port <= 65_535 ? { host, port } : null
}

/** A comma-separated list; empty places are skipped, repetitions dropped. `bad` hears each text that is no address. */
export function parseAddresses(csv: string, bad: (text: string) => void): Endpoint[] {
  const found = new Map<string, Endpoint>()
  for (const text of csv.split(',')) {
    if (text.trim() === '') continue
    const address = parseAddress(text)
    if (address === null) bad(text.trim())
    else found.set(formatAddress(address.host, address.port), address)
  }
  return [...found.values()]
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** librdkafka's name of a broker: `host:port/nodeId`, or `host:port/bootstrap` before its id is known. */
export function brokerLabel(host: string, port: number, nodeId: number): string {
  return `${formatAddress(host, port)}/${nodeId < 0 ? 'bootstrap' : nodeId}`
}
