// What this producer set out to reach, and whether it did: each goal judges figures of one run, and says them.

import { clients, isVariant } from './clients.ts'
import { commonLoad, ownLoad } from './plan.ts'
import type { Results } from './results.ts'
import type { Summary } from './statistics.ts'

export interface Goal {
  readonly text: string
  /** Null where the run did not measure it. */
  readonly met: boolean | null
  readonly figures: string
}

const mebi = 1 << 20
const perSecond = (rate: number): string => `${Math.round(rate / 1000).toLocaleString('en')} thousand/s`
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`
const fixed = (digits: number, unit: string) => (value: number) => `${value.toFixed(digits)}${unit}`

export function goals({ parts, options }: Results, summaries: readonly Summary[]): Goal[] {
  const of = (client: string, mode: string, size = 100, load: string | null = null): Summary | undefined =>
    summaries.find(one => one.client === client && one.mode === mode && one.size === size && one.load === load)
  const rate = (client: string, mode: string, size?: number) => of(client, mode, size)?.rate.median
  const bytesPerSecond = (client: string) => (rate(client, 'dispatch', 1024) ?? NaN) * 1024
  const cpu = (mode: string) => of('odradek', mode)?.cpuPerMillion.median
  const p99 = (client: string, load: string) => of(client, 'paced', 100, load)?.latencyMs?.p99
  const ours = summaries.filter(({ client }) => client === 'odradek')
  const queued = ours.filter(({ mode }) => mode === 'dispatch')
  const memory = options.queueKbytes * 1024 + 64 * mebi
  const times = (a: number | undefined, b: number | undefined): string => ((a ?? NaN) / (b ?? NaN)).toFixed(1)
  const ms = fixed(2, ' ms')
  // Seconds are those of one machine: what the most frugal of the others took there, says what they are worth.
  const besidePeer = (mode: string, goal: Goal): Goal => {
    const peers = clients.filter(client => client.program !== 'odradek' && !isVariant(client))
    const [least] = peers
      .flatMap(({ name }) => of(name, mode) ?? [])
      .sort((a, b) => a.cpuPerMillion.median - b.cpuPerMillion.median)
    if (goal.met === null || least === undefined) return goal
    return { ...goal, figures: `${goal.figures}; ${least.client} ${least.cpuPerMillion.median.toFixed(2)}` }
  }

  return [
    atLeast(
      '`dispatch` of 100 B as fast as librdkafka',
      rate('odradek', 'dispatch'),
      rate('librdkafka', 'dispatch'),
      perSecond,
    ),
    atLeast(
      '`dispatch` of 100 B as fast as franz-go',
      rate('odradek', 'dispatch'),
      rate('franz-go', 'dispatch'),
      perSecond,
    ),
    besidePeer(
      'dispatch',
      atMost('`dispatch` of 100 B: 0.40 CPU-s per million (better: 0.30)', cpu('dispatch'), 0.4, fixed(2, '')),
    ),
    atLeast('`send`, 10,000 at a time: 1.2 million/s', rate('odradek', 'send'), 1_200_000, perSecond),
    besidePeer('send', atMost('`send`, 10,000 at a time: 0.70 CPU-s per million', cpu('send'), 0.7, fixed(2, ''))),
    ...(['platformatic', 'node-rdkafka'] as const).map((peer, i) => {
      const factor = [75, 7][i] ?? NaN
      const bound = (rate(peer, 'send') ?? NaN) * factor
      const goal = atLeast(`\`send\` ${factor} times as fast as ${peer}`, rate('odradek', 'send'), bound, perSecond)
      return { ...goal, figures: `${times(rate('odradek', 'send'), rate(peer, 'send'))} times` }
    }),
    atLeast(
      '1 KB: the MB/s of the better of librdkafka and franz-go',
      bytesPerSecond('odradek'),
      Math.max(bytesPerSecond('librdkafka'), bytesPerSecond('franz-go')),
      bytes => `${megabytes(bytes)}/s`,
    ),
    atMost(
      'one by one: p50 at most that of platformatic',
      of('odradek', 'one-by-one')?.latencyMs?.p50,
      of('platformatic', 'one-by-one')?.latencyMs?.p50,
      ms,
    ),
    ...[commonLoad, ownLoad(50)].map(load =>
      atMost(`p99 at ${load}: at most the Java producer's`, p99('odradek', load), p99('Java', load), ms),
    ),
    atMost('1,000 partitions cost at most 1.3 times what 3 cost', parts.partitions1000, 1.3, fixed(2, ' times')),
    atMost('10,000 partitions on 50 brokers cost at most 2 times', parts.partitions10000, 2, fixed(2, ' times')),
    atMost(
      'a queue of 1,000,000 costs each message no more than one of 10,000 (10 % allowed)',
      parts.queue1000000,
      1.1,
      fixed(2, ' times'),
    ),
    atMost(
      'memory under full load: `queue.buffering.max.kbytes` + 64 MB',
      queued.length === 0 ? undefined : Math.max(...queued.map(({ peakRssBytes }) => peakRssBytes)),
      memory,
      megabytes,
    ),
    atMost(
      'no pause for garbage over 20 ms',
      ours.length === 0 ? undefined : Math.max(...ours.map(({ gc }) => gc?.longestMs ?? 0)),
      20,
      ms,
    ),
    atMost("`import 'odradek'`: 25 ms", parts.importMs, 25, fixed(1, ' ms')),
    atMost(
      "`import 'odradek'`: 10 MB more than Node alone",
      parts.importBytes,
      1e7,
      bytes => `${(bytes / 1e6).toFixed(1)} MB`,
    ),
    atMost('minified, all of it: 160 KB', parts.minifiedBytes, 160_000, bytes => `${(bytes / 1000).toFixed(1)} KB`),
    atMost(
      'minified, a plain producer: 110 KB',
      parts.producerBytes,
      110_000,
      bytes => `${(bytes / 1000).toFixed(1)} KB`,
    ),
  ]
}

type Bound = number | undefined

function judged(text: string, value: Bound, bound: Bound, met: boolean, show: (value: number) => string): Goal {
  if (value === undefined || bound === undefined || Number.isNaN(value + bound)) return { text, met: null, figures: '' }
  return { text, met, figures: `${show(value)}, bound ${show(bound)}` }
}

const atLeast = (text: string, value: Bound, bound: Bound, show: (value: number) => string): Goal =>
  judged(text, value, bound, (value ?? NaN) >= (bound ?? NaN), show)
const atMost = (text: string, value: Bound, bound: Bound, show: (value: number) => string): Goal =>
  judged(text, value, bound, (value ?? NaN) <= (bound ?? NaN), show)
