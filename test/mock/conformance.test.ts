// The mock under the conformance suite; test/integration/conformance.test.ts puts a real Kafka there.

import { afterAll, beforeAll } from 'vitest'
import { MockCluster } from '../../src/mock/index.ts'
import { conformance } from '../conformance/suite.ts'

let cluster: MockCluster
beforeAll(async () => {
  cluster = await MockCluster.start({ kafkaVersion: '4.3' })
})
afterAll(() => cluster.stop())

conformance(() => cluster.bootstrapServers)
