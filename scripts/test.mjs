// `npm test`: the checks, the package as a user gets it, the examples, and the tests against a real broker.

import { packageSteps } from '../test/package/steps.mjs'
import { checks } from './check.mjs'
import { runSteps, vitestStep } from './steps.mjs'

process.exitCode = await runSteps([
  ...checks,
  ...packageSteps,
  vitestStep('integration tests with a real broker', 'vitest.integration.config.ts'),
])
