// Record batches to the leaders of their partitions. Version 12 adds partitions to a transaction by itself, 13 names
// topics by id. Source: KIP-98, KIP-467, KIP-516, KIP-890, KIP-951.

import {
  api,
  array,
  int16,
  int32,
  int64,
  nullableString,
  records,
  since,
  string,
  struct,
  tagged,
  until,
  uuid,
  zeroUuid,
} from '../schema.ts'

export const produce = api({
  name: 'Produce',
  key: 0,
  versions: [3, 13],
  flexible: 9,
  request: {
    transactionalId: nullableString,
    acks: int16,
    timeoutMs: int32,
    topicData: array(
      struct({
        name: until(12, string, ''),
        topicId: since(13, uuid, zeroUuid),
        partitionData: array(struct({ index: int32, records })),
      }),
    ),
  },
  response: {
    responses: array(
      struct({
        name: until(12, string, ''),
        topicId: since(13, uuid, zeroUuid),
        partitionResponses: array(
          struct({
            index: int32,
            errorCode: int16,
            baseOffset: int64,
            logAppendTimeMs: int64,
            logStartOffset: since(5, int64, -1n),
            recordErrors: since(8, array(struct({ batchIndex: int32, batchIndexErrorMessage: nullableString })), []),
            errorMessage: since(8, nullableString, null),
            currentLeader: tagged(0, 10, struct({ leaderId: int32, leaderEpoch: int32 }), {
              leaderId: -1,
              leaderEpoch: -1,
            }),
          }),
        ),
      }),
    ),
    throttleTimeMs: int32,
    nodeEndpoints: tagged(0, 10, array(struct({ nodeId: int32, host: string, port: int32, rack: nullableString })), []),
  },
})
