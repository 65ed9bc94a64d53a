// What it takes to import the package as it was built: time and memory beside a Node that imports nothing, each the median
// of many processes in turns, and what a bundler makes of it. Run it with `npm run bench -- import`.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { leave } from './support/figures.ts'

const times = 25
const entry = join(process.cwd(), 'dist/esm/index.js')
const folder = mkdtempSync(join(tmpdir(), 'odradek-import-'))
const empty = join(folder, 'empty.mjs')
writeFileSync(empty, '')
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? NaN

/**
 * Milliseconds and bytes of a process that runs this. It has imported a file before, as every program of modules has: what
 * Node needs for that is not ours. Its clock is one that is there from the start, `performance` is not.
 */
function measure(code: string): { ms: number; bytes: number } {
  const script = `await import(${JSON.stringify(pathToFileURL(empty))})
    const start = process.hrtime.bigint()
    ${code}
    const ms = Number(process.hrtime.bigint() - start) / 1e6
    console.log(JSON.stringify({ ms, bytes: process.memoryUsage.rss() }))`
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }))
}

async function minified(contents: string): Promise<number> {
  const stdin = { contents, resolveDir: process.cwd(), loader: 'js' } as const
  const options = { bundle: true, minify: true, write: false, platform: 'node', format: 'esm' } as const
  const { outputFiles } = await build({ stdin, ...options })
  return outputFiles[0]?.contents.length ?? NaN
}

const bare: ReturnType<typeof measure>[] = []
const ours: ReturnType<typeof measure>[] = []
for (let i = 0; i < times; i++) {
  bare.push(measure(''))
  ours.push(measure(`await import(${JSON.stringify(pathToFileURL(entry))})`))
}
rmSync(folder, { recursive: true })
const figures = {
  importMs: median(ours.map(({ ms }) => ms)),
  importBytes: median(ours.map(({ bytes }) => bytes)) - median(bare.map(({ bytes }) => bytes)),
  minifiedBytes: await minified(`export * from './dist/esm/index.js'`),
  producerBytes: await minified(`export { Producer } from './dist/esm/index.js'`),
}
console.log(
  `import: ${figures.importMs.toFixed(1)} ms, ${(figures.importBytes / 1e6).toFixed(1)} MB more than Node alone`,
)
console.log(`minified: ${figures.minifiedBytes} bytes, with nothing but Producer ${figures.producerBytes}`)
leave(figures)
