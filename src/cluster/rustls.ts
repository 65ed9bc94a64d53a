// Deno's node:tls is rustls: it takes options that it does not follow, and looks at a key only when a broker asks for
// the certificate. What OpenSSL would say at once is said here.

import { Buffer } from 'node:buffer'
import type { SecureContextOptions } from 'node:tls'

const ignored = ['crl', 'ciphers', 'ecdhCurve', 'sigalgs'] as const

/** An option of these that would have no effect, if there is one. */
export function ignoredByRustls(options: SecureContextOptions): string | undefined {
  return ignored.find(name => options[name] !== undefined)
}

/** Throws if a certificate and its key cannot be read, or do not belong together. */
export function checkKeyPair({ cert, key, passphrase }: SecureContextOptions): void {
  if (!isText(cert) || !isText(key)) return // lists, which only the option tls can hold
  const { createPrivateKey, X509Certificate } = process.getBuiltinModule('node:crypto')
  const pem = block('PRIVATE KEY', key)
  const privateKey = createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) })
  if (!new X509Certificate(block('CERTIFICATE', cert)).checkPrivateKey(privateKey))
    throw new Error('the key is not that of the certificate')
}

/** The first block of its kind: Deno reads none that stands behind something else. */
function block(kind: string, pem: unknown): string {
  return new RegExp(`-----BEGIN [A-Z ]*${kind}-----[^]+?-----END [A-Z ]*${kind}-----`).exec(String(pem))?.[0] ?? ''
}

const isText = (value: unknown) => typeof value === 'string' || Buffer.isBuffer(value)
