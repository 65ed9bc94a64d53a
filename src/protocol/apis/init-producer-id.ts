// A producer id and its epoch; with a transactional id, the right to be the only one of that name.
// Source: KIP-98, KIP-360, KIP-588.

import { api, int16, int32, int64, nullableString, since } from '../schema.ts'

export const initProducerId = api({
  name: 'InitProducerId',
  key: 22,
  versions: [0, 5],
  flexible: 2,
  request: {
    transactionalId: nullableString,
    transactionTimeoutMs: int32,
    producerId: since(3, int64, -1n),
    producerEpoch: since(3, int16, -1),
  },
  response: { throttleTimeMs: int32, errorCode: int16, producerId: int64, producerEpoch: int16 },
})
