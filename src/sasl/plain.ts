// PLAIN: name and password as they are. Source: RFC 4616.

import { nothing, type SaslCredentials, type SaslVerdict, text, utf8, wantsToBeAnother } from './exchange.ts'

export function* plain({ username, password }: SaslCredentials): Generator<Uint8Array, void, Uint8Array> {
  for (const [name, value] of Object.entries({ username, password })) {
    if (value === '' || value.includes('\0'))
      throw new Error(`the ${name} is empty or holds a NUL, which PLAIN cannot carry`)
  }
  yield utf8(`\0${username}\0${password}`)
}

/** `knows` tells whether that is the password of that user. Source for the words: Apache Kafka `PlainSaslServer`. */
export function* plainServer(
  knows: (username: string, password: string) => boolean,
): Generator<Uint8Array, SaslVerdict, Uint8Array> {
  const parts = text(yield nothing).split('\0')
  if (parts.length !== 3) return { refused: `Invalid SASL/PLAIN response: expected 3 tokens, got ${parts.length}` }
  const [identity = '', username = '', password = ''] = parts
  if (username === '') return { refused: 'Authentication failed: username not specified' }
  if (password === '') return { refused: 'Authentication failed: password not specified' }
  if (!knows(username, password)) return { refused: 'Authentication failed: Invalid username or password' }
  return identity === '' || identity === username ? { principal: username, answer: nothing } : wantsToBeAnother
}
