// What was measured, as tables: one for each mode, size and load, the fastest first.

import { isPeer } from './clients.ts'
import { type Mode, modes } from './modes.ts'
import type { RequestCount } from './results.ts'
import { groupBy, type Summary } from './statistics.ts'
import type { Cell } from './table.ts'

export interface Ranking {
  readonly mode: Mode
  readonly size: number
  readonly load: string | null
  readonly title: string
  /** Sorted: the fastest first, or where there are latencies the one with the least. */
  readonly summaries: readonly Summary[]
  readonly head: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

interface Column {
  readonly name: string
  cell(summary: Summary, context: Context): Cell
}

interface Context {
  readonly bestPeer: number
  readonly perThousand: number | undefined
}

const digits = (value: number | undefined): string =>
  value === undefined ? '' : value.toFixed(value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0)
const ratio = (value: number, bestPeer: number): string =>
  Number.isFinite(bestPeer) ? (value / bestPeer).toFixed(2) : ''

const costs: readonly Column[] = [
  { name: 'CPU-s/M', cell: ({ cpuPerMillion }) => digits(cpuPerMillion.median) },
  { name: 'best', cell: ({ cpuPerMillion }) => digits(cpuPerMillion.best) },
  { name: 'peak MB', cell: ({ peakRssBytes }) => Math.round(peakRssBytes / 1e6) },
  { name: 'GC %', cell: ({ gc }) => (gc === null ? '' : (gc.share * 100).toFixed(1)) },
  { name: 'longest GC ms', cell: ({ gc }) => digits(gc?.longestMs) },
]

const fast: readonly Column[] = [
  { name: 'msg/s', cell: ({ rate }) => Math.round(rate.median) },
  { name: 'best', cell: ({ rate }) => Math.round(rate.best) },
  { name: 'MB/s', cell: ({ rate, size }) => digits((rate.median * size) / 1e6) },
  { name: '× best peer', cell: ({ rate }, { bestPeer }) => ratio(rate.median, bestPeer) },
  ...costs,
  { name: 'requests per 1,000', cell: (_, { perThousand }) => digits(perThousand) },
]

const prompt: readonly Column[] = [
  { name: 'msg/s', cell: ({ rate }) => Math.round(rate.median) },
  { name: 'p50 ms', cell: ({ latencyMs }) => digits(latencyMs?.p50) },
  { name: 'p99 ms', cell: ({ latencyMs }) => digits(latencyMs?.p99) },
  { name: 'p99.9 ms', cell: ({ latencyMs }) => digits(latencyMs?.p999) },
  { name: 'longest ms', cell: ({ latencyMs }) => digits(latencyMs?.max) },
  { name: 'p50 × best peer', cell: ({ latencyMs }, { bestPeer }) => ratio(latencyMs?.p50 ?? NaN, bestPeer) },
  ...costs,
]

export function rank(summaries: readonly Summary[], requests: readonly RequestCount[]): Ranking[] {
  const groups = groupBy(summaries, ({ mode, size, load }) => `${mode} ${size} ${load}`)
  return [...groups.values()].flatMap(group => {
    const [first] = group
    if (first === undefined) return []
    const { mode, size, load } = first as Summary & { mode: Mode }
    const isTimed = first.latencyMs !== null
    const order = (one: Summary): number => (isTimed ? (one.latencyMs?.p50 ?? 0) : -one.rate.median)
    const sorted = [...group].sort((a, b) => order(a) - order(b))
    const bestPeer = Math.abs(sorted.filter(({ client }) => isPeer(client)).map(order)[0] ?? Infinity)
    const columns = isTimed ? prompt : fast
    const rows = sorted.map(summary => {
      const counted = size === modes[mode].sizes[0] ? requests : []
      const found = counted.find(count => count.client === summary.client && count.mode === mode)
      const context = { bestPeer, perThousand: found?.perThousand }
      return [summary.client, ...columns.map(({ cell }) => cell(summary, context))]
    })
    return [
      {
        mode,
        size,
        load,
        title: `\`${mode}\`, ${size} B: ${load ?? modes[mode].about}`,
        summaries: sorted,
        head: ['', ...columns.map(({ name }) => name)],
        rows,
      },
    ]
  })
}
