// A Kafka with a listener for each way of protecting a connection, and what a producer wants to be told to use each.

import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { startKafka } from '../../scripts/kafka/kafka.mjs'
import type { ProducerOptions } from '../../src/index.ts'
import { certificateAuthority } from './certificates.ts'
import { startOidcServer } from './oidc-server.ts'

export const secret = 'correct horse battery staple'

const module = 'org.apache.kafka.common.security'
const plainUsers = ['ann', 'bob'].map(name => `user_${name}="${secret}"`).join(' ')
const plainJaas = `${module}.plain.PlainLoginModule required username="admin" password="x" ${plainUsers};`
const scramJaas = `${module}.scram.ScramLoginModule required;`

const listeners = {
  TLS: 'SSL',
  MTLS: 'SSL',
  SASL: 'SASL_PLAINTEXT',
  SASLTLS: 'SASL_SSL',
  OAUTH: 'SASL_PLAINTEXT',
  OIDC: 'SASL_PLAINTEXT',
  RENEWING: 'SASL_PLAINTEXT',
  EXPIRED: 'SSL',
  EARLY: 'SSL',
} as const

/** Listeners whose certificates hold at another time. */
const untimely = {
  EXPIRED: { from: '20200101000000Z', until: '20210101000000Z' },
  EARLY: { from: '20390101000000Z', until: '20400101000000Z' },
} as const

const ann = { 'sasl.username': 'ann', 'sasl.password': secret }

/** Options of a producer, by what protects its connections. */
export const ways: Readonly<Record<string, (kafka: ProtectedKafka) => ProducerOptions>> = {
  TLS: ({ at, authority }) => ({
    'bootstrap.servers': at('TLS'),
    'security.protocol': 'ssl',
    'ssl.ca.location': authority.caFile,
  }),
  mTLS: ({ at, authority }) => ({
    'bootstrap.servers': at('MTLS'),
    'security.protocol': 'ssl',
    'ssl.ca.pem': authority.ca,
    'ssl.certificate.location': authority.file('ann.pem'),
    'ssl.key.location': authority.file('ann.key'),
  }),
  PLAIN: ({ at }) => ({
    'bootstrap.servers': at('SASL'),
    'security.protocol': 'sasl_plaintext',
    'sasl.mechanisms': 'PLAIN',
    ...ann,
  }),
  'SCRAM-SHA-256': ({ at }) => ({
    'bootstrap.servers': at('SASL'),
    'security.protocol': 'sasl_plaintext',
    'sasl.mechanisms': 'SCRAM-SHA-256',
    ...ann,
  }),
  'SCRAM-SHA-512': ({ at }) => ({
    'bootstrap.servers': at('SASL'),
    'security.protocol': 'sasl_plaintext',
    'sasl.mechanisms': 'SCRAM-SHA-512',
    ...ann,
  }),
  'SASL over TLS': ({ at, authority }) => ({
    'bootstrap.servers': at('SASLTLS'),
    'security.protocol': 'sasl_ssl',
    'ssl.ca.location': authority.caFile,
    'sasl.mechanism': 'SCRAM-SHA-512',
    ...ann,
  }),
  OAUTHBEARER: ({ at }) => ({
    'bootstrap.servers': at('OAUTH'),
    'security.protocol': 'sasl_plaintext',
    'sasl.mechanisms': 'OAUTHBEARER',
    'enable.sasl.oauthbearer.unsecure.jwt': true,
    'sasl.oauthbearer.config': 'principal=ann lifeSeconds=60',
  }),
  OIDC: ({ at, oidc }) => ({
    'bootstrap.servers': at('OIDC'),
    'security.protocol': 'sasl_plaintext',
    'sasl.mechanisms': 'OAUTHBEARER',
    'sasl.oauthbearer.method': 'oidc',
    'sasl.oauthbearer.client.id': 'ann',
    'sasl.oauthbearer.client.secret': 'correct-horse',
    'sasl.oauthbearer.token.endpoint.url': oidc.tokenUrl,
  }),
  'OIDC by an assertion': ({ at, authority, oidc }) => ({
    'bootstrap.servers': at('OIDC'),
    'security.protocol': 'sasl_plaintext',
    'sasl.mechanisms': 'OAUTHBEARER',
    'sasl.oauthbearer.method': 'oidc',
    'sasl.oauthbearer.client.id': 'ann',
    'sasl.oauthbearer.assertion.algorithm': 'ES256',
    'sasl.oauthbearer.assertion.private.key.file': authority.file('assertion.key'),
    'sasl.oauthbearer.assertion.claim.jti.include': true,
    'sasl.oauthbearer.token.endpoint.url': oidc.tokenUrl,
  }),
}

export type ProtectedKafka = Awaited<ReturnType<typeof startProtectedKafka>>

/** Starts it, with the user `ann` and a topic `t`. */
export async function startProtectedKafka() {
  const authority = await certificateAuthority()
  await authority.issue('ann')
  const keystore = async (listener: string, dates: { from?: string; until?: string } = {}) => {
    const file = authority.file(`keystore-${listener}.pem`)
    const { key, cert } = await authority.issue(`broker-${listener}`, { names: 'DNS:localhost', ...dates })
    await writeFile(file, key + cert)
    return file
  }
  const untimelyKeystores: Record<string, string> = {}
  for (const [name, dates] of Object.entries(untimely)) {
    untimelyKeystores[`listener.name.${name.toLowerCase()}.ssl.keystore.location`] = await keystore(name, dates)
  }
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await writeFile(authority.file('assertion.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const client = { id: 'ann', secret: 'correct-horse', publicKeys: { ES256: publicKey } }
  const oidc = await startOidcServer({ ...client, audience: 'kafka', lifeSeconds: 6 })
  const kafka = await startKafka({
    listeners,
    systemProperties: { 'org.apache.kafka.sasl.oauthbearer.allowed.urls': oidc.keysUrl },
    properties: {
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': await keystore('any'),
      ...untimelyKeystores,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': authority.caFile,
      'listener.name.mtls.ssl.client.auth': 'required',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      ...Object.fromEntries(
        ['sasl', 'sasltls', 'renewing'].flatMap(name => [
          [`listener.name.${name}.plain.sasl.jaas.config`, plainJaas],
          [`listener.name.${name}.scram-sha-256.sasl.jaas.config`, scramJaas],
          [`listener.name.${name}.scram-sha-512.sasl.jaas.config`, scramJaas],
        ]),
      ),
      'listener.name.renewing.plain.connections.max.reauth.ms': 3000,
      'listener.name.oidc.sasl.enabled.mechanisms': 'OAUTHBEARER',
      'listener.name.oidc.oauthbearer.sasl.jaas.config': `${module}.oauthbearer.OAuthBearerLoginModule required;`,
      'listener.name.oidc.oauthbearer.sasl.server.callback.handler.class': `${module}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
      'listener.name.oidc.oauthbearer.sasl.oauthbearer.jwks.endpoint.url': oidc.keysUrl,
      'listener.name.oidc.oauthbearer.sasl.oauthbearer.expected.audience': 'kafka',
      'listener.name.oauth.sasl.enabled.mechanisms': 'OAUTHBEARER',
      'listener.name.oauth.oauthbearer.sasl.jaas.config': `${module}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
    },
  })

  async function addUser(mechanism: string, name: string, password: string): Promise<void> {
    const target = ['--entity-type', 'users', '--entity-name', name, '--alter']
    const credential = ['--add-config', `${mechanism}=[password=${password}]`]
    const broker = ['--bootstrap-server', kafka.bootstrapServers]
    await kafka.runTool('kafka.admin.ConfigCommand', [...broker, ...target, ...credential])
  }

  await addUser('SCRAM-SHA-256', 'ann', secret)
  await addUser('SCRAM-SHA-512', 'ann', secret)
  await kafka.createTopic('t')

  const at = (listener: keyof typeof listeners, host = 'localhost') =>
    `${host}:${kafka.brokers[0]?.listeners[listener]}`
  return {
    kafka,
    authority,
    oidc,
    at,
    addUser,
    async stop(): Promise<void> {
      await kafka.stop()
      await authority.remove()
      await oidc.stop()
    },
  }
}
