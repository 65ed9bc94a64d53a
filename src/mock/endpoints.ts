// The table of all APIs that the mock serves, and the two that are only a few lines.

import { apiVersions } from '../protocol/apis/api-versions.ts'
import { initProducerId } from '../protocol/apis/init-producer-id.ts'
import type { RequestOf, ResponseBody } from '../protocol/schema.ts'
import { codeOf, type Endpoint } from './endpoint.ts'
import { type CreationRules, createTopicsEndpoint, metadataEndpoint } from './metadata.ts'
import { produceEndpoint } from './produce.ts'

const apiVersionsEndpoint: Endpoint<RequestOf<typeof apiVersions>, ResponseBody<typeof apiVersions>> = {
  api: apiVersions,
  pausesAfterwardsFrom: 2,
  handle(request, served) {
    const { version, broker, topology } = served
    const named = softwareName.test(request.clientSoftwareName) && softwareName.test(request.clientSoftwareVersion)
    if (version >= 3 && !named) return this.refuse(request, codeOf('INVALID_REQUEST'), served)
    const meansUs = request.clusterId === topology.clusterId && request.nodeId === broker
    if (request.clusterId !== null && !meansUs) return this.refuse(request, codeOf('REBOOTSTRAP_REQUIRED'), served)
    return { errorCode: 0, apiKeys: served.advertised() }
  },
  refuse: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
}

// Source: KIP-511.
const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

const initProducerIdEndpoint: Endpoint<RequestOf<typeof initProducerId>, ResponseBody<typeof initProducerId>> = {
  api: initProducerId,
  pausesAfterwardsFrom: 1,
  handle(request, served) {
    if (request.transactionalId !== null) return this.refuse(request, codeOf('INVALID_REQUEST'), served)
    return { throttleTimeMs: 0, errorCode: 0, producerId: served.topology.nextProducerId(), producerEpoch: 0 }
  },
  refuse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, producerId: -1n, producerEpoch: -1 }),
}

/** What a cluster with these rules serves, by the name of the API. */
export function endpointsFor(rules: CreationRules) {
  return {
    Produce: produceEndpoint,
    Metadata: metadataEndpoint(rules),
    ApiVersions: apiVersionsEndpoint,
    CreateTopics: createTopicsEndpoint(rules),
    InitProducerId: initProducerIdEndpoint,
  } satisfies Record<string, Endpoint>
}

type Endpoints = ReturnType<typeof endpointsFor>
/** An API that the mock serves. */
export type MockApiName = keyof Endpoints
/** A request as the mock decodes it: every field is there, whatever the version. */
export type MockRequest<Name extends MockApiName> = Parameters<Endpoints[Name]['handle']>[0]
/** A response as the mock is given it: optional fields may be left out. */
export type MockResponse<Name extends MockApiName> = ReturnType<Endpoints[Name]['refuse']>
