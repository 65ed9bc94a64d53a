// docs/behaviours.md says which test holds what. It must not go stale.

import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const page = read('docs/behaviours.md')
const rows = page.split('\n').filter(line => /^\| (?!.*\| Held by \|)/.test(line))

test('every test that the page names exists', () => {
  const quoted = rows.flatMap(row =>
    [...row.matchAll(/`([\w/-]+\.test\.ts)` ("[^"]+"(?:, "[^"]+")*)/g)].flatMap(([, file = '', names = '']) =>
      [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ file: `test/${file}`, name })),
    ),
  )
  const missing = quoted.filter(({ file, name }) => {
    if (!existsSync(new URL(`../../${file}`, import.meta.url))) return true
    const source = read(file)
    return !["'", '"', '`'].some(quote => source.includes(`${quote}${name}${quote}`))
  })
  expect(missing).toEqual([])
  const files = rows.flatMap(row => row.match(/\.test\.ts`/g) ?? [])
  expect(new Set(quoted.map(({ file }) => file)).size).toBeGreaterThan(20)
  expect(quoted.length).toBeGreaterThanOrEqual(files.length)
})

test('every row of the page names a test, or says why there is none', () => {
  const held = / \| (`[\w/-]+\.test\.ts` "[^"]+"(, "[^"]+")*(; |(?= \|$)))+ \|$/
  const excused = / \| (not applicable: .+|not held by a test.*) \|$/
  expect(rows.filter(row => !held.test(row) && !excused.test(row))).toEqual([])
})

test('every row of the fault policy is on the page, with a test that knows its name', () => {
  const names = [...read('src/producer/outcome.ts').matchAll(/^ {2}([A-Z_]+): row\('(\w+)'/gm)]
  expect(names.length).toBeGreaterThan(20)
  const unheld = names.filter(([, name = '', action = '']) => {
    const row = rows.find(line => line.startsWith(`| \`${name}\`: ${action}`))
    const files = row?.match(/[\w/-]+\.test\.ts/g) ?? []
    return name === 'NONE' ? row === undefined : !files.some(file => read(`test/${file}`).includes(`'${name}`))
  })
  expect(unheld.map(([, name]) => name)).toEqual([])
})
