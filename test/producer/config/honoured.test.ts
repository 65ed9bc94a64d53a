import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { describeProperties } from '../../../src/producer/config/describe.ts'
import { plugIns } from '../../../src/producer/config/options.ts'

const root = new URL('../../../src/', import.meta.url)
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map(file => file.replaceAll('\\', '/'))
  .filter(file => file.endsWith('.ts') && !file.startsWith('producer/config/'))
  .map(file => readFileSync(new URL(file, root), 'utf8'))
  .join('\n')

// What configuration itself turns into something else, which is read.
const translated = new Set([
  'metadata.broker.list',
  'queue.buffering.max.kbytes',
  'enable.sasl.oauthbearer.unsecure.jwt',
])

const properties = describeProperties().filter(({ use, name }) => use === 'honoured' && !translated.has(name))
const options = Object.entries(plugIns).filter(([, { use }]) => use !== 'unbuilt')

test.each(properties.map(({ name }) => name))(
  '%s is honoured, so it is read where something is done about it',
  name => {
    expect(
      sources.includes(`'${name}'`) || sources.includes(`properties.${name}`) || sources.includes(`profile.${name}`),
    ).toBe(true)
  },
)

test.each(options.map(([name]) => name))('the option %s is read, too', name => {
  expect(sources).toMatch(new RegExp(`(options|plugged)\\??\\.${name}\\b|[{,] ${name}[ ,}=]`))
})
