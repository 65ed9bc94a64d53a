// What --summary prints: a row per partition, the rate, and how long deliveries took.

import type { DeliveryReport } from '../index.ts'

export interface Batches {
  readonly count: number
  /** As sent: compressed, and with their headers. */
  readonly bytes: number
}

interface Row {
  readonly topic: string
  readonly partition: number
  records: number
  bytes: number
}

/** Adds up deliveries as they are reported; its memory does not grow with their number. */
export class Summary {
  readonly #rows = new Map<string, Row>()
  readonly #latencies = new Latencies()

  /** `bytes`: of the line that the message was. */
  add(report: DeliveryReport, bytes: number): void {
    const { topic, partition } = report
    const name = `${topic}[${partition}]`
    let row = this.#rows.get(name)
    if (row === undefined) {
      row = { topic, partition, records: 0, bytes: 0 }
      this.#rows.set(name, row)
    }
    row.records++
    row.bytes += bytes
    this.#latencies.add(report.latencyMs)
  }

  /** `batchesOf` tells of the batches that a partition holds, where that can be known. */
  print(elapsedMs: number, batchesOf: ((topic: string, partition: number) => Batches) | null): string {
    const rows = [...this.#rows.values()].sort((a, b) => compare(a.topic, b.topic) || a.partition - b.partition)
    const head = ['topic', 'partition', 'records', 'bytes read']
    if (batchesOf !== null) head.push('batches', 'bytes sent', 'bytes/batch', 'records/batch')
    const sum = { records: 0, bytes: 0, batches: { count: 0, bytes: 0 } }
    const lines = rows.map(({ topic, partition, records, bytes }) => {
      const batches = batchesOf?.(topic, partition) ?? sum.batches
      sum.records += records
      sum.bytes += bytes
      if (batchesOf !== null) {
        sum.batches = { count: sum.batches.count + batches.count, bytes: sum.batches.bytes + batches.bytes }
      }
      return [topic, String(partition), ...cells({ records, bytes, batches })]
    })
    const table = [head, ...lines, ['all', '', ...cells(sum)]].map(line => line.slice(0, head.length))
    const perSecond = (amount: number): string => format((amount * 1000) / Math.max(elapsedMs, 1))
    return [
      columns(table),
      '',
      `rate     ${perSecond(sum.records)} records/s, ${perSecond(sum.bytes / 1e6)} MB/s over ${(elapsedMs / 1000).toFixed(2)} s`,
      `latency  ${this.#latencies.describe()}`,
      '',
    ].join('\n')
  }
}

function cells(row: { records: number; bytes: number; batches: Batches }): string[] {
  const { records, bytes, batches } = row
  const each = (amount: number): string => format(amount / Math.max(batches.count, 1))
  return [...[records, bytes, batches.count, batches.bytes].map(format), each(batches.bytes), each(records)]
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const format = (amount: number): string => amount.toLocaleString('en', { maximumFractionDigits: amount < 100 ? 1 : 0 })

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string[] =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
  return rows.map(row => line(row).join('  ')).join('\n')
}

// Buckets that are one percent wide each: good to one percent from a microsecond to an hour, in 18 kilobytes.
const growth = Math.log(1.01)
const smallestMs = 0.001
const bucketCount = Math.ceil(Math.log(3_600_000 / smallestMs) / growth) + 1

/** Durations, kept as counts. */
export class Latencies {
  readonly #counts = new Float64Array(bucketCount)
  #total = 0
  #max = 0

  add(ms: number): void {
    const bucket = Math.floor(Math.log(Math.max(ms, smallestMs) / smallestMs) / growth)
    const index = Math.min(bucket, bucketCount - 1)
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#total++
    this.#max = Math.max(this.#max, ms)
  }

  /** The duration (milliseconds, to one percent) that `share` of all do not exceed. */
  percentile(share: number): number {
    let left = this.#total * share
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count
      if (left <= 0 && count > 0) return Math.min(smallestMs * Math.exp((bucket + 1) * growth), this.#max)
    }
    return this.#max
  }

  describe(): string {
    if (this.#total === 0) return 'nothing was delivered'
    const shares = [0.5, 0.95, 0.99, 0.999]
    return [
      ...shares.map(share => `p${share * 100} ${format(this.percentile(share))} ms`),
      `max ${format(this.#max)} ms`,
    ].join(', ')
  }
}
