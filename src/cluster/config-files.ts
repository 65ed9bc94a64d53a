// The files that the configuration names: certificates, keys, assertions. What cannot be read is a ConfigError that
// names the property.

import type { Buffer } from 'node:buffer'
import { ConfigError } from '../errors.ts'

/** Loaded with the first file that is named. */
const fs = () => process.getBuiltinModule('node:fs')

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

const certificate = /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/

/** Trusted certificates: a text, a file, all files of a folder, or `probe`. Undefined stands for the runtime's own. */
export function authorities(
  of: 'ssl.ca' | 'https.ca',
  { location, pem }: { readonly location: string | null; readonly pem: string | null },
): (string | Buffer)[] | undefined {
  if (location === null && pem === null) return undefined
  const property = pem === null ? `${of}.location` : `${of}.pem`
  const found = pem === null ? filesOf(property, location ?? '').map(path => readNamed(property, path)) : [pem]
  const certificates = found.filter(text => certificate.test(text.toString()))
  if (certificates.length === 0) throw unusable(property, location, 'there is no certificate (PEM) in it')
  return certificates
}

function filesOf(property: string, location: string): string[] {
  if (location === 'probe') {
    const place = usualPlaces.find(path => look(path) !== undefined)
    if (place === undefined) throw unusable(property, location, 'there is none in the usual places')
    return [place]
  }
  if (!look(location)?.isDirectory()) return [location]
  const inside = read(property, location, () => fs().readdirSync(location))
  const { join } = process.getBuiltinModule('node:path')
  return inside.map(name => join(location, name)).filter(path => look(path)?.isFile())
}

export function readNamed(property: string, path: string): Buffer {
  return read(property, path, () => fs().readFileSync(path))
}

function read<T>(property: string, path: string, how: () => T): T {
  try {
    return how()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw unusable(property, path, code ?? message)
  }
}

/** Undefined where nothing may be seen, for whatever reason: reading it tells why. */
function look(path: string) {
  try {
    return fs().statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** `path` is null where the value itself may not be shown. */
export function unusable(property: string, path: string | null, reason: string): ConfigError {
  const shown = path === null ? property : `${property} = ${JSON.stringify(path)}`
  return new ConfigError(property, path ?? '******', 'what can be read and used', `${shown}: ${reason}`)
}

/** Differs when a file has been replaced or written to. */
export function stampOf(paths: readonly (string | null)[]): string {
  return paths.map(path => (path === null || path === 'probe' ? '' : modified(path))).join(' ')
}

function modified(path: string): string {
  const stats = look(path)
  return stats === undefined ? 'absent' : `${stats.mtimeMs}/${stats.size}/${stats.ino}`
}
