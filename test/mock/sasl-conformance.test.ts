// The mock under the SASL part of the conformance suite; test/integration/sasl-conformance.test.ts puts a real Kafka there.

import { afterAll, beforeAll } from 'vitest'
import { MockCluster } from '../../src/mock/index.ts'
import { mechanisms, saslCases, sessionLifetimeMs, users } from '../conformance/sasl.ts'

let clusters: MockCluster[]
beforeAll(async () => {
  const limits = [{}, { sessionLifetimeMs }]
  clusters = await Promise.all(
    limits.map(limit => MockCluster.start({ kafkaVersion: '4.3', sasl: { mechanisms, users, ...limit } })),
  )
})
afterAll(() => Promise.all(clusters.map(cluster => cluster.stop())))

saslCases(() => {
  const [server = '', renewing = ''] = clusters.map(({ bootstrapServers }) => bootstrapServers)
  return { server, renewing }
})
