// The public surface of `odradek/mock`.

export type { TokenOwner, TokenVerifier } from '../sasl/oauthbearer.ts'
export type { BatchFacts } from './batch-facts.ts'
export type { RequestRecord } from './broker.ts'
export { MockCluster } from './cluster.ts'
export type { ControlContext, ControlFor, ControlFunction, ControlVerdict } from './controls.ts'
export type { TransactionFacts, TransactionOffset } from './coordinator.ts'
export type { VersionRange } from './endpoint.ts'
export type { MockApiName, MockRequest, MockResponse } from './endpoints.ts'
export type { Evidence, PartitionRecord, TopicFacts } from './evidence.ts'
export type { MockClusterOptions, MockTopicOptions } from './options.ts'
export type { LogRecord, TransactionOutcome } from './partition-log.ts'
export {
  type RecordedMessage,
  type RecordedVerdict,
  RecordingProducer,
  type RecordingProducerOptions,
} from './recording-producer.ts'
export type { MockSaslMechanism, MockSaslOptions } from './sasl-authority.ts'
export type { ConsumerGroup, MockTopicConfig } from './topology.ts'
export type { CoordinatorKind } from './transaction-endpoints.ts'
export type { KafkaLike } from './versions.ts'
