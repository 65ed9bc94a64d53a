// Where something was measured.

import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryBytes: number
  readonly system: string
  /** How many programs wanted to run, on average over the minute before. */
  readonly loadBefore: number
}

function systemName(): string {
  const kernel = `${type()} ${release().split('.').slice(0, 2).join('.')}`
  const file = '/etc/os-release'
  const name = existsSync(file) ? /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined
  return name === undefined ? kernel : `${name}, ${kernel}`
}

export function machine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: systemName(),
    loadBefore: Number(loadavg()[0]?.toFixed(2)),
  }
}
