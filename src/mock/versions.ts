// Which versions of an API and which features the brokers offer: those of a Kafka release or of a product that speaks
// its protocol, unless a test says otherwise.
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
  FindCoordinator: [
    ['2.1', 2],
    ['2.4', 3],
    ['3.0', 4],
    ['3.8', 5],
    ['3.9', 6],
  ],
  InitProducerId: [
    ['2.1', 1],
    ['2.4', 2],
    ['2.5', 3],
    ['2.7', 4],
    ['3.8', 5],
  ],
  AddPartitionsToTxn: [
    ['2.1', 1],
    ['2.7', 2],
    ['2.8', 3],
    ['3.6', 4],
    ['3.8', 5],
  ],
  AddOffsetsToTxn: [
    ['2.1', 1],
    ['2.7', 2],
    ['2.8', 3],
    ['3.8', 4],
  ],
  TxnOffsetCommit: [
    ['2.1', 2],
    ['2.5', 3],
    ['3.8', 4],
    ['4.0', 5],
  ],
  EndTxn: [
    ['2.1', 1],
    ['2.7', 2],
    ['2.8', 3],
    ['3.8', 4],
    ['4.0', 5],
  ],
  SaslHandshake: [['2.1', 1]],
  SaslAuthenticate: [
    ['2.1', 0],
    ['2.2', 1],
    ['2.5', 2],
  ],
}

// Not served at all, yet announced: librdkafka writes the message format of 2015 where it finds no Fetch from version 4 on.
const fetchKey = 1
const fetchHistory: readonly (readonly [release: string, highest: number])[] = [
  ['2.1', 10],
  ['2.3', 11],
  ['2.7', 12],
  ['3.1', 13],
  ['3.5', 15],
  ['3.7', 16],
  ['3.9', 17],
  ['4.1', 18],
]
const productFetch: Readonly<Record<KafkaLike, number>> = { redpanda: 11, 'event-hubs': 6 }

/** A product that speaks Kafka's protocol and is not Kafka. */
export type KafkaLike = 'redpanda' | 'event-hubs'

// The highest version of each API; what is not named is not there. Releases differ: a test that wants one of them overrides.
// Source: the handlers of Redpanda's server; what Event Hubs said to clients that logged it (KIP-35).
const products: Readonly<Record<KafkaLike, Readonly<Partial<Record<MockApiName, number>>>>> = {
  redpanda: {
    ...{ Produce: 7, Metadata: 8, FindCoordinator: 2, ApiVersions: 3, CreateTopics: 5, InitProducerId: 3 },
    ...{ AddPartitionsToTxn: 3, AddOffsetsToTxn: 3, TxnOffsetCommit: 3, EndTxn: 3 },
    ...{ SaslHandshake: 1, SaslAuthenticate: 2 },
  },
  'event-hubs': {
    ...{ Produce: 7, Metadata: 5, FindCoordinator: 4, ApiVersions: 3, CreateTopics: 5, InitProducerId: 1 },
    ...{ SaslHandshake: 1, SaslAuthenticate: 1 },
  },
}

export const newestRelease = '4.4'

export class OfferedVersions {
  readonly #release: number
  readonly #like: KafkaLike | null
  readonly #product: Readonly<Partial<Record<MockApiName, number>>> | null
  readonly #overrides = new Map<string, VersionRange | null>()
  /** The level of the feature `transaction.version`; -1 where there are no features. */
  transactionVersion: number
  /** Whether a version of ApiVersions that is not known gets an answer; Event Hubs ends the connection. Source: KIP-511. */
  readonly refusesPolitely: boolean

  /** `release` is a Kafka release such as `3.9`. */
  constructor(release: string, like: KafkaLike | null) {
    this.#like = like
    this.#product = like === null ? null : products[like]
    this.refusesPolitely = like !== 'event-hubs'
    this.#release = releaseNumber(release)
    if (!(this.#release >= releaseNumber('2.1'))) {
      throw new TypeError(`'${release}' is not a Kafka release from 2.1 on, such as '${newestRelease}'`)
    }
    if (this.#product === undefined) {
      throw new TypeError(`'${like}' is not one of ${Object.keys(products).join(', ')}`)
    }
    const hasFeatures = like === null && this.#release >= releaseNumber('3.3')
    this.transactionVersion = !hasFeatures ? -1 : this.#release >= releaseNumber('4.0') ? 2 : 0
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
    // As Kafka 4 does for Produce, old versions are announced and then refused: clients tell by them what a broker can do.
    const min = name === 'CreateTopics' && this.#release >= releaseNumber('4.0') ? 2 : 0
    const max = this.#product === null ? this.#highest(history[name]) : this.#product[name]
    if (max === undefined) return null
    // What brokers say to each other is offered, too, and no client has a use for it.
    return { min, max: name === 'AddPartitionsToTxn' ? max : Math.min(max, api.versions[1]) }
  }

  /** What a broker says that it speaks, and does not. */
  announcedOnly(): { apiKey: number; minVersion: number; maxVersion: number } {
    const maxVersion = this.#like === null ? this.#highest(fetchHistory) : productFetch[this.#like]
    return { apiKey: fetchKey, minVersion: this.#release >= releaseNumber('4.0') ? 4 : 0, maxVersion }
  }

  #highest(changes: readonly (readonly [release: string, highest: number])[]): number {
    let highest = 0
    for (const [release, version] of changes) if (releaseNumber(release) <= this.#release) highest = version
    return highest
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
