// A real Kafka under the SASL part of the conformance suite; test/mock/sasl-conformance.test.ts puts the mock there.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type KafkaCluster, startKafka } from '../../scripts/kafka/kafka.mjs'
import { Producer, type ProducerOptions } from '../../src/index.ts'
import { mechanisms, saslCases, sessionLifetimeMs, users } from '../conformance/sasl.ts'
import { kafkaAnswers } from '../support/kafka-answers.ts'

const module = 'org.apache.kafka.common.security'
const passwords = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`)
const logins = {
  plain: `${module}.plain.PlainLoginModule required ${passwords.join(' ')};`,
  'scram-sha-256': `${module}.scram.ScramLoginModule required;`,
  'scram-sha-512': `${module}.scram.ScramLoginModule required;`,
  oauthbearer: `${module}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
}

describe.runIf(kafkaAnswers)('a real Kafka', () => {
  let kafka: KafkaCluster
  const at = (listener: string) => `localhost:${kafka.brokers[0]?.listeners[listener]}`

  beforeAll(async () => {
    const perListener = ['sasl', 'renewing'].flatMap(listener =>
      Object.entries(logins).flatMap(([mechanism, login]) => {
        const prefix = `listener.name.${listener}.${mechanism}`
        const limit = listener === 'renewing' ? sessionLifetimeMs : 0
        return [
          [`${prefix}.sasl.jaas.config`, login],
          [`${prefix}.connections.max.reauth.ms`, limit],
        ]
      }),
    )
    kafka = await startKafka({
      listeners: { SASL: 'SASL_PLAINTEXT', RENEWING: 'SASL_PLAINTEXT' },
      properties: {
        'sasl.enabled.mechanisms': mechanisms.join(),
        'connection.failed.authentication.delay.ms': 0,
        ...Object.fromEntries(perListener),
      },
    })
    const addUser = (mechanism: string) => {
      const target = ['--entity-type', 'users', '--entity-name', 'ann', '--alter']
      const credential = ['--add-config', `${mechanism}=[password=${users.ann}]`]
      const broker = ['--bootstrap-server', kafka.bootstrapServers]
      return kafka.runTool('kafka.admin.ConfigCommand', [...broker, ...target, ...credential])
    }
    await Promise.all(['SCRAM-SHA-256', 'SCRAM-SHA-512'].map(addUser))
  }, 120_000)
  afterAll(() => kafka?.stop())

  saslCases(() => ({ server: at('SASL'), renewing: at('RENEWING') }))

  async function refusal(options: ProducerOptions): Promise<string> {
    const producer = new Producer(options)
    const outcome = producer.connect().then(
      () => 'it connected',
      (error: Error) => error.message,
    )
    await outcome.finally(() => producer.close({ timeoutMs: 0 }))
    return outcome
  }

  test('is asked for what it does not offer: a producer says so', async () => {
    expect(await refusal({ 'bootstrap.servers': at('SASL') })).toMatch(
      /localhost:\d+.*the other side closes the connection.*does this listener want SASL\? check security\.protocol/,
    )
    const sasl = { 'sasl.mechanisms': 'PLAIN', 'sasl.username': 'ann', 'sasl.password': users.ann }
    const mistaken = { 'bootstrap.servers': kafka.bootstrapServers, 'security.protocol': 'sasl_plaintext', ...sasl }
    expect(await refusal(mistaken as ProducerOptions)).toMatch(/takes no SASL authentication, check security\.protocol/)
  })
})
