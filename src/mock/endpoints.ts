// The table of all APIs that the mock serves, and those that are only a few lines.

import { apiVersions } from '../protocol/apis/api-versions.ts'
import type { RequestOf, ResponseBody } from '../protocol/schema.ts'
import { codeOf, type Endpoint, type Served } from './endpoint.ts'
import { type CreationRules, createTopicsEndpoint, metadataEndpoint } from './metadata.ts'
import { produceEndpoint } from './produce.ts'
import { saslAuthenticateEndpoint, saslHandshakeEndpoint } from './sasl-endpoints.ts'
import {
  addOffsetsToTxnEndpoint,
  addPartitionsToTxnEndpoint,
  endTxnEndpoint,
  findCoordinatorEndpoint,
  initProducerIdEndpoint,
  txnOffsetCommitEndpoint,
} from './transaction-endpoints.ts'

const apiVersionsEndpoint: Endpoint<RequestOf<typeof apiVersions>, ResponseBody<typeof apiVersions>> = {
  api: apiVersions,
  pausesAfterwardsFrom: 2,
  handle(request, served) {
    const { version, broker, topology } = served
    const named = softwareName.test(request.clientSoftwareName) && softwareName.test(request.clientSoftwareVersion)
    if (version >= 3 && !named) return this.refuse(request, codeOf('INVALID_REQUEST'), served)
    const meansUs = request.clusterId === topology.clusterId && request.nodeId === broker
    if (request.clusterId !== null && !meansUs) return this.refuse(request, codeOf('REBOOTSTRAP_REQUIRED'), served)
    served.session?.toldVersions()
    return { errorCode: 0, apiKeys: served.advertised(), ...describeFeatures(served) }
  },
  refuse: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
}

// Source: KIP-511.
const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

// Source: KIP-584, KIP-890. Before 3.3 a cluster has no features.
function describeFeatures({ version, transactionVersion }: Served) {
  if (version < 3 || transactionVersion < 0) return {}
  const name = 'transaction.version'
  return {
    supportedFeatures: [{ name, minVersion: 0, maxVersion: 2 }].filter(() => version >= 4), // older clients take no 0
    finalizedFeaturesEpoch: 1n,
    finalizedFeatures: [{ name, maxVersionLevel: transactionVersion, minVersionLevel: transactionVersion }].filter(
      () => transactionVersion > 0,
    ),
  }
}

/** What a cluster with these rules serves, by the name of the API. */
export function endpointsFor(rules: CreationRules) {
  return {
    Produce: produceEndpoint,
    Metadata: metadataEndpoint(rules),
    ApiVersions: apiVersionsEndpoint,
    CreateTopics: createTopicsEndpoint(rules),
    FindCoordinator: findCoordinatorEndpoint,
    InitProducerId: initProducerIdEndpoint,
    AddPartitionsToTxn: addPartitionsToTxnEndpoint,
    AddOffsetsToTxn: addOffsetsToTxnEndpoint,
    TxnOffsetCommit: txnOffsetCommitEndpoint,
    EndTxn: endTxnEndpoint,
    SaslHandshake: saslHandshakeEndpoint,
    SaslAuthenticate: saslAuthenticateEndpoint,
  } satisfies Record<string, Endpoint>
}

type Endpoints = ReturnType<typeof endpointsFor>
/** An API that the mock serves. */
export type MockApiName = keyof Endpoints
/** A request as the mock decodes it: every field is there, whatever the version. */
export type MockRequest<Name extends MockApiName> = Parameters<Endpoints[Name]['handle']>[0]
/** A response as the mock is given it: optional fields may be left out. */
export type MockResponse<Name extends MockApiName> = ReturnType<Endpoints[Name]['refuse']>
