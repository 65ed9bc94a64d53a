// The package as a user gets it: packed, installed into an empty folder, imported, required, type-checked and run.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must, npm, root, tool } from '../../scripts/steps.mjs'
import { runnerSteps } from './runners.mjs'

const folder = mkdtempSync(join(tmpdir(), 'odradek-package-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

const inFolder = { cwd: folder, capture: true, timeoutMs: 60_000 }
const node = (...args) => must(process.execPath, args, inFolder)

async function installTarball() {
  const [{ filename, files, unpackedSize }] = JSON.parse(
    await must(...npm('pack', '--json', '--loglevel=error', '--pack-destination', folder), { capture: true }),
  )
  const paths = files.map(file => file.path)
  for (const wanted of ['README.md', 'LICENSE', 'NOTICE', 'CHANGELOG.md', 'dist/cli/main.js']) {
    if (!paths.includes(wanted)) throw new Error(`the package lacks ${wanted}`)
  }
  const strays = paths.filter(path => /^(src|test|bench|scripts)\//.test(path))
  if (strays.length > 0) throw new Error(`the package holds ${strays.join(', ')}`)

  cpSync(join(root, 'test/package/app'), folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true }))
  await must(
    ...npm('install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', `./${filename}`),
    inFolder,
  )
  return `${files.length} files, ${unpackedSize} bytes unpacked`
}

async function noDependencies() {
  const tree = JSON.parse(
    await must(...npm('ls', '--prefix', folder, '--omit=dev', '--all', '--json', '--loglevel=error'), inFolder),
  )
  const { odradek, ...others } = tree.dependencies
  const below = Object.keys(odradek.dependencies ?? {})
  const beside = [
    ...Object.keys(others),
    ...readdirSync(join(folder, 'node_modules')).filter(name => /^[^.]/.test(name)),
  ]
  const strangers = [...below, ...beside.filter(name => name !== 'odradek')]
  if (strangers.length > 0) throw new Error(`installed beside the package: ${strangers.join(', ')}`)
}

/** Everything in a ```js block of the README is a program that runs as it stands. */
async function readmeExamples() {
  const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```js\n(.*?)^```$/gms)].map(
    match => match[1],
  )
  if (blocks.length === 0) throw new Error('the README has no example')
  for (const [index, code] of blocks.entries()) {
    writeFileSync(join(folder, `readme-${index}.mjs`), code)
    await node(`readme-${index}.mjs`)
  }
  return `${blocks.length} examples`
}

async function examples() {
  cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true })
  const files = readdirSync(join(folder, 'examples')).filter(file => /\.[cm]?js$/.test(file))
  if (files.length === 0) throw new Error('there are no examples')
  for (const file of files) await node(join('examples', file))
  return files.join(', ')
}

async function bin() {
  const command = join(folder, 'node_modules', '.bin', 'odradek')
  const version = await must(command, ['--version'], inFolder)
  const { version: wanted } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  if (version.trim() !== wanted) throw new Error(`--version says ${version.trim()}, the package is ${wanted}`)
  writeFileSync(join(folder, 'lines.txt'), 'one\ntwo\nthree')
  return must(command, ['produce', '-t', 'lines', 'lines.txt'], inFolder)
}

export const packageSteps = [
  { name: 'package: packs and installs into an empty folder', run: installTarball },
  { name: 'package: brings no dependency along', run: noDependencies },
  { name: 'package: import', run: () => node('import.mjs') },
  { name: 'package: require', run: () => node('require.cjs') },
  { name: 'package: the process ends by itself after close()', run: () => node('exit.mjs') },
  { name: 'package: types for import and require', run: () => must(...tool('tsc', '-p', folder), { capture: true }) },
  { name: 'package: the command line', run: bin },
  { name: 'package: the examples of the README', run: readmeExamples },
  { name: 'package: examples/', run: examples },
  ...runnerSteps(join(folder, 'node_modules/odradek')),
]
