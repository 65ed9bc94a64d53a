// What is measured, and in which order: every client of a comparison in turns, each round beginning with another one.

import { type Client, isVariant } from './clients.ts'
import { type Mode, modes } from './modes.ts'
import type { Options } from './options.ts'
import type { Summary } from './statistics.ts'

/** One client, one mode, one size, one speed. */
export interface Task {
  readonly client: Client
  readonly mode: Mode
  readonly size: number
  /** What the speed is called, where it is not as fast as it goes. */
  readonly load?: string
  /** Messages a second. */
  readonly rate?: number
}

/** Tasks that are compared with each other. */
export type Comparison = readonly Task[]

/** Everything but `paced`, which needs to know first how fast each client is. */
export function comparisons({ modes: wanted, clients, sizes, quick }: Options): Comparison[] {
  const asked = wanted.includes('paced') ? [...new Set<Mode>(['dispatch', 'send', ...wanted])] : wanted
  return asked
    .filter(mode => mode !== 'paced')
    .flatMap(mode => {
      const those = clients.filter(client => client.modes.includes(mode))
      const sizesOf = sizes ?? (quick && mode !== 'dispatch' ? modes[mode].sizes.slice(0, 1) : modes[mode].sizes)
      return sizesOf.map((size, i) => {
        const present = those.filter(client => i === 0 || !isVariant(client))
        return present.map(client => ({ client, mode, size }))
      })
    })
    .filter(comparison => comparison.length > 0)
}

const shares = [10, 50, 80]
export const ownLoad = (percent: number): string => `${percent} % of its own most`
/** The speed that is the same for all. */
export const commonLoad = "half of Java's most"

/** Shares of what each client did at most, and one speed for all, where the summaries know it. */
export function pacedComparisons(options: Options, summaries: readonly Summary[]): Comparison[] {
  if (!options.modes.includes('paced')) return []
  const most = (client: Client, size: number): number | undefined =>
    summaries.find(one => one.client === client.name && one.mode === client.pacedLike && one.size === size)?.rate.median
  const able = options.clients.filter(client => client.modes.includes('paced') && !isVariant(client))
  const java = able.find(({ name }) => name === 'Java')
  return (options.sizes ?? modes.paced.sizes).flatMap(size => {
    const task = (client: Client, load: string, rate: number | undefined): Task[] =>
      rate === undefined ? [] : [{ client, mode: 'paced', size, load, rate: Math.round(rate) }]
    const own = (options.quick ? [] : shares).map(percent =>
      able.flatMap(client => task(client, ownLoad(percent), ((most(client, size) ?? NaN) * percent) / 100)),
    )
    const half = java && (most(java, size) ?? NaN) / 2
    const common = able
      .filter(client => half !== undefined && (most(client, size) ?? 0) > half)
      .flatMap(client => task(client, commonLoad, half))
    return [...own, common].map(comparison => comparison.filter(({ rate }) => Number.isFinite(rate)))
  })
}

/** Whose requests are counted, and in which modes: one size is enough for that. */
export function countedTasks(options: Options): Task[] {
  const telling: readonly Mode[] = options.quick ? ['send'] : ['dispatch', 'send', 'sendMany', 'writable']
  return comparisons(options)
    .flat()
    .filter(({ client, mode, size }) => {
      const firstSize = (options.sizes ?? modes[mode].sizes)[0]
      return telling.includes(mode) && size === firstSize && !isVariant(client)
    })
}

/** Paced comparisons are many, and each of them long: two rounds are enough. */
export const roundsOf = (comparison: Comparison, rounds: number): number =>
  comparison[0]?.mode === 'paced' ? Math.min(2, rounds) : rounds

/** The rounds of a comparison one after the other, each beginning one further on, so that no one is always the first. */
export function inTurns(comparison: Comparison, rounds: number): { readonly task: Task; readonly round: number }[] {
  return Array.from({ length: rounds }, (_, round) => {
    const from = round % comparison.length
    return [...comparison.slice(from), ...comparison.slice(0, from)].map(task => ({ task, round }))
  }).flat()
}
