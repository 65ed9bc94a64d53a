// Who leads what. No topics in a request means none, null means all.
// Source: KIP-4, KIP-320, KIP-430, KIP-516, KIP-1102.

import {
  api,
  array,
  between,
  boolean,
  int16,
  int32,
  nullableArray,
  nullableString,
  since,
  string,
  struct,
  uuid,
  zeroUuid,
} from '../schema.ts'

export const metadata = api({
  name: 'Metadata',
  key: 3,
  versions: [4, 13],
  flexible: 9,
  request: {
    topics: nullableArray(struct({ topicId: since(10, uuid, zeroUuid), name: nullableString })),
    allowAutoTopicCreation: boolean,
    includeClusterAuthorizedOperations: between(8, 10, boolean, false),
    includeTopicAuthorizedOperations: since(8, boolean, false),
  },
  response: {
    throttleTimeMs: int32,
    brokers: array(struct({ nodeId: int32, host: string, port: int32, rack: nullableString })),
    clusterId: nullableString,
    controllerId: int32,
    topics: array(
      struct({
        errorCode: int16,
        name: nullableString,
        topicId: since(10, uuid, zeroUuid),
        isInternal: boolean,
        partitions: array(
          struct({
            errorCode: int16,
            partitionIndex: int32,
            leaderId: int32,
            leaderEpoch: since(7, int32, -1),
            replicaNodes: array(int32),
            isrNodes: array(int32),
            offlineReplicas: since(5, array(int32), []),
          }),
        ),
        topicAuthorizedOperations: since(8, int32, -2147483648),
      }),
    ),
    clusterAuthorizedOperations: between(8, 10, int32, -2147483648),
    errorCode: since(13, int16, 0),
  },
})
