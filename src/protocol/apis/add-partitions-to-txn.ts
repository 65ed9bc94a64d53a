// Announcing partitions to the transaction coordinator before the first write to them. From version 4 on this is what
// brokers say to each other, so it ends at 3 here. Source: KIP-98, KIP-890.

import { api, array, int16, int32, int64, string, struct } from '../schema.ts'

export const addPartitionsToTxn = api({
  name: 'AddPartitionsToTxn',
  key: 24,
  versions: [0, 3],
  flexible: 3,
  request: {
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    topics: array(struct({ name: string, partitions: array(int32) })),
  },
  response: {
    throttleTimeMs: int32,
    results: array(struct({ name: string, results: array(struct({ partitionIndex: int32, errorCode: int16 })) })),
  },
})
