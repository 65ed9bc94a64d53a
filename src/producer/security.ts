// From the configuration to what connections are protected with: TLS options, and the exchange that convinces a broker.

import type { Clock } from '../clock.ts'
import type { Authenticate } from '../cluster/authentication.ts'
import { saslAuthentication } from '../cluster/sasl.ts'
import { type TlsSource, tlsSource } from '../cluster/tls.ts'
import { AuthenticationError, ConfigError, StateError } from '../errors.ts'
import { awsMskIam } from '../sasl/aws-msk-iam.ts'
import type { SaslBroker, SaslCredentials, SaslExchange } from '../sasl/exchange.ts'
import { oauthBearer, unsecuredToken } from '../sasl/oauthbearer.ts'
import { plain } from '../sasl/plain.ts'
import { scram } from '../sasl/scram.ts'
import type { ProducerConfig } from './config/config.ts'
import { oidcProvider } from './oidc.ts'
import { type OAuthBearerTokenProvider, TokenSource } from './token-source.ts'

type Begin = (broker: SaslBroker, signal: AbortSignal) => SaslExchange | Promise<SaslExchange>

// connect() gives up after 10 s, and should be able to say that this was it.
const mostTokenWaitMs = 8000

export class Security {
  readonly tls: TlsSource | undefined
  readonly authenticate: Authenticate | undefined
  readonly #mechanism: string | null
  #credentials: SaslCredentials

  /** Reads the files of the configuration. Throws ConfigError, naming the property, for those that cannot be used. */
  constructor(config: ProducerConfig, clock: Clock) {
    const { properties } = config
    const protocol = properties['security.protocol']
    this.tls = protocol.endsWith('ssl') ? tlsSource(tlsSettings(config)) : undefined
    this.#mechanism = protocol.startsWith('sasl') ? properties['sasl.mechanisms'] : null
    this.#credentials = {
      username: properties['sasl.username'] ?? '',
      password: properties['sasl.password'] ?? '',
    }
    if (this.#mechanism === null) return
    const { begin, check, secret, refused } = this.#exchange(this.#mechanism, config, clock)
    const authenticate = saslAuthentication({
      mechanism: this.#mechanism,
      check,
      timeoutMs: properties['socket.timeout.ms'],
      secret,
      begin,
    })
    this.authenticate = channel =>
      authenticate(channel).catch(error => {
        if (error instanceof AuthenticationError) refused?.()
        throw error
      })
  }

  /** Other credentials for the next authentication. Throws StateError where the mechanism has none. */
  setCredentials({ username, password }: SaslCredentials): void {
    if (this.#mechanism === null || !takesPassword(this.#mechanism)) {
      const used = this.#mechanism === null ? 'no SASL' : this.#mechanism
      throw new StateError(used, `setSaslCredentials: this producer uses ${used}, which takes no name and password`)
    }
    for (const [property, value] of Object.entries({ 'sasl.username': username, 'sasl.password': password })) {
      if (typeof value === 'string' && value !== '') continue
      throw new ConfigError(property, '******', 'a string', `${property}: expected a string that is not empty`)
    }
    this.#credentials = { username, password }
  }

  #exchange(
    mechanism: string,
    { properties, options }: ProducerConfig,
    clock: Clock,
  ): { begin: Begin; check: string; secret: () => string; refused?: () => void } {
    const aws = mechanism === 'AWS_MSK_IAM'
    const plugged = options.saslMechanisms?.[mechanism] ?? (aws ? awsMskIam() : undefined)
    if (plugged !== undefined) {
      const source = aws
        ? 'the AWS credentials, what they allow, and the clock'
        : 'what the mechanism of saslMechanisms says'
      return { begin: broker => plugged(broker), check: `check ${source}`, secret: () => '' }
    }
    const known = { check: 'check sasl.username and sasl.password', secret: () => this.#credentials.password }
    if (mechanism === 'PLAIN') return { begin: () => plain(this.#credentials), ...known }
    if (mechanism === 'SCRAM-SHA-256') return { begin: () => scram('sha256', this.#credentials), ...known }
    if (mechanism === 'SCRAM-SHA-512') return { begin: () => scram('sha512', this.#credentials), ...known }
    const config = properties['sasl.oauthbearer.config']
    const limitMs = Math.min(mostTokenWaitMs, properties['socket.connection.setup.timeout.ms'] / 2)
    const { name, provider } = tokens({ properties, options }, clock)
    const source = new TokenSource(name, provider, config, clock, limitMs)
    let shown = ''
    return {
      begin: async (_, signal) => {
        const token = await source.token(signal)
        shown = token.value
        return oauthBearer(token)
      },
      check: 'check the token: its end, audience and issuer',
      secret: () => shown,
      refused: () => source.drop(),
    }
  }
}

function tokens(
  { properties, options }: Pick<ProducerConfig, 'properties' | 'options'>,
  clock: Clock,
): { name: string; provider: OAuthBearerTokenProvider } {
  const given = options.oauthBearerTokenProvider
  if (given !== undefined) return { name: 'oauthBearerTokenProvider', provider: given }
  const now = () => clock.wallNow()
  if (properties['sasl.oauthbearer.method'] === 'oidc') {
    return { name: 'the token endpoint', provider: oidcProvider(properties, now) }
  }
  return { name: 'sasl.oauthbearer.config', provider: ({ config }) => unsecuredToken(config ?? '', now()) }
}

const takesPassword = (mechanism: string) => mechanism === 'PLAIN' || mechanism.startsWith('SCRAM-')

function tlsSettings({ properties, options }: ProducerConfig) {
  return {
    caLocation: properties['ssl.ca.location'],
    caPem: properties['ssl.ca.pem'],
    certificateLocation: properties['ssl.certificate.location'],
    certificatePem: properties['ssl.certificate.pem'],
    keyLocation: properties['ssl.key.location'],
    keyPem: properties['ssl.key.pem'],
    keyPassword: properties['ssl.key.password'],
    keystoreLocation: properties['ssl.keystore.location'],
    keystorePassword: properties['ssl.keystore.password'],
    crlLocation: properties['ssl.crl.location'],
    ciphers: properties['ssl.cipher.suites'],
    curves: properties['ssl.curves.list'],
    signatureAlgorithms: properties['ssl.sigalgs.list'],
    verify: properties['enable.ssl.certificate.verification'],
    verifyHost: properties['ssl.endpoint.identification.algorithm'] === 'https',
    options: { ...options.tls },
  }
}
