import { describe, expect, test } from 'vitest'
import { explainTlsFault } from '../../src/cluster/tls-faults.ts'

// One alert has many names: OpenSSL 3.0 (Node 20), OpenSSL 3.5 (Node 22 and newer), BoringSSL (Bun).
const dialects: readonly [alert: string, names: readonly string[], says: RegExp][] = [
  ['bad certificate', ['SSLV3_ALERT_BAD_CERTIFICATE', 'SSL/TLS_ALERT_BAD_CERTIFICATE'], /wants a client certificate/],
  [
    'certificate required',
    ['TLSV13_ALERT_CERTIFICATE_REQUIRED', 'TLSV1_ALERT_CERTIFICATE_REQUIRED'],
    /wants a client certificate/,
  ],
  [
    'handshake failure',
    ['SSLV3_ALERT_HANDSHAKE_FAILURE', 'SSL/TLS_ALERT_HANDSHAKE_FAILURE'],
    /ssl\.cipher\.suites.*ssl\.certificate\.location/,
  ],
  [
    'certificate expired',
    ['SSLV3_ALERT_CERTIFICATE_EXPIRED', 'SSL/TLS_ALERT_CERTIFICATE_EXPIRED'],
    /does not accept the client's certificate/,
  ],
  [
    'certificate unknown',
    ['SSLV3_ALERT_CERTIFICATE_UNKNOWN', 'SSL/TLS_ALERT_CERTIFICATE_UNKNOWN'],
    /does not accept the client's certificate/,
  ],
  ['unknown CA', ['TLSV1_ALERT_UNKNOWN_CA', 'SSL/TLS_ALERT_UNKNOWN_CA'], /does not accept the client's certificate/],
  ['no common version', ['TLSV1_ALERT_PROTOCOL_VERSION', 'NO_PROTOCOLS_AVAILABLE', 'UNSUPPORTED_PROTOCOL'], /version/],
]

describe('what a TLS fault means is said whatever a runtime calls it', () => {
  test.each(dialects)('%s', (_, names, says) => {
    for (const name of names) expect(explainTlsFault(`ERR_SSL_${name}`), name).toMatch(says)
  })

  test('and nothing is said about one that is not known', () => {
    for (const code of [undefined, 'ERR_SSL_SSL/TLS_ALERT_NOBODY_KNOWS', 'constructor']) {
      expect(explainTlsFault(code)).toBeNull()
    }
  })
})
