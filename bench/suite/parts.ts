// What the benches of single parts find out for the goals: each is a program of its own, which leaves its figures in a file.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const benches = ['import', 'scale']

export async function measureParts(root: string, say: (line: string) => void): Promise<Record<string, number>> {
  const file = join(root, '.cache/bench/figures.json')
  const figures: Record<string, number> = {}
  for (const bench of benches) {
    say(`bench/${bench}.ts`)
    rmSync(file, { force: true })
    const program = join(root, 'bench', `${bench}.ts`)
    const env = { ...process.env, BENCH_FIGURES: file }
    const child = spawn(process.execPath, ['--expose-gc', program], {
      cwd: root,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const [code] = await once(child, 'exit')
    if (code === 0 && existsSync(file)) Object.assign(figures, JSON.parse(readFileSync(file, 'utf8')))
    else {
      say(`bench/${bench}.ts: FAILED`)
      process.exitCode = 1
    }
  }
  return figures
}
