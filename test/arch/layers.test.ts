// The house rules that a machine can check: who imports whom, what is public, which words are not welcome.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

function filesBelow(folder: string, endings: RegExp): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && endings.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'))
    .filter(file => !file.includes('node_modules/'))
    .sort()
}

/** Which rooms a room may look into, besides itself. `entry` is what users can import. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  ground: [],
  protocol: ['ground'],
  compression: ['ground'],
  partitioners: ['ground'],
  cluster: ['ground', 'protocol', 'compression', 'partitioners'],
  producer: ['ground', 'protocol', 'compression', 'partitioners', 'cluster'],
  conveniences: ['ground', 'producer'],
  entry: ['ground', 'protocol', 'compression', 'partitioners', 'cluster', 'producer', 'conveniences'],
  mock: ['ground', 'protocol', 'compression'],
  cli: ['entry'],
}
const conveniences = ['registry', 'pool', 'checkpoint', 'heroku', 'presets'].map(name => `src/${name}.ts`)

function roomOf(file: string): string {
  if (file === 'src/index.ts') return 'entry'
  if (conveniences.includes(file)) return 'conveniences'
  const folder = file.split('/')[1] ?? ''
  return folder.endsWith('.ts') || folder === 'hashes' || folder === 'sasl' ? 'ground' : folder
}

/** `node:` modules and the files that may use them, by how their path begins. Elsewhere nothing touches the outside. */
const nodeModules: Readonly<Record<string, readonly string[]>> = {
  net: ['src/cluster/node-transport.ts', 'src/mock/listener.ts'],
  tls: ['src/cluster/node-transport.ts', 'src/cluster/tls.ts', 'src/cluster/rustls.ts', 'src/mock/listener.ts'],
  dns: ['src/cluster/node-transport.ts'],
  fs: ['src/cluster/config-files.ts'],
  path: ['src/cluster/config-files.ts'],
  http: ['src/cluster/http-request.ts'],
  https: ['src/cluster/http-request.ts'],
  zlib: ['src/compression/'],
  crypto: ['src/sasl/', 'src/cluster/rustls.ts'],
  buffer: ['src/'],
}

/** Files that are long by nature: one table of data each. */
const dataTables: readonly string[] = ['src/producer/config/properties.ts']
const longestFile = 330

interface Import {
  readonly from: string
  readonly to: string
}

const entryPoints = ['src/index.ts', 'src/mock/index.ts']
const folders = ['src', 'test', 'bench', 'docs', 'examples', 'scripts']
const sources = filesBelow('src', /\.ts$/)
const imports: readonly Import[] = sources.flatMap(from =>
  ts.preProcessFile(read(from), true, true).importedFiles.map(({ fileName }) => ({
    from,
    to: fileName.startsWith('.') ? join(dirname(from), fileName).replaceAll('\\', '/') : fileName,
  })),
)
const inner = imports.filter(({ to }) => to.startsWith('src/'))
const outer = imports.filter(({ to }) => !to.startsWith('src/'))
const named: readonly Import[] = sources.flatMap(from =>
  [...read(from).matchAll(/['"](node:[\w/]+)['"]/g)].map(([, to = '']) => ({ from, to })),
)
const arrow = ({ from, to }: Import): string => `${from} -> ${to}`

describe('rooms', () => {
  test('every file is in a room that is known', () => {
    expect(sources.filter(file => rooms[roomOf(file)] === undefined)).toEqual([])
  })

  test('a room imports only from the rooms below it', () => {
    const upward = inner.filter(({ from, to }) => {
      const [room, target] = [roomOf(from), roomOf(to)]
      if (room === 'cli' && to === 'src/mock/index.ts') return false // the other entry point that users have
      if (from.startsWith('src/mock/recording-') && ['producer', 'cluster'].includes(target)) return false // it is one
      return room !== target && !rooms[room]?.includes(target)
    })
    expect(upward.map(arrow)).toEqual([])
  })

  test('a file imports files that exist, by their full name', () => {
    expect(inner.filter(({ to }) => !sources.includes(to)).map(arrow)).toEqual([])
  })

  test('no imports run in a circle, types included', () => {
    const next = new Map(sources.map(file => [file, inner.filter(({ from }) => from === file).map(({ to }) => to)]))
    expect(findCycle(next)).toEqual([])
  })

  test('node: modules are used only where the outside world is met', () => {
    const strays = [...outer, ...named].filter(({ from, to }) => {
      if (roomOf(from) === 'cli') return false
      const allowed = nodeModules[to.replace('node:', '').split('/')[0] ?? '']
      return !to.startsWith('node:') || !allowed?.some(path => from.startsWith(path))
    })
    expect(strays.map(arrow)).toEqual([])
  })

  test('a producer loads a node: module when it first needs it, and none but node:buffer with itself', () => {
    const early = sources
      .filter(from => !['cli', 'mock'].includes(roomOf(from)))
      .flatMap(from => loadedWith(from).map(to => ({ from, to })))
      .filter(({ to }) => to.startsWith('node:') && to !== 'node:buffer')
    expect(early.map(arrow)).toEqual([])
  })

  test('the command line takes one package from outside, its progress bar', () => {
    const packages = outer.filter(({ from, to }) => roomOf(from) === 'cli' && !to.startsWith('node:'))
    expect([...new Set(packages.map(({ to }) => to))].filter(name => name !== 'cli-progress')).toEqual([])
  })
})

describe('files', () => {
  test('no name says nothing', () => {
    const vague = /(^|[-/])(utils?|helpers?|common|misc|shared)([-./]|$)/
    const all = [...sources, ...filesBelow('test', /\.[cm]?[jt]s$/), ...filesBelow('scripts', /\.mjs$/)]
    expect(all.filter(file => vague.test(file))).toEqual([])
  })

  test('only entry points re-export', () => {
    const barrels = sources.filter(file =>
      statementsOf(file).some(
        statement => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined,
      ),
    )
    expect(barrels.filter(file => !entryPoints.includes(file))).toEqual([])
  })

  test(`no file is longer than ${longestFile} lines, tables of data excepted`, () => {
    const lengths = sources.map(file => ({ file, lines: read(file).trimEnd().split('\n').length }))
    const long = lengths.filter(({ file, lines }) => lines > longestFile && !dataTables.includes(file))
    expect(long.map(({ file, lines }) => `${file}: ${lines}`)).toEqual([])
  })

  test('every file opens by saying what it is for', () => {
    expect(sources.filter(file => !/^(#!.*\n)?\/\/ \S/.test(read(file)))).toEqual([])
  })

  test('nothing is left unfinished or unrun', () => {
    const marks = [
      ['TO', 'DO'],
      ['FIX', 'ME'],
      ['X', 'XX'],
    ].map(parts => `\\b${parts.join('')}\\b`)
    const modes = ['only', 'skip', 'todo'].map(mode => `\\b(it|test|describe)\\.${mode}\\b`)
    const bad = new RegExp([...marks, ...modes].join('|'))
    const all = folders.flatMap(folder => filesBelow(folder, /\.([cm]?[jt]s|md)$/))
    expect(all.filter(file => bad.test(read(file)))).toEqual([])
  })

  test('no code is made at run time', () => {
    expect(sources.filter(file => /\beval\(|\bFunction\(|setTimeout\(['"`]/.test(read(file)))).toEqual([])
  })

  test('the compiler is nowhere told to look away', () => {
    expect(sources.filter(file => /@ts-(ignore|expect-error|nocheck)/.test(read(file)))).toEqual([])
  })
})

describe('the public surface', () => {
  test.each(entryPoints)('%s is a sorted list of names', file => {
    const lists = statementsOf(file).map(statement => {
      if (!ts.isExportDeclaration(statement) || !statement.exportClause || !ts.isNamedExports(statement.exportClause)) {
        throw new Error(`${file} holds something else than named exports: ${statement.getText().slice(0, 80)}`)
      }
      return statement.exportClause.elements.map(element => element.name.text)
    })
    const collator = new Intl.Collator('en', { numeric: true })
    for (const names of lists) expect(names).toEqual([...names].sort(collator.compare))
    expect(new Set(lists.flat()).size).toBe(lists.flat().length)
  })

  test('the package brings no other package along', () => {
    const manifest = JSON.parse(read('package.json')) as Record<string, object | undefined>
    for (const field of ['dependencies', 'optionalDependencies', 'bundledDependencies']) {
      expect(Object.keys(manifest[field] ?? {}), field).toEqual([])
    }
    const scripts = Object.keys(manifest.scripts ?? {})
    expect(scripts.filter(name => /install|prepare/.test(name))).toEqual([])
  })
})

/** What a file imports, types left out. */
function loadedWith(file: string): string[] {
  return statementsOf(file)
    .filter(ts.isImportDeclaration)
    .filter(({ importClause }) => importClause?.phaseModifier !== ts.SyntaxKind.TypeKeyword)
    .map(({ moduleSpecifier }) => moduleSpecifier.getText().slice(1, -1))
}

function statementsOf(file: string): readonly ts.Statement[] {
  return ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true).statements
}

/** The first circle found, as the files along it; empty when there is none. */
function findCycle(next: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return []
    for (const target of next.get(file) ?? []) {
      const cycle = visit(target, [...path, file])
      if (cycle.length > 0) return cycle
    }
    done.add(file)
    return []
  }
  for (const file of next.keys()) {
    const cycle = visit(file, [])
    if (cycle.length > 0) return cycle
  }
  return []
}
