// `npm test`: the checks, the package as a user gets it, the examples, and the tests against a real broker.

import { packageSteps } from '../test/package/steps.mjs'
import { runBench } from './bench.mjs'
import { checks } from './check.mjs'
import { runtimeStep } from './runtimes.mjs'
import { runSteps, vitestStep } from './steps.mjs'
import { systemPackages } from './system-packages.mjs'

const codecSuites = ['test/compression', 'test/mock/compressed.test.ts', 'test/scenarios/compression.test.ts']
const codecJudges = ['test/integration/codecs.test.ts', 'test/integration/compressed.test.ts']

process.exitCode = await runSteps([
  ...checks,
  ...packageSteps,
  ...['Node 24', 'Bun', 'Deno'].map(title => runtimeStep(title, 'codecs', 'vitest.config.ts', codecSuites)),
  { name: 'kcat and librdkafka', run: systemPackages },
  vitestStep('integration tests with a real broker', 'vitest.integration.config.ts'),
  runtimeStep('Node 24', 'codecs with a real broker', 'vitest.integration.config.ts', codecJudges),
  // What it finds is to be read: a busy machine is no failure.
  { name: 'parts beside their reference', run: async () => (await runBench('check', [], { capture: true })).output },
])
