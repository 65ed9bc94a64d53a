// The application of examples/testing, tested with the packed package by each of the runners that docs/testing.md shows.
// Jest and Bun are fetched when they are asked for, into .cache/.

import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runtime } from '../../scripts/runtimes.mjs'
import { cacheFolder, must, npm, root, run } from '../../scripts/steps.mjs'

const runners = {
  node: { packages: {}, command: () => [process.execPath, ['--test', 'node/']] },
  vitest: {
    packages: {},
    command: () => [process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--dir', 'vitest']],
  },
  jest: {
    packages: { jest: '30.2.0', '@jest/globals': '30.2.0' },
    command: at => {
      const jest = join(at, 'node_modules/jest/bin/jest.js')
      return [
        process.execPath,
        ['--experimental-vm-modules', '--no-warnings', jest, '--rootDir', 'jest', ...jestOptions],
      ]
    },
  },
  bun: {
    packages: {},
    command: async () => [await runtime('Bun'), ['test', './bun']],
  },
}

const jestOptions = ['--testMatch', '**/*.test.mjs', '--config', '{"moduleFileExtensions":["js","mjs","json"]}']

/** `odradek` is where the package is installed. Resolves with the runner's last words. */
async function testWith(name, odradek) {
  const { packages, command } = runners[name]
  const folder = cacheFolder(`runner-${name}`)
  const manifest = JSON.stringify({ private: true, type: 'module', dependencies: packages }, null, 2)
  writeFileSync(join(folder, 'package.json'), manifest)
  const isThere = Object.keys(packages).every(dependency => existsSync(join(folder, 'node_modules', dependency)))
  if (!isThere) {
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--force']
    await must(...npm('install', '--prefix', folder, ...flags), { cwd: folder, capture: true })
  }
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  link(odradek, join(folder, 'node_modules/odradek'))
  if (name === 'vitest') link(join(root, 'node_modules/vitest'), join(folder, 'node_modules/vitest'))
  for (const part of ['orders.mjs', 'cases.mjs', name]) {
    cpSync(join(root, 'examples/testing', part), join(folder, part), { recursive: true })
  }
  const [program, args] = await command(folder)
  if (program === null) return { passed: 0, failed: 0, skipped: 1 }
  const { code, output } = await run(program, args, { cwd: folder, capture: true, timeoutMs: 60_000 })
  if (code !== 0) throw new Error(`${name} ended with ${code}\n${output}`)
  return output.trim().split('\n').slice(-6).join('\n')
}

function link(target, path) {
  rmSync(path, { recursive: true, force: true })
  symlinkSync(target, path, 'junction')
}

/** One step for each runner. */
export function runnerSteps(odradek) {
  return Object.keys(runners).map(name => ({
    name: `package: examples/testing with ${name}`,
    run: () => testWith(name, odradek),
  }))
}
