import './test/support/node-20.ts'
import './test/support/node-20.ts'
import { defineConfig } from 'vitest/config'
import { whyNoKafka } from './test/support/kafka-setup.ts'

const absent = await whyNoKafka()
if (absent !== null) {
  if (process.env.CI) throw new Error(`the integration tests need a Kafka: ${absent}`)
  console.log(`integration tests skipped: ${absent}`)
}

export default defineConfig({
  test: {
    include: absent === null ? ['test/integration/**/*.test.ts'] : [],
    passWithNoTests: true,
    globalSetup: 'test/support/kafka-setup.ts',
    // Every file waits for Java tools most of its time; the broker itself is shared.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
