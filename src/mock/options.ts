// What a mock cluster can be started with.

import type { Clock } from '../clock.ts'
import type { VersionRange } from './endpoint.ts'
import type { MockApiName } from './endpoints.ts'
import type { MockSaslOptions } from './sasl-authority.ts'
import type { MockTopicConfig } from './topology.ts'
import type { KafkaLike } from './versions.ts'

export interface MockTopicOptions {
  /** 1 if not given. */
  readonly partitions?: number
  /** Kafka's text form, 22 characters; one is made up if not given. */
  readonly topicId?: string
  readonly config?: MockTopicConfig
}

export interface MockClusterOptions {
  /** How many brokers; 1 if not given. Their ids are 1 to N. */
  readonly brokers?: number
  readonly topics?: Readonly<Record<string, MockTopicOptions>>
  /** Where all waiting and all times come from; the system's clock if not given. */
  readonly clock?: Clock
  /** Whether a client that asks for it gets the topic that it names; false if not given. */
  readonly autoCreateTopics?: boolean
  /** Partitions of a topic that is created without saying how many; 1 if not given. */
  readonly defaultPartitions?: number
  /** The Kafka release, from 2.1 on, whose API versions and features are offered; the newest known if not given. */
  readonly kafkaVersion?: '2.1' | '2.8' | '3.9' | '4.0' | '4.3' | (string & {})
  /** Offers what this product offers instead. */
  readonly like?: KafkaLike
  /** Other versions of single APIs; null for an API that is not there. */
  readonly apiVersions?: Readonly<Partial<Record<MockApiName, VersionRange | null>>>
  /** Other levels of features than those of the release: 2 is the second transaction protocol. Source: KIP-890. */
  readonly features?: { readonly 'transaction.version'?: 0 | 1 | 2 }
  readonly clusterId?: string
  /** `memory` opens no sockets; if not given the brokers also listen on real ones. */
  readonly transport?: 'memory' | 'tcp'
  /** Address to listen on, and the host that clients are told; 127.0.0.1 if not given. */
  readonly host?: string
  /** Port of each broker in turn; any free one where none is given. */
  readonly ports?: readonly number[]
  /**
   * Options of Node's `tls.createServer`, such as `key`, `cert`, `ca` and `requestCert`: clients have to use TLS. In memory
   * nothing is encrypted and no certificate looked at, but a client has to want TLS there, too.
   */
  readonly tls?: object
  /** Clients have to authenticate before they are served; without it none may. */
  readonly sasl?: MockSaslOptions
  /** Whether `requests()` remembers what comes in; true if not given. */
  readonly recordRequests?: boolean
}
