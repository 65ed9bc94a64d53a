// What is behind a failed TLS handshake, by the code that the runtime gives it, and what to check.

import { isDeno } from '../deno.ts'

const untrusted = 'its certificate is signed by nobody who is trusted here, check ssl.ca.location'
const unwelcome = "the broker does not accept the client's certificate, check ssl.certificate.location and its validity"
const wanted = 'the broker wants a client certificate, check ssl.certificate.location and ssl.key.location'
const noVersion = 'no TLS version or cipher in common, check ssl.cipher.suites and the option tls'

const explanations: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet, check the clocks',
  CERT_REVOKED: 'its certificate has been revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: isDeno
    ? `${untrusted}; or it has expired or is not valid yet, check the clocks: Deno does not say which`
    : untrusted,
  UNABLE_TO_GET_CRL: 'ssl.crl.location says nothing about the authority of its certificate',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another host, check bootstrap.servers and advertised.listeners, or ssl.endpoint.identification.algorithm',
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: noVersion,
  ERR_SSL_UNSUPPORTED_PROTOCOL: noVersion,
  ERR_SSL_WRONG_VERSION_NUMBER: 'the answer is not TLS, is this port plaintext? check security.protocol',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the answer is not TLS, is this port plaintext? check security.protocol',
  ALERT_BAD_CERTIFICATE: wanted,
  ALERT_CERTIFICATE_REQUIRED: wanted,
  ALERT_CERTIFICATE_EXPIRED: unwelcome,
  ALERT_CERTIFICATE_UNKNOWN: unwelcome,
  ALERT_UNKNOWN_CA: unwelcome,
  ALERT_PROTOCOL_VERSION: noVersion,
  ALERT_HANDSHAKE_FAILURE:
    'no TLS version or cipher in common, or a client certificate is wanted: check ssl.cipher.suites, ssl.certificate.location and the option tls',
}

/** In words, or null for a code that says nothing more than its message. */
export function explainTlsFault(code = ''): string | null {
  // Each version of each library names an alert after another version of TLS: SSLV3_, TLSV1_, TLSV13_, SSL/TLS_.
  const name = code.replace(/^ERR_SSL_.+_(?=ALERT_)/, '')
  return Object.hasOwn(explanations, name) ? (explanations[name] ?? null) : null
}
