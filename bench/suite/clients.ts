// Who is measured: one row each. What a driver is, bench/peers/README.md says.

import type { ProgramName } from '../../scripts/bench-peers.d.mts'
import type { Mode } from './modes.ts'

export interface Client {
  readonly name: string
  readonly program: ProgramName
  readonly modes: readonly Mode[]
  /** The mode whose messages it sends when it is paced. */
  readonly pacedLike?: Mode
  /** Arguments that differ from every other client's. */
  readonly settings?: Readonly<Record<string, string | number>>
  /** The only codecs that it brings, if these are not all. */
  readonly codecs?: readonly string[]
  /** Runs under the oldest Node there is support for, not under the one that all others have. */
  readonly oldNode?: true
  /** A variant has settings that the others do not have. No quick run has it, and nothing is compared with it. */
  readonly about?: string
}

const unqueued = ['send', 'sendMany', 'one-by-one'] as const
const queued = ['dispatch', ...unqueued, 'paced'] as const

export const clients: readonly Client[] = [
  { name: 'odradek', program: 'odradek', modes: [...queued, 'writable'], pacedLike: 'send' },
  {
    name: 'odradek, listening',
    program: 'odradek',
    modes: ['dispatch'],
    settings: { listen: 'true' },
    about: 'with a listener on `message.acknowledged`, so a call and a report for every message',
  },
  {
    name: 'odradek, Node 20',
    program: 'odradek',
    modes: ['dispatch'],
    oldNode: true,
    about: 'under Node 20 instead of 24',
  },
  { name: 'librdkafka', program: 'librdkafka', modes: queued, pacedLike: 'dispatch' },
  {
    name: 'librdkafka, not idempotent',
    program: 'librdkafka',
    modes: ['dispatch'],
    settings: { idempotent: 'false' },
    about: 'with `enable.idempotence` false, as it comes',
  },
  { name: 'franz-go', program: 'franz-go', modes: queued, pacedLike: 'dispatch' },
  {
    name: 'Java',
    program: 'java',
    modes: queued,
    pacedLike: 'dispatch',
    settings: { batchBytes: 1_000_000, warmUp: 4 },
  },
  {
    name: 'Java, as it comes',
    program: 'java',
    modes: ['dispatch'],
    about: 'with batches of 16 KB and 32 MB of buffer',
  },
  { name: 'node-rdkafka', program: 'node-rdkafka', modes: queued, pacedLike: 'send' },
  // As they come, which is their faster way: idempotent they have one request under way at a time.
  {
    name: 'platformatic',
    program: 'platformatic',
    modes: [...unqueued, 'writable'],
    settings: { idempotent: 'false' },
  },
  {
    name: 'kafkajs',
    program: 'kafkajs',
    modes: unqueued,
    settings: { idempotent: 'false' },
    codecs: ['none', 'gzip'],
  },
]

export const isVariant = ({ about }: Client): boolean => about !== undefined
export const isOurs = (name: string): boolean => name.startsWith('odradek')
const variantNames = new Set(clients.filter(isVariant).map(({ name }) => name))
/** Whether a summary's client is one that others are compared with. */
export const isPeer = (name: string): boolean => !isOurs(name) && !variantNames.has(name)
/** The name on the command line. */
export const optionOf = ({ name }: Client): string => name.toLowerCase().replaceAll(', ', '-').replaceAll(' ', '-')
