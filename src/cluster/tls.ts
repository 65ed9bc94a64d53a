// What TLS connections are made with: the options of tls.connect, out of files and texts that are read again when they
// change, so that certificates can be replaced while the producer runs.

import { isDeno } from '../deno.ts'
import { ConfigError } from '../errors.ts'
import { authorities, readNamed, stampOf } from './config-files.ts'
import { checkKeyPair, ignoredByRustls } from './rustls.ts'

export interface TlsSettings {
  readonly caLocation: string | null
  readonly caPem: string | null
  readonly certificateLocation: string | null
  readonly certificatePem: string | null
  readonly keyLocation: string | null
  readonly keyPem: string | null
  readonly keyPassword: string | null
  readonly keystoreLocation: string | null
  readonly keystorePassword: string | null
  readonly crlLocation: string | null
  readonly ciphers: string | null
  readonly curves: string | null
  readonly signatureAlgorithms: string | null
  /** Whether a broker's certificate must be trusted, and whether it must be for the broker's name. */
  readonly verify: boolean
  readonly verifyHost: boolean
  /** Options of `tls.connect`; they win. */
  readonly options: Readonly<Record<string, unknown>>
}

/** Gives the options for the next connection. The same object as long as nothing has changed. */
export type TlsSource = () => object

/**
 * Reads everything once, and again when a file has changed. What cannot be used any more (a file is gone, or half
 * written) leaves what was read before in place.
 * @throws {ConfigError} for what cannot be read or used now.
 */
export function tlsSource(settings: TlsSettings): TlsSource {
  let known = stamp(settings)
  let current = connectOptions(settings)
  return () => {
    const now = stamp(settings)
    if (now !== known) {
      try {
        current = connectOptions(settings)
        known = now
      } catch {
        // The next connection looks again.
      }
    }
    return current
  }
}

function connectOptions(settings: TlsSettings): object {
  const { verify, verifyHost, options } = settings
  return {
    rejectUnauthorized: verify,
    ...(verifyHost ? {} : { checkServerIdentity: () => undefined }),
    ...options,
    secureContext: options.secureContext ?? secureContext(settings),
  }
}

function secureContext(settings: TlsSettings): object {
  const { caLocation, caPem, certificatePem, keyPem, keyPassword, keystorePassword, ciphers, curves, options } =
    settings
  const crl = read('ssl.crl.location', settings.crlLocation)
  const pfx = read('ssl.keystore.location', settings.keystoreLocation)
  const given = {
    ca: authorities('ssl.ca', { location: caLocation, pem: caPem }),
    cert: certificatePem ?? read('ssl.certificate.location', settings.certificateLocation),
    key: keyPem ?? read('ssl.key.location', settings.keyLocation),
    crl,
    pfx,
    passphrase: pfx === undefined ? keyPassword : keystorePassword,
    ciphers,
    ecdhCurve: curves,
    sigalgs: settings.signatureAlgorithms,
  }
  const present = Object.entries(given).filter(([, value]) => value !== null && value !== undefined)
  const context = { ...Object.fromEntries(present), ...options }
  const lost = isDeno ? ignoredByRustls(context) : undefined
  try {
    if (lost !== undefined) throw new Error('the TLS of Deno would ignore it')
    if (isDeno) checkKeyPair(context)
    return process.getBuiltinModule('node:tls').createSecureContext(context)
  } catch (error) {
    const about = lost === undefined ? Object.keys(context) : [lost]
    const names = about.flatMap(name => blamed[name]?.filter(property => isSet(settings, property)) ?? [])
    const [property = 'tls'] = names
    const reason = error instanceof Error ? error.message : String(error)
    const what = `${names.join(', ') || 'tls'}: unusable for TLS (${reason})`
    throw new ConfigError(property, '******', 'what the TLS of this runtime can use', what)
  }
}

// Which properties a fault may be about. The runtime does not always say.
const blamed: Readonly<Record<string, readonly (keyof typeof fields)[]>> = {
  ca: ['ssl.ca.location', 'ssl.ca.pem'],
  cert: ['ssl.certificate.location', 'ssl.certificate.pem'],
  key: ['ssl.key.location', 'ssl.key.pem', 'ssl.key.password'],
  crl: ['ssl.crl.location'],
  pfx: ['ssl.keystore.location', 'ssl.keystore.password'],
  ciphers: ['ssl.cipher.suites'],
  ecdhCurve: ['ssl.curves.list'],
  sigalgs: ['ssl.sigalgs.list'],
}

const fields = {
  'ssl.ca.location': 'caLocation',
  'ssl.ca.pem': 'caPem',
  'ssl.certificate.location': 'certificateLocation',
  'ssl.certificate.pem': 'certificatePem',
  'ssl.key.location': 'keyLocation',
  'ssl.key.pem': 'keyPem',
  'ssl.key.password': 'keyPassword',
  'ssl.keystore.location': 'keystoreLocation',
  'ssl.keystore.password': 'keystorePassword',
  'ssl.crl.location': 'crlLocation',
  'ssl.cipher.suites': 'ciphers',
  'ssl.curves.list': 'curves',
  'ssl.sigalgs.list': 'signatureAlgorithms',
} as const satisfies Readonly<Record<string, keyof TlsSettings>>

const isSet = (settings: TlsSettings, property: keyof typeof fields) => settings[fields[property]] !== null

function stamp({ caLocation, certificateLocation, keyLocation, keystoreLocation, crlLocation }: TlsSettings): string {
  return stampOf([caLocation, certificateLocation, keyLocation, keystoreLocation, crlLocation])
}

function read(property: string, path: string | null): Uint8Array | undefined {
  return path === null ? undefined : readNamed(property, path)
}
