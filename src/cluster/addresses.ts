// Where brokers are, and how messages show it.

import { quoted } from '../quoted.ts'

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** A broker as metadata names it; `nodeId` is -1 while it is unknown. */
export interface BrokerAddress extends Endpoint {
  readonly nodeId: number
  readonly rack: string | null
}

/** `host:port`, with brackets around an IPv6 address. A host is whatever a broker said it is. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${quoted(host)}]:${port}` : `${quoted(host)}:${port}`
}

/** librdkafka's name of a broker: `host:port/nodeId`, or `host:port/bootstrap` before its id is known. */
export function brokerLabel(host: string, port: number, nodeId: number): string {
  return `${formatAddress(host, port)}/${nodeId < 0 ? 'bootstrap' : nodeId}`
}
