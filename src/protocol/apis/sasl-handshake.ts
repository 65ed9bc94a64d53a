// Naming the SASL mechanism. After version 1 the tokens travel in SaslAuthenticate, after version 0 without any frame
// of the protocol. Source: KIP-43, KIP-152.

import { api, array, int16, string } from '../schema.ts'

export const saslHandshake = api({
  name: 'SaslHandshake',
  key: 17,
  versions: [0, 1],
  flexible: Infinity,
  request: { mechanism: string },
  response: { errorCode: int16, mechanisms: array(string) },
})
