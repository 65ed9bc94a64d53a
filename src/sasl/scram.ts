// SCRAM-SHA-256 and SCRAM-SHA-512: the password is never sent, and the broker has to prove that it knows it, too.
// Source: RFC 5802, RFC 7677, KIP-84. Not SASLprep (RFC 4013): Kafka keeps passwords as they were typed, and would refuse
// the prepared form of those that have another one.

import { Buffer } from 'node:buffer'
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { quoted, type SaslCredentials, utf8 } from './exchange.ts'

export type ScramHash = 'sha256' | 'sha512'

// Fewer than Kafka's least make the password cheap to guess from a recording; more would keep this machine busy for
// whoever poses as a broker.
const leastIterations = 4096
const mostIterations = 1_000_000

/** `nonce`: printable ASCII without a comma, fresh and not to be guessed. */
export async function* scram(
  hash: ScramHash,
  { username, password }: SaslCredentials,
  nonce = randomBytes(24).toString('base64'),
): AsyncGenerator<Uint8Array, void, Uint8Array> {
  const name = username.replaceAll('=', '=3D').replaceAll(',', '=2C')
  const clientFirst = `n=${name},r=${nonce}`
  const serverFirst = text(yield utf8(`n,,${clientFirst}`))
  const challenge = readChallenge(serverFirst, nonce)
  const clientFinal = `c=biws,r=${challenge.nonce}`
  const authMessage = `${clientFirst},${serverFirst},${clientFinal}`
  const keys = await scramKeys(hash, password, challenge.salt, challenge.iterations)
  const signature = hmac(hash, keys.storedKey, authMessage)
  const proof = Buffer.from(keys.clientKey.map((byte, i) => byte ^ (signature[i] ?? 0))).toString('base64')
  const serverFinal = text(yield utf8(`${clientFinal},p=${proof}`))
  const { v: verifier, e: error } = attributes(serverFinal)
  if (error !== undefined) throw new Error(`the broker refuses: ${quoted(error)}`)
  const expected = hmac(hash, keys.serverKey, authMessage)
  const given = Buffer.from(verifier ?? '', 'base64')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Error('the broker does not know the password itself (its signature is wrong), so it may be an impostor')
  }
}

/** What a password is to both sides. */
export async function scramKeys(hash: ScramHash, password: string, salt: Uint8Array, iterations: number) {
  const salted = await derive(hash, password, salt, iterations)
  const clientKey = hmac(hash, salted, 'Client Key')
  const storedKey: Uint8Array = createHash(hash).update(clientKey).digest()
  return { clientKey, storedKey, serverKey: hmac(hash, salted, 'Server Key') }
}

function readChallenge(message: string, clientNonce: string) {
  const { r: nonce = '', s: salt = '', i: iterations = '', e: error } = attributes(message)
  if (error !== undefined) throw new Error(`the broker refuses: ${quoted(error)}`)
  if (!/^r=[^,]+,s=[^,]+,i=\d+(,|$)/.test(message)) throw new Error('the challenge of the broker is malformed')
  if (!nonce.startsWith(clientNonce) || nonce.length === clientNonce.length) {
    throw new Error('the nonce of the broker does not go on from ours, so its answer may be an old one')
  }
  const count = Number(iterations)
  if (count < leastIterations || count > mostIterations) {
    const range = `${leastIterations} to ${mostIterations}`
    throw new Error(`the broker asks for ${quoted(iterations)} iterations, and ${range} are taken`)
  }
  return { nonce, salt: Buffer.from(salt, 'base64'), iterations: count }
}

function attributes(message: string): Readonly<Record<string, string | undefined>> {
  const pairs = message.split(',').map(part => [part.slice(0, 1), part.slice(2)])
  return Object.assign(Object.create(null), Object.fromEntries(pairs))
}

function derive(hash: ScramHash, password: string, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
  const length = hash === 'sha256' ? 32 : 64
  return new Promise((resolve, reject) => {
    pbkdf2(password, salt, iterations, length, hash, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}

function hmac(hash: ScramHash, key: Uint8Array, message: string): Uint8Array {
  return createHmac(hash, key).update(message).digest()
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
