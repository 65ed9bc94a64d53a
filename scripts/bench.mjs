// `npm run bench`: the suite of bench/suite, which measures this producer beside others; with names, bench/<name>.ts, each
// in a process of its own.

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runtime } from './runtimes.mjs'
import { install, setUp } from './setup.mjs'
import { cacheFolder, root, run } from './steps.mjs'

const all = readdirSync(join(root, 'bench'))
  .filter(file => file.endsWith('.ts'))
  .map(file => file.slice(0, -3))
  .sort()
const wanted = process.argv.slice(2)
const isSuite = wanted.length === 0 || wanted[0].startsWith('-')
const unknown = wanted.filter(name => !all.includes(name))

if (isSuite) {
  process.exitCode = await runSuite(wanted)
} else if (unknown.length > 0) {
  console.error(`no such bench: ${unknown.join(', ')}. There are: ${all.join(', ')}`)
  process.exitCode = 2
} else {
  await install()
  process.exitCode = await runBenches(wanted)
}

/** All JavaScript of the suite runs under the same newer Node, which some of the others need. */
async function runSuite(args) {
  await setUp()
  const node = await runtime('Node 24')
  if (node === null) return 2
  const { code } = await run(node, [join(root, 'bench/suite/main.ts'), process.execPath, ...args], {
    timeoutMs: 7_200_000,
  })
  return code
}

/** Node 20 does not read TypeScript, so that each bench is bundled first. Packages stay outside, found from below the root. */
async function runBenches(names) {
  const { build } = await import('esbuild')
  const folder = cacheFolder('bench')
  let failed = 0
  for (const name of names) {
    const outfile = join(folder, `${name}.mjs`)
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
    console.log(`\n== ${name}`)
    const { code } = await run(process.execPath, ['--expose-gc', '--enable-source-maps', outfile])
    if (code !== 0) failed++
    rmSync(outfile)
  }
  if (failed > 0) console.error(`\n${failed} of ${names.length} benches failed`)
  return failed > 0 ? 1 : 0
}
