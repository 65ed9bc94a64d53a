import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const folder = new URL('../../examples/testing/', import.meta.url)
const page = readFileSync(new URL('../../docs/testing.md', import.meta.url), 'utf8')
const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())

test.each(files.map(({ parentPath, name }) => `${parentPath}/${name}`))(
  '%s stands in docs/testing.md as it is',
  file => {
    const [, code = ''] = readFileSync(file, 'utf8').split(/\n\n(.*)/s)
    expect(page).toContain(code.trimEnd())
  },
)
