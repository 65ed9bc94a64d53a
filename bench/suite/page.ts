// docs/performance.md and its charts, out of the results of a run and of what was written by hand in bench/notes.

import { type Bar, barChart } from './chart.ts'
import { clients, isOurs } from './clients.ts'
import { goals } from './goals.ts'
import type { Results } from './results.ts'
import { summarize } from './statistics.ts'
import { markdown } from './table.ts'
import { type Ranking, rank } from './tables.ts'

/** By name of the file without its ending. */
export type Notes = Readonly<Record<string, string>>

const verdicts = new Map([
  [true, 'met'],
  [false, '**not met**'],
  [null, 'not measured'],
])

/** File name below docs/ to content. */
export function performancePages(results: Results, notes: Notes): Record<string, string> {
  const rankings = rank(summarize(results.runs), results.requests)
  const charts = rankings.flatMap(ranking => chartsOf(ranking))
  const sections = rankings.map(ranking => {
    const pictures = charts.filter(chart => chart.of === ranking).map(({ file, title }) => `![${title}](${file})`)
    return [`### ${ranking.title}`, markdown(ranking.head, ranking.rows), ...pictures].join('\n\n')
  })
  const page = [
    '# Performance',
    'This page is made by `npm run bench` from what it measured and from `bench/notes`.',
    notes.summary ?? '',
    '## What was measured where',
    setting(results),
    '## Goals',
    goalTable(results),
    '## Side by side',
    notes.reading ?? '',
    variants(),
    ...sections,
    notes.limits ?? '',
    notes.producing ?? '',
    notes.compression ?? '',
  ]
  return {
    'performance.md': `${page
      .map(part => part.trim())
      .filter(Boolean)
      .join('\n\n')}\n`,
    ...Object.fromEntries(charts.map(({ file, svg }) => [file, svg])),
  }
}

function setting({ date, machine, versions, options, minutes }: Results): string {
  const { processor, cores, memoryBytes, system, loadBefore } = machine
  const { brokers, partitions, codec, rounds, seconds, warmUp, queueKbytes, queueMessages } = options
  const gigabytes = Math.round(memoryBytes / 2 ** 30)
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `${date}, ${Math.round(minutes)} minutes. ${processor}, ${cores} cores, ${gigabytes} GB of memory, ${system}; load ${loadBefore} before the run.`,
    `${list.join(', ')}.`,
    `${brokers === 1 ? 'One broker' : `${brokers} brokers`} on the same machine, over loopback; a new topic of ${partitions} partitions for each run, compression ${codec}, acks all. ${rounds} rounds, two at most where paced, each client ${warmUp} s to warm up and then ${seconds} s and until every answer is there. Queues of ${queueMessages.toLocaleString('en')} messages and ${queueKbytes.toLocaleString('en')} KiB.`,
  ].join('\n')
}

function goalTable(results: Results): string {
  const rows = goals(results, summarize(results.runs)).map(({ text, met, figures }) => [
    text,
    figures,
    verdicts.get(met) ?? '',
  ])
  return markdown(['goal', 'measured', ''], rows)
}

const variants = (): string =>
  clients.flatMap(({ name, about }) => (about === undefined ? [] : [`- **${name}**: ${about}.`])).join('\n')

interface Chart {
  readonly of: Ranking
  readonly file: string
  readonly title: string
  readonly svg: string
}

function chartsOf(ranking: Ranking): Chart[] {
  const { mode, size, load, summaries } = ranking
  const name = [mode, size, load?.replaceAll(/\W+/g, '-')].filter(Boolean).join('-').toLowerCase()
  const chart = (suffix: string, what: string, bars: readonly Bar[]): Chart => {
    const title = `${mode}, ${size} B${load === null ? '' : `, ${load}`}: ${what}`
    return { of: ranking, file: `performance/${name}-${suffix}.svg`, title, svg: barChart(title, bars) }
  }
  const bar = (client: string, value: number, text: string): Bar => ({
    label: client,
    value,
    text,
    strong: isOurs(client),
  })
  if (summaries[0]?.latencyMs) {
    const bars = summaries.map(({ client, latencyMs }) => {
      const { p50 = 0, p99 = 0 } = latencyMs ?? {}
      return bar(client, p99, `${p99.toFixed(2)} ms (p50 ${p50.toFixed(2)})`)
    })
    return [chart('p99', 'p99', bars)]
  }
  return [
    chart(
      'rate',
      'messages a second',
      summaries.map(({ client, rate }) => bar(client, rate.median, Math.round(rate.median).toLocaleString('en'))),
    ),
    chart(
      'cpu',
      'CPU seconds per million messages',
      summaries.map(({ client, cpuPerMillion }) => bar(client, cpuPerMillion.median, cpuPerMillion.median.toFixed(2))),
    ),
  ]
}
