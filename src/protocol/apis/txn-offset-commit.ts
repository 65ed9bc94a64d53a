// A consumer group's offsets as part of a transaction. Version 5 needs no AddOffsetsToTxn before it.
// Source: KIP-98, KIP-447, KIP-890.

import { api, array, int16, int32, int64, nullableString, since, string, struct } from '../schema.ts'

export const txnOffsetCommit = api({
  name: 'TxnOffsetCommit',
  key: 28,
  versions: [0, 5],
  flexible: 3,
  request: {
    transactionalId: string,
    groupId: string,
    producerId: int64,
    producerEpoch: int16,
    generationId: since(3, int32, -1),
    memberId: since(3, string, ''),
    groupInstanceId: since(3, nullableString, null),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: since(2, int32, -1),
            committedMetadata: nullableString,
          }),
        ),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32,
    topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, errorCode: int16 })) })),
  },
})
