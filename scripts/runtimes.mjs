// Other runtimes than the one that runs this: pinned, and kept in the ignored .cache/. npm has the program itself as a
// package for each platform, which is what the packages `node`, `bun` and `deno` fetch when they are installed.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, npm, run, vitestStep } from './steps.mjs'

const { platform, arch } = process
const exe = platform === 'win32' ? '.exe' : ''
const nodePackage = `node-${platform === 'win32' ? 'win' : platform}-${arch}`
const bunPackage = `@oven/bun-${platform === 'win32' ? 'windows' : platform}-${arch === 'arm64' ? 'aarch64' : arch}`
const denoPackage = `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}`

/** Each with the package that holds its program, and where. */
const runtimes = {
  'Node 20': { name: nodePackage, version: '20.20.2', program: `bin/node${exe}` },
  'Node 22': { name: nodePackage, version: '22.23.3', program: `bin/node${exe}` },
  'Node 24': { name: nodePackage, version: '24.21.0', program: `bin/node${exe}` },
  Bun: { name: bunPackage, version: '1.4.5', program: `bin/bun${exe}` },
  Deno: { name: denoPackage, version: '2.9.6', program: `deno${exe}` },
}

/** The one that runs this. */
const own = `Node ${process.versions.node.split('.')[0]}`

/** Resolves with the program's path, or with null and the reason on the console where it cannot be had. */
export async function runtime(title) {
  if (title === own) return process.execPath
  const { name, version, program } = runtimes[title]
  const folder = join(cacheFolder('runtimes'), `${title.toLowerCase().replace(' ', '-')}-${version}`)
  const path = join(folder, 'node_modules', name, program)
  if (existsSync(path)) return path
  console.log(`Fetching ${title} ${version} (npm, once) ...`)
  const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const { code, output } = await run(...npm('install', '--prefix', folder, ...options, `${name}@${version}`), {
    capture: true,
  })
  if (code === 0 && existsSync(path)) return path
  const reason = `${title} ${version} cannot be fetched: ${output.trim()}`
  if (process.env.CI) throw new Error(reason)
  console.log(`skipped: ${reason}`)
  return null
}

// How vitest is run there: Bun would look for Node, and has no processes that vitest can work with.
const vitestUnder = { Bun: { before: ['--bun'], after: ['--pool=threads'] }, Deno: { before: ['run', '--allow-all'] } }

/** Some of vitest's files under another runtime. */
export function runtimeStep(title, name, config, files) {
  return {
    name: `${name}, under ${title}`,
    async run() {
      const program = await runtime(title)
      if (program === null) return { passed: 0, failed: 0, skipped: 1 }
      const { before = [], after = [] } = vitestUnder[title] ?? {}
      return vitestStep(name, config, { command: [program, ...before], files: [...after, ...files] }).run()
    },
  }
}
