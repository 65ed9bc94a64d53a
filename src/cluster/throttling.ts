// Which answers ask the client to pause. Source: KIP-219, `shouldClientThrottle()` of Kafka's responses.

import type { Api } from '../protocol/schema.ts'

// From these versions on the broker answers first and stops reading afterwards; before, it had delayed the answer.
// What is not listed here is younger than KIP-219 and has always worked this way.
const firstVersion: Readonly<Record<string, number>> = {
  Produce: 6,
  Metadata: 6,
  FindCoordinator: 2,
  ApiVersions: 2,
  CreateTopics: 3,
  InitProducerId: 1,
  AddPartitionsToTxn: 1,
  AddOffsetsToTxn: 1,
  EndTxn: 1,
  TxnOffsetCommit: 1,
  DescribeConfigs: 2,
}

/** Milliseconds during which nothing may be sent on the connection this answer came from. */
export function throttleMs(api: Pick<Api, 'name'>, version: number, response: object): number {
  if (version < (firstVersion[api.name] ?? 0)) return 0
  return 'throttleTimeMs' in response ? Math.max(0, Number(response.throttleTimeMs)) : 0
}
