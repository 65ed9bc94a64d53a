// What many rounds come to.

import type { Percentiles, Result } from './drive.ts'

export interface Run extends Result {
  readonly client: string
  readonly mode: string
  readonly size: number
  /** How fast it was asked to go, and what that is called; absent where it was as fast as it can. */
  readonly load?: string
  readonly rate?: number
}

export interface Summary {
  readonly client: string
  readonly mode: string
  readonly size: number
  readonly load: string | null
  readonly rounds: number
  /** Messages a second. */
  readonly rate: { readonly median: number; readonly best: number }
  /** CPU seconds of the client's process for a million messages. */
  readonly cpuPerMillion: { readonly median: number; readonly best: number }
  readonly peakRssBytes: number
  readonly gc: { readonly share: number; readonly longestMs: number } | null
  readonly latencyMs: Percentiles | null
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = NaN, high = NaN] = sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1)
  return (low + high) / 2
}

/** As Map.groupBy, which Node 20 lacks. */
export function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}

const keyOf = ({ client, mode, size, load }: Run): string => `${mode} ${size} ${load ?? ''} ${client}`

/** One summary for all rounds of the same, in the order in which they first came. */
export function summarize(runs: readonly Run[]): Summary[] {
  const groups = groupBy(runs, keyOf)
  return [...groups.values()].flatMap(group => (group[0] === undefined ? [] : [summary(group[0], group)]))
}

function summary({ client, mode, size, load = undefined }: Run, runs: readonly Run[]): Summary {
  const rates = runs.map(({ acknowledged, seconds }) => acknowledged / seconds)
  const cpus = runs.map(run => ((run.cpuUserSeconds + run.cpuSystemSeconds) / run.acknowledged) * 1e6)
  const collections = runs.flatMap(({ gc, seconds }) => (gc === null ? [] : { ...gc, share: gc.seconds / seconds }))
  const latencies = runs.flatMap(({ latencyMs }) => latencyMs ?? [])
  return {
    client,
    mode,
    size,
    load: load ?? null,
    rounds: runs.length,
    rate: { median: median(rates), best: Math.max(...rates) },
    cpuPerMillion: { median: median(cpus), best: Math.min(...cpus) },
    peakRssBytes: Math.max(...runs.map(({ peakRssBytes }) => peakRssBytes)),
    gc: collections.length === 0 ? null : collected(collections),
    latencyMs: latencies.length === 0 ? null : typical(latencies),
  }
}

const collected = (all: readonly { share: number; longestMs: number }[]) => ({
  share: median(all.map(({ share }) => share)),
  longestMs: Math.max(...all.map(({ longestMs }) => longestMs)),
})

const typical = (all: readonly Percentiles[]): Percentiles => ({
  p50: median(all.map(({ p50 }) => p50)),
  p99: median(all.map(({ p99 }) => p99)),
  p999: median(all.map(({ p999 }) => p999)),
  max: Math.max(...all.map(({ max }) => max)),
})
