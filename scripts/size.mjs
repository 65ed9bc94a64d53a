// What an entry point weighs once a bundler is through with it, against a limit that only moves on purpose.

import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { isMain, root } from './steps.mjs'

/** Gzipped bytes. Raise a limit in the commit that needs it, and say there what the bytes buy. */
const limits = { 'esm/index.js': 66_000, 'esm/mock/index.js': 85_000, 'cli/main.js': 20_000 }

async function sizeOf(entry) {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'dist', entry)],
    bundle: true,
    minify: true,
    write: false,
    platform: 'node',
    format: 'esm',
    external: entry.startsWith('cli/') ? ['../esm/*'] : [],
    logLevel: 'error',
  })
  const bytes = outputFiles[0].contents
  return { minified: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length }
}

/** Throws when an entry point is over its limit; otherwise says what each weighs. */
export async function checkSize() {
  const lines = []
  const over = []
  for (const [entry, limit] of Object.entries(limits)) {
    const { minified, gzipped } = await sizeOf(entry)
    const line = `${entry}: ${minified} bytes minified, ${gzipped} gzipped (limit ${limit})`
    lines.push(line)
    if (gzipped > limit) over.push(line)
  }
  if (over.length > 0) throw new Error(`over the limit:\n${over.join('\n')}`)
  return lines.join('\n')
}

if (isMain(import.meta)) console.log(await checkSize())
