// The table of all APIs spoken here: one row per file in apis/. For the mock; a producer names those that it needs.

import { addOffsetsToTxn } from './apis/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from './apis/add-partitions-to-txn.ts'
import { apiVersions } from './apis/api-versions.ts'
import { createTopics } from './apis/create-topics.ts'
import { describeConfigs } from './apis/describe-configs.ts'
import { endTxn } from './apis/end-txn.ts'
import { findCoordinator } from './apis/find-coordinator.ts'
import { initProducerId } from './apis/init-producer-id.ts'
import { metadata } from './apis/metadata.ts'
import { produce } from './apis/produce.ts'
import { saslAuthenticate } from './apis/sasl-authenticate.ts'
import { saslHandshake } from './apis/sasl-handshake.ts'
import { txnOffsetCommit } from './apis/txn-offset-commit.ts'
import type { Api } from './schema.ts'

const table = {
  Produce: produce,
  Metadata: metadata,
  FindCoordinator: findCoordinator,
  SaslHandshake: saslHandshake,
  ApiVersions: apiVersions,
  CreateTopics: createTopics,
  InitProducerId: initProducerId,
  AddPartitionsToTxn: addPartitionsToTxn,
  AddOffsetsToTxn: addOffsetsToTxn,
  EndTxn: endTxn,
  TxnOffsetCommit: txnOffsetCommit,
  DescribeConfigs: describeConfigs,
  SaslAuthenticate: saslAuthenticate,
} satisfies Record<string, Api>

export type ApiName = keyof typeof table

/** All of them, by ascending key. */
export const apis: readonly Api[] = Object.freeze(Object.values(table))

const byKey = new Map(apis.map(api => [api.key, api]))

export function apiByKey(key: number): Api | undefined {
  return byKey.get(key)
}

export function apiByName<Name extends ApiName>(name: Name): (typeof table)[Name] {
  return table[name]
}
