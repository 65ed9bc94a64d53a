// Where something was measured.

import { readFileSync } from 'node:fs'
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
  try {
    const name = /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
    if (name !== undefined) return `${name}, ${type()} ${release()}`
  } catch {}
  return `${type()} ${release()}`
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
