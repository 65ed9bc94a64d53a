// The file that a run leaves behind, docs/performance/results.json when it was a full one.

import type { Machine } from './machine.ts'
import type { Run } from './statistics.ts'

export interface Results {
  readonly date: string
  readonly machine: Machine
  /** By name: of the broker, the runtimes, the clients. */
  readonly versions: Readonly<Record<string, string>>
  readonly options: {
    readonly brokers: number
    readonly partitions: number
    readonly codec: string
    readonly rounds: number
    readonly seconds: number
    readonly warmUp: number
    readonly queueKbytes: number
    readonly queueMessages: number
  }
  readonly minutes: number
  readonly runs: readonly Run[]
  readonly requests: readonly RequestCount[]
  /** What benches of parts measured, by name. */
  readonly parts: Readonly<Record<string, number>>
}

/** From a pass of its own through a proxy that counts. */
export interface RequestCount {
  readonly client: string
  readonly mode: string
  readonly perThousand: number
}
