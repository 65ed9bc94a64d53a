// Who is measured: one row each. What a driver is, bench/peers/README.md says.

import type { ProgramName } from '../../scripts/bench-peers.d.mts'
import type { Mode } from './modes.ts'

export interface Client {
  readonly name: string
  readonly program: ProgramName
  readonly modes: readonly Mode[]
  /** Arguments that differ from every other client's. */
  readonly settings?: Readonly<Record<string, string | number>>
  /** Runs under the Node that npm was started with instead of the newer one. */
  readonly oldNode?: boolean
  /** A variant: measured in `dispatch` alone, and no goal compares with it. */
  readonly variantOf?: string
}

const queued = ['dispatch', 'send', 'sendMany', 'one-by-one', 'paced'] as const
const unqueued = ['send', 'sendMany', 'one-by-one'] as const

export const clients: readonly Client[] = [
  { name: 'odradek', program: 'odradek', modes: [...queued, 'writable'] },
  {
    name: 'odradek-listening',
    program: 'odradek',
    modes: ['dispatch'],
    settings: { listen: 'true' },
    variantOf: 'odradek',
  },
  { name: 'odradek-node20', program: 'odradek', modes: ['dispatch'], oldNode: true, variantOf: 'odradek' },
  { name: 'librdkafka', program: 'librdkafka', modes: queued },
  {
    name: 'librdkafka-unsafe',
    program: 'librdkafka',
    modes: ['dispatch'],
    settings: { idempotent: 'false' },
    variantOf: 'librdkafka',
  },
  { name: 'franz-go', program: 'franz-go', modes: queued },
  { name: 'java', program: 'java', modes: queued, settings: { batchBytes: 1_000_000 } },
  { name: 'java-defaults', program: 'java', modes: ['dispatch'], variantOf: 'java' },
  { name: 'node-rdkafka', program: 'node-rdkafka', modes: queued },
  { name: 'platformatic', program: 'platformatic', modes: unqueued },
  { name: 'kafkajs', program: 'kafkajs', modes: unqueued },
]
