// The public surface of `odradek/mock`.

export type { BatchFacts } from './batch-facts.ts'
export type { RequestRecord } from './broker.ts'
export { MockCluster, type PartitionRecord } from './cluster.ts'
export type { ControlContext, ControlFor, ControlFunction, ControlVerdict } from './controls.ts'
export type { MockApiName, MockRequest, MockResponse } from './endpoints.ts'
export type { MockClusterOptions, MockTopicOptions } from './options.ts'
export type { LogRecord } from './partition-log.ts'
export type { MockTopicConfig } from './topology.ts'
