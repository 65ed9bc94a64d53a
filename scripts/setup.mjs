// Makes a clone ready to run: installs the development tools and builds, each only when missing or stale.

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, isMain, must, npm, root, tool } from './steps.mjs'

const oldestNode = [20, 19]

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
    throw new Error(`Node ${process.versions.node} is too old: ${oldestNode.join('.')} or newer is needed`)
  }
}

const readJson = path => JSON.parse(readFileSync(join(root, path), 'utf8'))

/** Compares what npm says it installed with what the lock file asks for. Packages of other platforms are optional. */
function installed() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false
  const present = readJson('node_modules/.package-lock.json').packages
  const wanted = Object.entries(readJson('package-lock.json').packages)
  return wanted.every(([path, { version, optional, devOptional, peer }]) => {
    if (path === '') return true
    const found = present[path]
    return found === undefined ? optional || devOptional || peer : found.version === version
  })
}

function filesOf(path) {
  const full = join(root, path)
  if (!existsSync(full)) return []
  if (!statSync(full).isDirectory()) return [path]
  return readdirSync(full)
    .sort()
    .flatMap(name => filesOf(join(path, name)))
}

/** By content, not by time: a checkout gives every file a new time. */
function sourceHash() {
  const hash = createHash('sha256')
  for (const file of ['src', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsup.config.ts'].flatMap(filesOf)) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  }
  return hash.digest('hex')
}

/** Installs with `npm ci` when something is missing or of another version. */
export async function install() {
  checkNode()
  if (installed()) return
  console.log('Installing the development tools (npm ci) ...')
  await must(...npm('ci', '--no-audit', '--no-fund', '--loglevel=error'))
}

/** Installs and builds `dist/` when the sources are not the ones it was built from. */
export async function setUp() {
  await install()
  const stamp = join(cacheFolder('build'), 'sources')
  const hash = sourceHash()
  const upToDate = existsSync(stamp) && existsSync(join(root, 'dist')) && readFileSync(stamp, 'utf8') === hash
  if (upToDate) return
  console.log('Building dist/ ...')
  await must(...tool('tsup', '--silent'), { capture: true })
  writeFileSync(stamp, hash)
}

if (isMain(import.meta)) await setUp()
