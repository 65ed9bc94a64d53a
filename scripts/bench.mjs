// `npm run bench`: the suite of bench/suite, which measures this producer beside others; with names, bench/<name>.ts, each
// in a process of its own.

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runtime } from './runtimes.mjs'
import { install, setUp } from './setup.mjs'
import { cacheFolder, isMain, root, run } from './steps.mjs'

const all = readdirSync(join(root, 'bench'))
  .filter(file => file.endsWith('.ts'))
  .map(file => file.slice(0, -3))
  .sort()

/** All JavaScript of the suite runs under the same newer Node, which some of the others need. */
async function runSuite(args) {
  await setUp()
  const node = await runtime('Node 24')
  if (node === null) return 2
  const { code } = await run(node, [join(root, 'bench/suite/main.ts'), ...args], { timeoutMs: 7_200_000 })
  return code
}

/**
 * Runs one bench as `run` runs a program. Node 20 does not read TypeScript, so that it is bundled first. Packages stay
 * outside, found from below the root.
 */
export async function runBench(name, args = [], options = {}) {
  const { build } = await import('esbuild')
  const outfile = join(cacheFolder('bench'), `${name}.mjs`)
  await build({
    entryPoints: [join(root, 'bench', `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: 'inline',
  })
  const result = await run(process.execPath, ['--expose-gc', '--enable-source-maps', outfile, ...args], options)
  rmSync(outfile)
  return result
}

async function runBenches(names, args) {
  await (names.includes('import') ? setUp() : install())
  let failed = 0
  for (const name of names) {
    console.log(`\n== ${name}`)
    const { code } = await runBench(name, args)
    if (code !== 0) failed++
  }
  if (failed > 0) console.error(`\n${failed} of ${names.length} benches failed`)
  return failed > 0 ? 1 : 0
}

/** Options behind names are for the benches that are named. */
async function main(args) {
  const end = args.findIndex(arg => arg.startsWith('-'))
  const names = end === -1 ? args : args.slice(0, end)
  if (names.length === 0) return runSuite(args)
  const unknown = names.filter(name => !all.includes(name))
  if (unknown.length === 0) return runBenches(names, args.slice(names.length))
  console.error(`no such bench: ${unknown.join(', ')}. There are: ${all.join(', ')}; without a name, all producers`)
  return 2
}

if (isMain(import.meta)) process.exitCode = await main(process.argv.slice(2))
