// What single parts cost beside a yardstick, and whether that became more than bench/reference.json says. Both are measured
// in turns, so briefly and so often that each finds moments in which nothing disturbs it; the least of each counts. Run it
// with `npm run bench:check`; `--strict` makes a regression a failure, `--write` makes what is found the reference.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crc32c } from '../src/protocol/crc32c.ts'
import { dispatching } from './parts/dispatching.ts'
import { encoding } from './parts/encoding.ts'
import { requests, responses } from './parts/envelopes.ts'
import { yardstick } from './parts/yardstick.ts'
import type { Contender } from './support/measure.ts'

const allowed = 0.1
const rounds = 200
const warmUpRounds = 12
const messages = 5000
const file = join(process.cwd(), 'bench/reference.json')

type References = Record<string, Record<string, number>>

const { values: flags } = parseArgs({
  options: { strict: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
})

const batch = Uint8Array.from({ length: messages * 100 }, (_, i) => (i * 2_654_435_761) >>> 13)
const { contenders, close } = dispatching()
const parts: readonly Contender[] = [
  ...encoding.map(({ name, run }) => ({ name: `encode, ${name}`, run })),
  { name: 'crc32c', run: () => void crc32c(batch, 0, batch.length) },
  ...[...requests, ...responses].filter(({ name }) => name.includes(' 12 ')),
  // Long enough for some garbage to be collected in each.
  ...contenders.map(({ name, run }) => ({ name, run: (count: number) => run(4 * count) })),
]

/** Microseconds of this process. */
async function cost(run: Contender['run']): Promise<number> {
  const before = process.cpuUsage()
  await run(messages)
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** How many yardsticks each part costs. */
async function measure(): Promise<Record<string, number>> {
  const least = parts.map(({ name, run }) => ({ name, run, own: Infinity, yard: Infinity }))
  for (let round = -warmUpRounds; round < rounds; round++) {
    for (const part of least) {
      const yard = await cost(yardstick)
      const own = await cost(part.run)
      if (round < 0) continue
      part.yard = Math.min(part.yard, yard)
      part.own = Math.min(part.own, own)
    }
  }
  return Object.fromEntries(least.map(({ name, own, yard }) => [name, Number((own / yard).toFixed(3))]))
}

const node = `Node ${process.versions.node.split('.')[0]}`
const references = JSON.parse(readFileSync(file, 'utf8')) as References
const measured = await measure()
await close()
const known = references[node]
if (flags.write) {
  writeFileSync(file, `${JSON.stringify({ ...references, [node]: measured }, null, 2)}\n`)
} else if (known === undefined) {
  console.log(`no reference for ${node}, only for ${Object.keys(references).join(', ')}`)
}
for (const [name, ratio] of Object.entries(measured)) {
  const reference = known?.[name]
  const change = ratio / (reference ?? NaN) - 1
  const percent = `${change < 0 ? '' : '+'}${(change * 100).toFixed(0)} %`
  const verdict = change > allowed ? 'SLOWER' : change < -allowed ? 'faster' : ''
  const beside =
    reference === undefined ? 'no reference' : `reference ${reference.toFixed(3)}  ${percent.padStart(6)}  ${verdict}`
  console.log(`${name.padEnd(46)} ${ratio.toFixed(3).padStart(7)}  ${beside}`.trimEnd())
  if (flags.strict && change > allowed) process.exitCode = 1
}
