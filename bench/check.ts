// What single parts cost beside a yardstick, and whether that became more than bench/reference.json says. Both are measured
// in turns, briefly, so that each finds a moment in which nothing disturbs it; the least of each counts. What a compiler
// makes of the same code differs from process to process, so there are some, and their median counts. Run it with
// `npm run bench:check`; `--strict` makes a regression a failure, `--write` makes what is found the reference.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crc32c } from '../src/protocol/crc32c.ts'
import { dispatching } from './parts/dispatching.ts'
import { encoding } from './parts/encoding.ts'
import { requests, responses } from './parts/envelopes.ts'
import { yardstick } from './parts/yardstick.ts'
import { median } from './suite/statistics.ts'
import type { Contender } from './support/measure.ts'

const allowed = 0.1
const processes = 9
const rounds = 25
const warmUpRounds = 10
const messages = 5000
const file = join(process.cwd(), 'bench/reference.json')

type Costs = Readonly<Record<string, number>>

const batch = Uint8Array.from({ length: messages * 100 }, (_, i) => (i * 2_654_435_761) >>> 13)
const { contenders, close } = dispatching()
const parts: readonly Contender[] = [
  ...encoding.map(({ name, run }) => ({ name: `encode, ${name}`, run })),
  { name: 'crc32c', run: () => void crc32c(batch, 0, batch.length) },
  ...[...requests, ...responses].filter(({ name }) => name.includes(' 12 ')),
  // Long enough for some garbage to be collected in each.
  ...contenders.map(({ name, run }) => ({ name, run: (count: number) => run(2 * count) })),
]

/** Microseconds of this process. */
async function cost(run: Contender['run']): Promise<number> {
  const before = process.cpuUsage()
  await run(messages)
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** How many yardsticks each part costs, in this process. */
async function sample(): Promise<Costs> {
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
  await close()
  return Object.fromEntries(least.map(({ name, own, yard }) => [name, own / yard]))
}

function measure(): Costs {
  const command = [...process.execArgv, process.argv[1] ?? '', '--sample']
  const samples = Array.from({ length: processes }, () => {
    return JSON.parse(execFileSync(process.execPath, command, { encoding: 'utf8' })) as Costs
  })
  return Object.fromEntries(parts.map(({ name }) => [name, median(samples.map(costs => costs[name] ?? NaN))]))
}

function compareWithReference(strict: boolean, write: boolean): void {
  const node = `Node ${process.versions.node.split('.')[0]}`
  const references = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Costs>
  const known = references[node] ?? {}
  const measured = Object.entries(measure()).map(([name, ratio]) => [name, Number(ratio.toFixed(3))] as const)
  for (const [name, ratio] of measured) {
    const reference = known[name]
    const change = ratio / (reference ?? NaN) - 1
    const percent = `${change < 0 ? '' : '+'}${(change * 100).toFixed(0)} %`.padStart(6)
    const verdict = change > allowed ? 'SLOWER' : change < -allowed ? 'faster' : ''
    const beside =
      reference === undefined ? `no reference for ${node}` : `reference ${reference}  ${percent}  ${verdict}`
    console.log(`${name.padEnd(46)} ${ratio.toFixed(3).padStart(7)}  ${beside}`.trimEnd())
    if (strict && change > allowed) process.exitCode = 1
  }
  const text = JSON.stringify({ ...references, [node]: Object.fromEntries(measured) }, null, 2)
  if (write) writeFileSync(file, `${text}\n`)
}

const flag = { type: 'boolean', default: false } as const
const { values } = parseArgs({ options: { strict: flag, write: flag, sample: flag } })
if (values.sample) console.log(JSON.stringify(await sample()))
else compareWithReference(values.strict, values.write)
