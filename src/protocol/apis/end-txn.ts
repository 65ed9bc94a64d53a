// Commit or abort. Version 5 belongs to the second transaction protocol and answers with the epoch to go on with.
// Source: KIP-98, KIP-890.

import { api, boolean, int16, int32, int64, since, string } from '../schema.ts'

export const endTxn = api({
  name: 'EndTxn',
  key: 26,
  versions: [0, 5],
  flexible: 3,
  request: { transactionalId: string, producerId: int64, producerEpoch: int16, committed: boolean },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    producerId: since(5, int64, -1n),
    producerEpoch: since(5, int16, -1),
  },
})
