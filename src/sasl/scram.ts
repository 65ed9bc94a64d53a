// SCRAM-SHA-256 and SCRAM-SHA-512: the password is never sent, and the broker has to prove that it knows it, too.
// Source: RFC 5802, RFC 7677, KIP-84. Not SASLprep (RFC 4013): Kafka keeps passwords as they were typed, and would refuse
// the prepared form of those that have another one.

import { Buffer } from 'node:buffer'
import { quoted } from '../quoted.ts'
import {
  nodeCrypto,
  nothing,
  type SaslCredentials,
  type SaslVerdict,
  text,
  utf8,
  wantsToBeAnother,
} from './exchange.ts'

export type ScramHash = 'sha256' | 'sha512'

// Fewer than Kafka's least make the password cheap to guess from a recording; more would keep this machine busy for
// whoever poses as a broker.
const leastIterations = 4096
const mostIterations = 1_000_000

/** `nonce`: printable ASCII without a comma, fresh and not to be guessed. */
export async function* scram(
  hash: ScramHash,
  { username, password }: SaslCredentials,
  nonce = freshNonce(),
): AsyncGenerator<Uint8Array, void, Uint8Array> {
  const name = username.replaceAll('=', '=3D').replaceAll(',', '=2C')
  const clientFirst = `n=${name},r=${nonce}`
  const serverFirst = text(yield utf8(`n,,${clientFirst}`))
  refuseError(serverFirst, password)
  const challenge = readChallenge(serverFirst, nonce)
  const clientFinal = `c=biws,r=${challenge.nonce}`
  const authMessage = `${clientFirst},${serverFirst},${clientFinal}`
  const keys = await scramKeys(hash, password, challenge.salt, challenge.iterations)
  const signature = hmac(hash, keys.storedKey, authMessage)
  const proof = Buffer.from(xor(keys.clientKey, signature)).toString('base64')
  const serverFinal = text(yield utf8(`${clientFinal},p=${proof}`))
  refuseError(serverFinal, password)
  const [verifier = ''] = serverFinal.split(',')
  const expected = hmac(hash, keys.serverKey, authMessage).toString('base64')
  if (!same(utf8(verifier), utf8(`v=${expected}`))) {
    throw suspicion('the broker does not know the password itself (its signature is wrong)')
  }
}

/** What a broker keeps of a password. */
export interface ScramCredential {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

export async function scramCredential(
  hash: ScramHash,
  password: string,
  salt: Uint8Array = nodeCrypto().randomBytes(18),
  iterations = leastIterations,
): Promise<ScramCredential> {
  const { storedKey, serverKey } = await scramKeys(hash, password, salt, iterations)
  return { salt, iterations, storedKey, serverKey }
}

/**
 * `credentialOf` gives what is known of a user. Refusals say nothing, as with Kafka: neither `e=` of RFC 5802 nor whether
 * there is such a user. Extensions are passed over.
 */
export async function* scramServer(
  hash: ScramHash,
  credentialOf: (username: string) => ScramCredential | undefined | Promise<ScramCredential | undefined>,
  nonce = freshNonce(),
): AsyncGenerator<Uint8Array, SaslVerdict, Uint8Array> {
  const refusal = { refused: null }
  // RFC 5802, section 7, without channel binding, which Kafka does not have. Nor does it take names that are not ASCII.
  const pattern =
    /^(?<header>n,(?:a=(?<identity>[^,]+))?,)(?<bare>n=(?<name>(?:(?![=,])\p{ASCII}|=2C|=3D)+),r=(?<clientNonce>[!-+\--~]+)(?:,[A-Za-z]+=[^,]+)*)$/u
  const first = pattern.exec(text(yield nothing))?.groups
  if (first === undefined) return refusal
  const { header = '', identity, bare = '', name = '', clientNonce = '' } = first
  const username = name.replaceAll('=2C', ',').replaceAll('=3D', '=')
  const credential = await credentialOf(username)
  if (credential === undefined) return refusal
  if (identity !== undefined && identity !== username) return wantsToBeAnother
  const { salt, iterations, storedKey, serverKey } = credential
  const challenge = `r=${clientNonce}${nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`
  const final = text(yield utf8(challenge))
  const { c: binding, r: repeated, p: proof = '' } = attributes(final)
  if (binding !== Buffer.from(header).toString('base64') || repeated !== clientNonce + nonce) return refusal
  const authMessage = `${bare},${challenge},${final.slice(0, final.lastIndexOf(',p='))}`
  const clientKey = xor(Buffer.from(proof, 'base64'), hmac(hash, storedKey, authMessage))
  if (!same(nodeCrypto().createHash(hash).update(clientKey).digest(), storedKey)) return refusal
  return { principal: username, answer: utf8(`v=${hmac(hash, serverKey, authMessage).toString('base64')}`) }
}

/** What a password is to both sides. */
export async function scramKeys(hash: ScramHash, password: string, salt: Uint8Array, iterations: number) {
  const salted = await derive(hash, password, salt, iterations)
  const clientKey = hmac(hash, salted, 'Client Key')
  const storedKey: Uint8Array = nodeCrypto().createHash(hash).update(clientKey).digest()
  return { clientKey, storedKey, serverKey: hmac(hash, salted, 'Server Key') }
}

function readChallenge(message: string, clientNonce: string) {
  const { r: nonce = '', s: salt = '', i: iterations = '' } = attributes(message)
  if (!/^r=[^,]+,s=[\w+/]+=*,i=\d+(,|$)/.test(message)) throw suspicion('the challenge of the broker is malformed')
  if (!nonce.startsWith(clientNonce) || nonce.length === clientNonce.length) {
    throw suspicion('the nonce of the broker does not go on from ours, so its answer may be an old one')
  }
  const count = Number(iterations)
  if (count < leastIterations || count > mostIterations) {
    const range = `${leastIterations} to ${mostIterations}`
    throw suspicion(`the broker asks for ${quoted(iterations)} iterations, and ${range} are taken`)
  }
  return { nonce, salt: Buffer.from(salt, 'base64'), iterations: count }
}

/** Of a broker that does not behave as one that knows the password. */
function suspicion(what: string): Error {
  return new Error(`${what}: it may be an impostor, check bootstrap.servers and what is in between`)
}

function refuseError(message: string, password: string): void {
  const { e: error } = attributes(message)
  if (error === undefined) return
  throw new Error(`the broker refuses: ${quoted(error, password)}, check sasl.username and sasl.password`)
}

function attributes(message: string): Readonly<Record<string, string | undefined>> {
  const pairs = message.split(',').map(part => [part.slice(0, 1), part.slice(2)])
  return Object.assign(Object.create(null), Object.fromEntries(pairs))
}

function derive(hash: ScramHash, password: string, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
  const length = hash === 'sha256' ? 32 : 64
  return new Promise((resolve, reject) => {
    nodeCrypto().pbkdf2(password, salt, iterations, length, hash, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}

function hmac(hash: ScramHash, key: Uint8Array, message: string): Buffer {
  return nodeCrypto().createHmac(hash, key).update(message).digest()
}

function xor(bytes: Uint8Array, mask: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => byte ^ (mask[i] ?? 0))
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && nodeCrypto().timingSafeEqual(a, b)
}

const freshNonce = () => nodeCrypto().randomBytes(24).toString('base64')
