// TLS as it is when nothing is configured.

import type { TlsSettings } from '../../src/cluster/tls.ts'

export const noTlsSettings: TlsSettings = {
  caLocation: null,
  caPem: null,
  certificateLocation: null,
  certificatePem: null,
  keyLocation: null,
  keyPem: null,
  keyPassword: null,
  keystoreLocation: null,
  keystorePassword: null,
  crlLocation: null,
  ciphers: null,
  curves: null,
  signatureAlgorithms: null,
  verify: true,
  verifyHost: true,
  options: {},
}
