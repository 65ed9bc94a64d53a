// SaslHandshake and SaslAuthenticate, on connections that want them and on those that do not.

import { saslAuthenticate } from '../protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../protocol/apis/sasl-handshake.ts'
import type { RequestOf, ResponseBody } from '../protocol/schema.ts'
import { nothing } from '../sasl/exchange.ts'
import { codeOf, type Endpoint } from './endpoint.ts'

const illegalState = codeOf('ILLEGAL_SASL_STATE')
const failed = codeOf('SASL_AUTHENTICATION_FAILED')
const unasked = 'SaslAuthenticate request received after successful authentication'

export const saslHandshakeEndpoint: Endpoint<RequestOf<typeof saslHandshake>, ResponseBody<typeof saslHandshake>> = {
  api: saslHandshake,
  pausesAfterwardsFrom: Infinity,
  async handle({ mechanism }, { session, version }) {
    const error = session === null ? 'ILLEGAL_SASL_STATE' : await session.handshake(mechanism, version === 0)
    const errorCode = error === null ? 0 : codeOf(error)
    return { errorCode, mechanisms: errorCode === illegalState ? [] : (session?.mechanisms ?? []) }
  },
  refuse: (_request, errorCode) => ({ errorCode, mechanisms: [] }),
}

export const saslAuthenticateEndpoint: Endpoint<
  RequestOf<typeof saslAuthenticate>,
  ResponseBody<typeof saslAuthenticate>
> = {
  api: saslAuthenticate,
  pausesAfterwardsFrom: Infinity,
  async handle({ authBytes }, { session }) {
    const reply = (await session?.authenticate(authBytes)) ?? null
    if (reply === null) return { errorCode: illegalState, errorMessage: unasked, authBytes: nothing }
    if ('refused' in reply) return { errorCode: failed, errorMessage: reply.refused, authBytes: nothing }
    const { bytes, sessionLifetimeMs } = reply
    return { errorCode: 0, errorMessage: '', authBytes: bytes, sessionLifetimeMs: BigInt(sessionLifetimeMs) }
  },
  refuse: (_request, errorCode) => ({ errorCode, errorMessage: null, authBytes: nothing }),
}
