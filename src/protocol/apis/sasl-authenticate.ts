// One step of a SASL exchange. Source: KIP-152, KIP-368.

import { api, bytes, int16, int64, nullableString, since } from '../schema.ts'

export const saslAuthenticate = api({
  name: 'SaslAuthenticate',
  key: 36,
  versions: [0, 2],
  flexible: 2,
  request: { authBytes: bytes },
  response: {
    errorCode: int16,
    errorMessage: nullableString,
    authBytes: bytes,
    sessionLifetimeMs: since(1, int64, 0n),
  },
})
