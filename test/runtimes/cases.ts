// What every runtime is asked to do with a Kafka: the ways to deliver, and what is refused with which words.

import type { ProducerOptions } from '../../src/index.ts'
import type { Loopback } from '../support/loopback.ts'
import type { OidcServer } from '../support/oidc-server.ts'
import { type ProtectedKafka, ways } from '../support/protected-kafka.ts'
import type { Title } from './application.ts'

/** What cannot be had where, and what is said then; docs/runtimes.md has the same. */
export const lacking: Readonly<Partial<Record<Title, Readonly<Record<string, RegExp>>>>> = {
  'Node 20': { zstd: /^compression\.codec = "zstd": zstd needs/ },
  Deno: { 'a list of ciphers': /^ssl\.cipher\.suites: .*Deno would ignore it/ },
}

type Options = (guarded: ProtectedKafka) => ProducerOptions
const withTls: Options = guarded => ({ ...ways.TLS?.(guarded) })
const withKey: Options = guarded => ({ ...ways.mTLS?.(guarded) })
const plaintext: Options = ({ kafka }) => ({ 'bootstrap.servers': kafka.bootstrapServers })
const codec = (name: string) =>
  [name, guarded => ({ ...plaintext(guarded), 'compression.codec': name })] as [string, Options]
export const codecs = ['gzip', 'snappy', 'lz4', 'zstd']

export const deliveries: Readonly<Record<string, Options>> = {
  plaintext,
  ...ways,
  'a keystore': guarded => ({
    'bootstrap.servers': guarded.at('MTLS'),
    'security.protocol': 'ssl',
    'ssl.ca.location': guarded.authority.caFile,
    'ssl.keystore.location': guarded.authority.file('ann.p12'),
    'ssl.keystore.password': 'locked',
  }),
  'an encrypted key': guarded => ({
    ...withKey(guarded),
    'ssl.key.location': guarded.authority.file('ann.locked.key'),
    'ssl.key.password': 'locked',
  }),
  'TLS 1.2': guarded => ({ ...withTls(guarded), tls: { maxVersion: 'TLSv1.2' } }),
  'a list of ciphers': guarded => ({ ...withTls(guarded), 'ssl.cipher.suites': 'TLS_AES_256_GCM_SHA384' }),
  'a name that is not looked at': guarded => ({
    ...withTls(guarded),
    'bootstrap.servers': guarded.at('TLS', '127.0.0.1'),
    'ssl.endpoint.identification.algorithm': 'none',
  }),
  ...Object.fromEntries(codecs.map(codec)),
}

export interface Refusal {
  readonly options: (guarded: ProtectedKafka, peers: Peers) => ProducerOptions
  readonly error: string
  readonly code: number
  readonly says: RegExp
}

export const refusals: Readonly<Record<string, Refusal>> = {
  'an unknown authority': {
    options: guarded => ({ 'bootstrap.servers': guarded.at('TLS'), 'security.protocol': 'ssl' }),
    error: 'ConnectionError',
    code: -181,
    says: /nobody who is trusted here, check ssl\.ca\.location/,
  },
  'a wrong host name': {
    options: guarded => ({ ...withTls(guarded), 'bootstrap.servers': guarded.at('TLS', '127.0.0.1') }),
    error: 'ConnectionError',
    code: -181,
    says: /for another host, check bootstrap\.servers/,
  },
  'an expired certificate': {
    options: guarded => ({ ...withTls(guarded), 'bootstrap.servers': guarded.at('EXPIRED') }),
    error: 'ConnectionError',
    code: -181,
    says: /has expired/,
  },
  'a certificate that is not valid yet': {
    options: guarded => ({ ...withTls(guarded), 'bootstrap.servers': guarded.at('EARLY') }),
    error: 'ConnectionError',
    code: -181,
    says: /not valid yet, check the clocks/,
  },
  'no client certificate': {
    options: guarded => ({ ...withTls(guarded), 'bootstrap.servers': guarded.at('MTLS') }),
    error: 'ConnectionError',
    code: -181,
    says: /wants a client certificate, check ssl\.certificate\.location/,
  },
  'a key of another certificate': {
    options: guarded => ({ ...withKey(guarded), 'ssl.key.location': guarded.authority.file('ca.key') }),
    error: 'ConfigError',
    code: -186,
    says: /ssl\.certificate\.location, ssl\.key\.location: unusable/,
  },
  'a wrong key password': {
    options: guarded => ({ ...deliveries['an encrypted key']?.(guarded), 'ssl.key.password': 'wr0ng' }),
    error: 'ConfigError',
    code: -186,
    says: /ssl\.key\.password: unusable/,
  },
  'a wrong keystore password': {
    options: guarded => ({ ...deliveries['a keystore']?.(guarded), 'ssl.keystore.password': 'wr0ng' }),
    error: 'ConfigError',
    code: -186,
    says: /ssl\.keystore\.password: unusable/,
  },
  'a wrong password with PLAIN': {
    options: guarded => ({ ...ways.PLAIN?.(guarded), 'sasl.password': 'wr0ng' }),
    error: 'AuthenticationError',
    code: -169,
    says: /PLAIN.*check sasl\.username and sasl\.password/,
  },
  'a wrong password with SCRAM': {
    options: guarded => ({ ...ways['SASL over TLS']?.(guarded), 'sasl.password': 'wr0ng' }),
    error: 'AuthenticationError',
    code: -169,
    says: /SCRAM-SHA-512.*check sasl\.username and sasl\.password/,
  },
  'a wrong client secret': {
    options: guarded => ({ ...ways.OIDC?.(guarded), 'sasl.oauthbearer.client.secret': 'wr0ng' }),
    error: 'ConnectionError',
    code: -195,
    says: /401 \(invalid_client\)/,
  },
  'a token endpoint that nobody vouches for': {
    options: (guarded, { issuer }) => ({
      ...ways.OIDC?.(guarded),
      'sasl.oauthbearer.token.endpoint.url': issuer.tokenUrl,
    }),
    error: 'ConnectionError',
    code: -195,
    says: /OAUTHBEARER: the token endpoint failed/,
  },
  'a token of somebody else, by TLS': {
    options: (guarded, { issuer }) => ({
      ...ways.OIDC?.(guarded),
      'sasl.oauthbearer.token.endpoint.url': issuer.tokenUrl,
      'https.ca.location': guarded.authority.caFile,
    }),
    error: 'AuthenticationError',
    code: -169,
    says: /OAUTHBEARER.*check the token/,
  },
  'a port where nobody listens': {
    options: () => ({ 'bootstrap.servers': '127.0.0.1:1' }),
    error: 'ConnectionError',
    code: -195,
    says: /ECONNREFUSED/,
  },
  'a name that nobody has': {
    options: () => ({ 'bootstrap.servers': 'broker.invalid:9092' }),
    error: 'ConnectionError',
    code: -195,
    says: /the name does not resolve \(ENOTFOUND\)/,
  },
  'plain text to a port with TLS': {
    options: guarded => ({ 'bootstrap.servers': guarded.at('TLS') }),
    error: 'ProtocolError',
    code: -199,
    says: /looks like TLS/,
  },
  'TLS to a port without it': {
    options: guarded => ({ ...withTls(guarded), 'bootstrap.servers': guarded.kafka.bootstrapServers }),
    error: 'ConnectionError',
    code: -195,
    says: /is this port plaintext\?/,
  },
  'a peer that hangs up': {
    options: (_, { hangsUp }) => ({ 'bootstrap.servers': `127.0.0.1:${hangsUp.port}` }),
    error: 'ConnectionError',
    code: -195,
    says: /the other side closes the connection/,
  },
  'a peer that says nothing': {
    options: (_, { silent }) => ({
      'bootstrap.servers': `127.0.0.1:${silent.port}`,
      'socket.connection.setup.timeout.ms': 1000,
    }),
    error: 'ConnectionError',
    code: -195,
    says: /not ready after 1000 ms/,
  },
}

/** Servers that are no Kafka. */
export interface Peers {
  /** Closes its side at once and leaves the other one open. */
  readonly hangsUp: Loopback
  readonly silent: Loopback
  /** Gives tokens that Kafka does not know the key of. */
  readonly issuer: OidcServer
}
