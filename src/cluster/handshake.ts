// Finds out which APIs and versions a broker speaks, however old or new it is. Source: KIP-35, KIP-511, KIP-896.

import { brokerError, ConnectionError, type KafkaError, ProtocolError } from '../errors.ts'
import { apiVersions } from '../protocol/apis/api-versions.ts'
import { metadata } from '../protocol/apis/metadata.ts'
import { produce } from '../protocol/apis/produce.ts'
import type { Api, ResponseOf } from '../protocol/schema.ts'
import type { Pipeline } from './pipeline.ts'

export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** What one broker speaks. It holds for one connection: during a rolling upgrade brokers differ, and change. */
export interface Negotiated {
  readonly versions: ReadonlyMap<number, VersionRange>
}

export interface HandshakeOptions {
  readonly label: string
  readonly encrypted: boolean
  readonly softwareName: string
  readonly softwareVersion: string
  readonly timeoutMs: number
}

type ApiVersionsResponse = ResponseOf<typeof apiVersions>
const unsupportedVersion = 35

/**
 * Asks the broker that `dial` leads to what it speaks. One that closes the connection without a word may have done so
 * over the version of the question (Azure Event Hubs does): it is dialled again and asked in an older one.
 */
export async function shakeHands(
  dial: () => Promise<Pipeline>,
  options: HandshakeOptions,
  version = apiVersions.versions[1],
): Promise<Negotiated> {
  const pipeline = await dial()
  try {
    return await negotiate(pipeline, version, options)
  } catch (error) {
    const { bytesIn, timeouts } = pipeline.traffic
    const overTls = error instanceof ConnectionError && error.code === -181 // a refusal that TLS 1.3 tells after the handshake
    if (bytesIn > 0 || timeouts > 0 || overTls) throw error
    if (version === 0) throw unheard(options, error)
  }
  // 3 is the first version that names the client, 0 is what everybody knows.
  return shakeHands(dial, options, version > 3 ? 3 : 0)
}

// Goes down from `version` as the broker tells; every step is lower, so it comes to an end.
async function negotiate(pipeline: Pipeline, version: number, options: HandshakeOptions): Promise<Negotiated> {
  const { label } = options
  for (let asked = version; ; ) {
    const response = await ask(pipeline, asked, options)
    const { errorCode, apiKeys } = response
    if (errorCode === 0) return accept(response, label)
    if (errorCode !== unsupportedVersion) {
      throw brokerError(errorCode, { broker: label, detail: 'the answer to ApiVersions' })
    }
    if (asked === 0) throw new ProtocolError(`${label}: no version of ApiVersions in common`, { broker: label })
    // Brokers before 2.4 list nothing beside the error: they all know version 0.
    const known = apiKeys.find(({ apiKey }) => apiKey === apiVersions.key)?.maxVersion ?? 0
    asked = known >= 0 && known < asked ? known : 0
  }
}

function ask(pipeline: Pipeline, version: number, options: HandshakeOptions): Promise<ApiVersionsResponse> {
  const body = {
    clientSoftwareName: softwareWord(options.softwareName),
    clientSoftwareVersion: softwareWord(options.softwareVersion),
  }
  return new Promise((resolve, reject) => {
    pipeline.send(apiVersions, version, body, {
      timeoutMs: options.timeoutMs,
      settled: (error: KafkaError | null, response: ApiVersionsResponse | null) => {
        if (response === null) reject(error)
        else resolve(response)
      },
    })
  })
}

function accept(response: ApiVersionsResponse, label: string): Negotiated {
  const versions = new Map<number, VersionRange>()
  for (const { apiKey, minVersion, maxVersion } of response.apiKeys) {
    versions.set(apiKey, { min: minVersion, max: maxVersion })
  }
  for (const api of [metadata, produce]) {
    const range = versions.get(api.key)
    if (highestCommonVersion(api, range) === undefined) throw noCommonVersion(api, range, label)
  }
  return { versions }
}

/**
 * The highest version that both sides speak, `cap` being a limit of the caller; undefined if there is none. It never goes
 * below our own minimum: Kafka 4 announces Produce from 0 on and refuses what is below 3 (KAFKA-18659).
 */
export function highestCommonVersion(api: Api, broker: VersionRange | undefined, cap = Infinity): number | undefined {
  if (broker === undefined) return undefined
  const [lowest, highest] = api.versions
  const version = Math.min(highest, broker.max, cap)
  return version >= Math.max(lowest, broker.min) ? version : undefined
}

/** Says which versions each side speaks. */
export function noCommonVersion(
  api: Pick<Api, 'name' | 'versions'>,
  range: VersionRange | undefined,
  label: string,
): ProtocolError {
  const theirs = range === undefined ? 'the broker does not serve it' : `the broker speaks ${range.min} to ${range.max}`
  const ours = `${api.versions[0]} to ${api.versions[1]} are spoken here`
  return new ProtocolError(`${label}: no version of ${api.name} in common: ${theirs}, ${ours}`, { broker: label })
}

function unheard({ label, encrypted }: HandshakeOptions, cause: unknown): ConnectionError {
  const guess = encrypted ? 'is this a Kafka broker?' : 'does this port want TLS? check security.protocol'
  const what = `the other side closes the connection without an answer to ApiVersions, ${guess}`
  return new ConnectionError(-195, `${label}: ${what}`, { broker: label, cause })
}

/** For a connection that ends when it is asked for more than its versions: a listener with SASL tells them to everybody. */
export function unserved(label: string, cause: KafkaError): ConnectionError {
  const what = 'the other side closes the connection instead of an answer to the first request'
  const guess = 'does this listener want SASL? check security.protocol'
  return new ConnectionError(-195, `${label}: ${what}, ${guess}`, { broker: label, cause })
}

// A broker refuses a name that does not match [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])? (KIP-511).
function softwareWord(text: string): string {
  return text.replace(/[^a-zA-Z0-9.-]+/g, '-').replace(/^[.-]+|[.-]+$/g, '') || 'unknown'
}
