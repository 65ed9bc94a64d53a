// `npm run check`: everything that needs no broker. The same steps are the first half of `npm test`.

import { setUp } from './setup.mjs'
import { isMain, must, root, run, runSteps, tool, vitestStep } from './steps.mjs'

async function pass(command, args) {
  const { code } = await run(command, args)
  if (code !== 0) throw new Error(`ended with ${code}`)
}

// Modules that need the development tools are loaded when their step runs, after the first step installed them.
export const checks = [
  { name: 'install and build', run: setUp },
  { name: 'types', run: () => pass(...tool('tsc', '--noEmit', '-p', '.')) },
  { name: 'lint and format', run: () => pass(...tool('biome', 'check', '--error-on-warnings', '.')) },
  vitestStep('unit, scenario and architecture tests', 'vitest.config.ts'),
  { name: 'generated documents in step', run: async () => (await import('./docs.mjs')).checkDocuments() },
  { name: 'size', run: async () => (await import('./size.mjs')).checkSize() },
  {
    name: 'package lint',
    run: () => must(...tool('publint', 'run', root, '--strict', '--pack', 'npm'), { capture: true }),
  },
]

if (isMain(import.meta)) process.exitCode = await runSteps(checks)
