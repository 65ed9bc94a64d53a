// What TLS connections are made with: the options of tls.connect, out of files and texts that are read again when they
// change, so that certificates can be replaced while the producer runs.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { ConfigError } from '../errors.ts'

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

// Where systems keep the certificates that they trust. Source: librdkafka `rd_kafka_ssl_probe_and_set_default_ca_location`.
const usualPlaces: readonly string[] = [
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.trust.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/ssl/cert.pem',
  '/etc/ssl/cacert.pem',
  '/etc/certs/ca-certificates.crt',
  '/usr/local/etc/ssl/cert.pem',
  '/usr/local/share/certs/ca-root-nss.crt',
]

/**
 * Reads everything once, and again when a file has changed. What cannot be used any more (a file is gone, or half
 * written) leaves what was read before in place.
 * @throws {ConfigError} for what cannot be read or used now.
 */
export function tlsSource(settings: TlsSettings): TlsSource {
  let stamp = stampOf(settings)
  let current = connectOptions(settings)
  return () => {
    const now = stampOf(settings)
    if (now !== stamp) {
      try {
        current = connectOptions(settings)
        stamp = now
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
  const { caPem, certificatePem, keyPem, keyPassword, keystorePassword, ciphers, curves, options } = settings
  const crl = read('ssl.crl.location', settings.crlLocation)
  const pfx = read('ssl.keystore.location', settings.keystoreLocation)
  const given = {
    ca: caPem ?? authorities(settings.caLocation),
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
  try {
    return createSecureContext({ ...Object.fromEntries(present), ...options })
  } catch (error) {
    const names = present.flatMap(([name]) => blamed[name]?.filter(property => isSet(settings, property)) ?? [])
    const [property = 'tls'] = names
    const reason = error instanceof Error ? error.message : String(error)
    const what = `${names.join(', ') || 'tls'}: unusable for TLS (${reason})`
    throw new ConfigError(property, '******', 'what OpenSSL can read', what)
  }
}

// Which properties a fault may be about. OpenSSL does not always say.
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

/** Trusted certificates of a file, of all files of a folder, or of the usual place; undefined is the runtime's own. */
function authorities(location: string | null): Uint8Array[] | Uint8Array | undefined {
  const property = 'ssl.ca.location'
  if (location === 'probe') {
    const place = usualPlaces.find(path => modified(path) !== 'absent')
    if (place === undefined) throw unreadable(property, location, 'there is none in the usual places')
    return read(property, place)
  }
  if (location === null || !statSync(location, { throwIfNoEntry: false })?.isDirectory())
    return read(property, location)
  const files = folderFiles(location).flatMap(path => read(property, path) ?? [])
  const certificates = files.filter(bytes => bytes.includes('-----BEGIN'))
  if (certificates.length === 0) throw unreadable(property, location, 'there is no certificate in this folder')
  return certificates
}

const folderFiles = (folder: string) =>
  readdirSync(folder)
    .map(name => join(folder, name))
    .filter(path => statSync(path, { throwIfNoEntry: false })?.isFile())

function read(property: string, path: string | null): (ReturnType<typeof readFileSync> & Uint8Array) | undefined {
  if (path === null) return undefined
  try {
    return readFileSync(path)
  } catch (error) {
    throw unreadable(property, path, (error as NodeJS.ErrnoException).code ?? 'it cannot be read')
  }
}

function unreadable(property: string, path: string, reason: string): ConfigError {
  return new ConfigError(property, path, 'a file that can be read', `${property} = ${JSON.stringify(path)}: ${reason}`)
}

/** Differs when a file has been replaced or written to. */
function stampOf({ caLocation, certificateLocation, keyLocation, keystoreLocation, crlLocation }: TlsSettings): string {
  const paths = [caLocation, certificateLocation, keyLocation, keystoreLocation, crlLocation]
  return paths.map(path => (path === null || path === 'probe' ? '' : modified(path))).join(' ')
}

function modified(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? 'absent' : `${stats.mtimeMs}/${stats.size}/${stats.ino}`
}
