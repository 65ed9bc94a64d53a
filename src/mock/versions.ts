// Which versions of an API the brokers offer: those of a Kafka release, unless a test says otherwise.
// Source: Apache Kafka's message definitions by release (KIP-35, KIP-896, KAFKA-18659).

import type { Api } from '../protocol/schema.ts'
import type { VersionRange } from './endpoint.ts'
import type { MockApiName } from './endpoints.ts'

// The release that brought each highest version; everything is there in 2.1, the oldest release that can be played.
const history: Readonly<Record<MockApiName, readonly (readonly [release: string, highest: number])[]>> = {
  Produce: [
    ['2.1', 7],
    ['2.4', 8],
    ['2.8', 9],
    ['3.7', 10],
    ['3.8', 11],
    ['4.0', 12],
    ['4.1', 13],
  ],
  Metadata: [
    ['2.1', 7],
    ['2.3', 8],
    ['2.4', 9],
    ['2.8', 11],
    ['3.1', 12],
    ['4.0', 13],
  ],
  ApiVersions: [
    ['2.1', 2],
    ['2.4', 3],
    ['3.9', 4],
    ['4.4', 5],
  ],
  CreateTopics: [
    ['2.1', 3],
    ['2.4', 5],
    ['2.7', 6],
    ['2.8', 7],
  ],
  InitProducerId: [
    ['2.1', 1],
    ['2.4', 2],
    ['2.5', 3],
    ['2.7', 4],
    ['3.8', 5],
  ],
}

export const newestRelease = '4.4'

export class OfferedVersions {
  readonly #release: number
  readonly #overrides = new Map<string, VersionRange | null>()

  /** `release` is a Kafka release such as `3.9`. */
  constructor(release: string) {
    this.#release = releaseNumber(release)
    if (!(this.#release >= releaseNumber('2.1'))) {
      throw new TypeError(`'${release}' is not a Kafka release from 2.1 on, such as '${newestRelease}'`)
    }
  }

  /** Null takes the API away. Without a broker it holds for all that have no range of their own. */
  set(name: MockApiName, range: VersionRange | null, broker?: number): void {
    this.#overrides.set(key(name, broker), range)
  }

  /** What a broker says that it speaks; null if it does not have the API at all. */
  advertised(name: MockApiName, api: Api, broker: number): VersionRange | null {
    for (const place of [key(name, broker), key(name)]) {
      const override = this.#overrides.get(place)
      if (override !== undefined) return override
    }
    const [lowest, highest] = api.versions
    let max = lowest
    for (const [release, version] of history[name]) if (releaseNumber(release) <= this.#release) max = version
    // Kafka 4 announces what it then refuses, for the sake of an old client.
    const min = name === 'Produce' && this.#release >= releaseNumber('4.0') ? 0 : lowest
    return { min, max: Math.min(max, highest) }
  }

  /** Whether a request of that version is really served. */
  serves(name: MockApiName, api: Api, version: number, broker: number): boolean {
    const range = this.advertised(name, api, broker)
    const [lowest, highest] = api.versions
    return range !== null && version >= Math.max(lowest, range.min) && version <= Math.min(highest, range.max)
  }
}

function key(name: MockApiName, broker?: number): string {
  return broker === undefined ? name : `${name}@${broker}`
}

// NaN for what is no release, which is older than everything.
function releaseNumber(release: string): number {
  const parts = /^(\d+)\.(\d+)(?:\.\d+)?$/.exec(release)
  return parts === null ? NaN : Number(parts[1]) * 1000 + Number(parts[2])
}
