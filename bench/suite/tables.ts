// What was measured, as tables: one for each mode, size and load, the fastest first.

import { groupBy, type Summary } from './statistics.ts'
import { type Cell, columns } from './table.ts'

const head = [
  '',
  'msg/s',
  'best',
  'x best peer',
  'MB/s',
  'CPU-s/M',
  'best',
  'peak MB',
  'GC %',
  'GC ms',
  'p50',
  'p99',
  'p99.9',
]

const isOurs = ({ client }: Summary): boolean => client.startsWith('odradek')

function row(summary: Summary, bestPeer: number): Cell[] {
  const { client, size, rate, cpuPerMillion, peakRssBytes, gc, latencyMs } = summary
  const ms = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(value < 10 ? 2 : 0))
  return [
    client,
    Math.round(rate.median),
    Math.round(rate.best),
    Number.isFinite(bestPeer) ? (rate.median / bestPeer).toFixed(2) : '',
    ((rate.median * size) / 1e6).toFixed(1),
    cpuPerMillion.median.toFixed(2),
    cpuPerMillion.best.toFixed(2),
    Math.round(peakRssBytes / 1e6),
    gc === null ? '' : (gc.share * 100).toFixed(1),
    ms(gc?.longestMs),
    ms(latencyMs?.p50),
    ms(latencyMs?.p99),
    ms(latencyMs?.p999),
  ]
}

/** All of them, one after the other, for the terminal. */
export function tables(summaries: readonly Summary[]): string {
  const groups = groupBy(summaries, ({ mode, size, load }) => `${mode}, ${size} B${load === null ? '' : `, ${load}`}`)
  const parts = [...groups].map(([title, group]) => {
    const sorted = [...group].sort((a, b) => b.rate.median - a.rate.median)
    const bestPeer = Math.max(...sorted.filter(summary => !isOurs(summary)).map(({ rate }) => rate.median))
    return `${title}\n${columns(
      head,
      sorted.map(summary => row(summary, bestPeer)),
    )}`
  })
  return parts.join('\n\n')
}
