// Announcing a consumer group's offsets to the transaction coordinator. Source: KIP-98, KIP-890.

import { api, int16, int32, int64, string } from '../schema.ts'

export const addOffsetsToTxn = api({
  name: 'AddOffsetsToTxn',
  key: 25,
  versions: [0, 4],
  flexible: 3,
  request: { transactionalId: string, producerId: int64, producerEpoch: int16, groupId: string },
  response: { throttleTimeMs: int32, errorCode: int16 },
})
