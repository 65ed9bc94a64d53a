// Finds out which APIs and versions a broker speaks, however old or new it is. Source: KIP-35, KIP-511, KIP-896.

import { type BrokerError, brokerError, type KafkaError, ProtocolError } from '../errors.ts'
import { apiVersions } from '../protocol/apis/api-versions.ts'
import { metadata } from '../protocol/apis/metadata.ts'
import { produce } from '../protocol/apis/produce.ts'
import { highestCommonVersion } from '../protocol/apis.ts'
import type { Api, ResponseOf } from '../protocol/schema.ts'
import type { Pipeline } from './pipeline.ts'

export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** What one broker speaks. It holds for one connection: during a rolling upgrade brokers differ, and change. */
export interface Negotiated {
  readonly versions: ReadonlyMap<number, VersionRange>
  /** Levels of the cluster's finalized features, such as `transaction.version` (KIP-584). */
  readonly features: ReadonlyMap<string, number>
}

export interface HandshakeOptions {
  readonly label: string
  readonly softwareName: string
  readonly softwareVersion: string
  readonly timeoutMs: number
}

type ApiVersionsResponse = ResponseOf<typeof apiVersions>
const unsupportedVersion = 35
export const newestApiVersions = apiVersions.versions[1]

/** Asks for ApiVersions, from `version` downwards as the broker tells; every step is lower, so it comes to an end. */
export async function negotiate(pipeline: Pipeline, version: number, options: HandshakeOptions): Promise<Negotiated> {
  const { label } = options
  for (let asked = version; ; ) {
    const response = await ask(pipeline, asked, options)
    if (response.errorCode === 0) return accept(response, label)
    if (response.errorCode !== unsupportedVersion) throw refused(response.errorCode, label)
    // Brokers before 2.4 list nothing beside the error: they all know version 0.
    const known = response.apiKeys.find(({ apiKey }) => apiKey === apiVersions.key)
    const next = known === undefined ? 0 : known.maxVersion
    if (asked === 0 || next < 0)
      throw new ProtocolError(`${label}: no version of ApiVersions in common`, { broker: label })
    asked = next < asked ? next : 0
  }
}

/** The version to try on a new socket after a broker has closed one without a word over `version`; null after the last. */
export function versionAfterReset(version: number): number | null {
  // Azure Event Hubs resets on versions it does not know. 3 is the first that names the client.
  if (version > 3) return 3
  return version > 0 ? 0 : null
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
  const features = new Map(response.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]))
  return { versions, features }
}

function refused(code: number, label: string): BrokerError {
  return brokerError(code, { broker: label, detail: 'the answer to ApiVersions' })
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

// A broker refuses a name that does not match [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])? (KIP-511).
function softwareWord(text: string): string {
  return text.replace(/[^a-zA-Z0-9.-]+/g, '-').replace(/^[.-]+|[.-]+$/g, '') || 'unknown'
}
