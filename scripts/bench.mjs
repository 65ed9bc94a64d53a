// `npm run bench`: runs every bench/<name>.ts, or those named, each in a process of its own.

import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { install } from './setup.mjs'
import { cacheFolder, root, run } from './steps.mjs'

const all = existsSync(join(root, 'bench'))
  ? readdirSync(join(root, 'bench'))
      .filter(file => file.endsWith('.ts'))
      .map(file => file.slice(0, -3))
      .sort()
  : []
const wanted = process.argv.slice(2)
const unknown = wanted.filter(name => !all.includes(name))

if (unknown.length > 0) {
  console.error(`no such bench: ${unknown.join(', ')}. There are: ${all.join(', ')}`)
  process.exitCode = 2
} else {
  await install()
  process.exitCode = await runBenches(wanted.length > 0 ? wanted : all)
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
