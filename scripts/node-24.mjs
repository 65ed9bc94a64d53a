// A newer Node, for what the oldest supported one lacks, zstd above all. npm has the program itself as a package for each
// platform (what the package `node` fetches when it is installed); it is kept in the ignored .cache/.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, npm, run, vitestStep } from './steps.mjs'

const version = '24.21.0'

/** Resolves with the program's path, or with null and the reason on the console where it cannot be had. */
export async function node24() {
  const system = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${system}-${process.arch}`
  const folder = cacheFolder('node-24')
  const program = join(folder, version, 'node_modules', name, 'bin', system === 'win' ? 'node.exe' : 'node')
  if (existsSync(program)) return program
  console.log(`Fetching Node ${version} (npm, once) ...`)
  const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const { code, output } = await run(
    ...npm('install', '--prefix', join(folder, version), ...options, `${name}@${version}`),
    { capture: true },
  )
  if (code === 0 && existsSync(program)) return program
  const reason = `Node ${version} cannot be fetched: ${output.trim()}`
  if (process.env.CI) throw new Error(reason)
  console.log(`skipped: ${reason}`)
  return null
}

/** Some of vitest's files under Node 24. */
export function node24Step(name, config, files) {
  return {
    name: `${name}, under Node ${version}`,
    async run() {
      const node = await node24()
      if (node === null) return { passed: 0, failed: 0, skipped: 1 }
      return vitestStep(name, config, { node, files }).run()
    },
  }
}
