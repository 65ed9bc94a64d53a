// The configuration that Heroku's Kafka add-on leaves in the environment.

import { ConfigError } from './errors.ts'
import type { ProducerOptions } from './producer/config/config.ts'

/**
 * Makes a configuration of `KAFKA_URL`, `KAFKA_CLIENT_CERT`, `KAFKA_CLIENT_CERT_KEY` and `KAFKA_TRUSTED_CERT`, to be
 * spread into a producer's options: `new Producer({ ...fromHerokuEnv(process.env) })`. The scheme of `KAFKA_URL` decides
 * whether there is TLS; certificate chains are kept whole. Heroku's brokers have certificates of the add-on's own
 * authority, without the brokers' names: the authority is checked, the names are not.
 *
 * Throws ConfigError, which names the variable.
 */
export function fromHerokuEnv(env: Readonly<Record<string, string | undefined>>): ProducerOptions {
  const { schemes, servers } = parseUrls(required(env, 'KAFKA_URL'))
  if (schemes.size > 1) throw fault('KAFKA_URL', 'kafka:// or kafka+ssl:// for all servers', 'the schemes differ')
  if (!schemes.has('kafka+ssl')) return { 'bootstrap.servers': servers, 'security.protocol': 'plaintext' }
  return {
    'bootstrap.servers': servers,
    'security.protocol': 'ssl',
    'ssl.ca.pem': required(env, 'KAFKA_TRUSTED_CERT'),
    'ssl.certificate.pem': required(env, 'KAFKA_CLIENT_CERT'),
    'ssl.key.pem': required(env, 'KAFKA_CLIENT_CERT_KEY'),
    'ssl.endpoint.identification.algorithm': 'none',
  }
}

function parseUrls(text: string) {
  const schemes = new Set<string>()
  const servers: string[] = []
  for (const part of text.split(',').map(part => part.trim())) {
    if (part === '') continue
    const [, scheme, server] = /^(kafka(?:\+ssl)?):\/\/([^/@]+)\/?$/.exec(part) ?? []
    if (scheme === undefined || server === undefined) {
      throw fault(
        'KAFKA_URL',
        'kafka+ssl://host:port, several with commas between',
        'there is something else among them',
      )
    }
    schemes.add(scheme)
    servers.push(server)
  }
  return { schemes, servers: servers.join(',') }
}

function required(env: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = env[name]?.trim()
  if (value) return value
  throw fault(name, 'what the add-on Heroku Kafka sets', 'the variable is missing or empty')
}

// Without the value, which may be a key.
function fault(name: string, allowed: string, what: string): ConfigError {
  return new ConfigError(name, '******', allowed, `${name}: ${what}; expected ${allowed}`)
}
