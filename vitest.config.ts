import './test/support/node-20.ts'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/integration/**', 'test/chaos/**', 'test/peers/**'],
    testTimeout: 20_000,
  },
})
