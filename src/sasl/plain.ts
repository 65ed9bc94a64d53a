// PLAIN: name and password as they are. Source: RFC 4616.

import { type SaslCredentials, utf8 } from './exchange.ts'

export function* plain({ username, password }: SaslCredentials): Generator<Uint8Array, void, Uint8Array> {
  for (const [name, value] of Object.entries({ username, password })) {
    if (value === '' || value.includes('\0'))
      throw new Error(`the ${name} is empty or holds a NUL, which PLAIN cannot carry`)
  }
  yield utf8(`\0${username}\0${password}`)
}
