// One scenario with one producer: what it promised against what is in the topic.

import { setTimeout as wait } from 'node:timers/promises'
import { compare, readTopic } from '../support/judge.ts'
import type { Scenario } from './scenarios.ts'
import type { Stand } from './stand.ts'
import { message, type Subject } from './subject.ts'

export interface Outcome {
  readonly sent: number
  /** Acknowledged and not in the topic. */
  readonly lost: number
  readonly duplicated: number
  /** In the topic, but never sent in this form. */
  readonly foreign: number
  /** In the topic behind one of the same partition that was sent later. */
  readonly reordered: number
  /** Neither acknowledged nor failed when the producer was closed. */
  readonly unverdicted: number
  /** Reported as surely not in the topic, and there all the same. */
  readonly denied: number
  /** Failed, with reasons. */
  readonly failed: number
  readonly reasons: readonly string[]
  /** The longest time between one acknowledgement and the next. */
  readonly stallMs: number
  /** The same among the messages of one key, the one that waited longest. */
  readonly keyStallMs: number
  /** From the end of the fault to the next acknowledgement. */
  readonly resumedMs: number
}

/** What is right whatever happens. */
export const honest = { lost: 0, duplicated: 0, foreign: 0, reordered: 0, unverdicted: 0, denied: 0 }
/** What is right when there is time enough. */
export const flawless = { ...honest, failed: 0, reasons: [] }

export interface Load {
  readonly count: number
  readonly perSecond: number
  readonly short: boolean
}

let trials = 0

export async function trial(stand: Stand, scenario: Scenario, subject: Subject, load: Load): Promise<Outcome> {
  const topic = `chaos-${++trials}`
  await stand.createTopic(topic, scenario.minInSync ?? 2)
  const acknowledged = new Map<number, number>()
  const failed = new Map<number, string>()
  let first = () => {}
  const begun = new Promise<void>(resolve => {
    first = resolve
  })
  let latest = 0
  let stallMs = 0
  let keyStallMs = 0
  const latestOf = new Map<string, number>()
  let mendedAt = Number.POSITIVE_INFINITY
  let resumedAt = Number.POSITIVE_INFINITY
  // A producer that never gets anything through is not waited for.
  const over = Promise.race([begun, wait(30_000)])
    .then(() => wait(1_000))
    .then(() => scenario.run(stand, topic, load.short))
    .then(() => {
      mendedAt = Date.now()
      return wait(1_000)
    })
  const bootstrapServers = scenario.proxied ? stand.proxied : stand.direct
  const task = { ...load, bootstrapServers, topic, over: over.catch(() => {}) }
  const producing = subject(task, {
    acknowledged(index, at) {
      if (acknowledged.size === 0) first()
      else stallMs = Math.max(stallMs, at - latest)
      latest = Math.max(latest, at)
      const { key } = message(index)
      keyStallMs = Math.max(keyStallMs, at - (latestOf.get(key) ?? at))
      latestOf.set(key, Math.max(at, latestOf.get(key) ?? at))
      if (at >= mendedAt) resumedAt = Math.min(resumedAt, at)
      acknowledged.set(index, at)
    },
    failed(index, _, reason) {
      failed.set(index, reason)
    },
  })
  const sent = await producing
  await over
  await stand.heal()
  const read = await readTopic(stand, topic)
  const messages = Array.from({ length: sent }, (_, index) => ({ index, ...message(index) }))
  const verdict = compare(messages, read)
  // A topic made anew holds nothing of before. It has to hold what was acknowledged after that, and what was sent
  // behind a message that it holds, to the same partition.
  const firstOf = new Map<string, number>()
  if (scenario.recreates) {
    for (const { key, value } of read) {
      if (!firstOf.has(`${key}`)) firstOf.set(`${key}`, Number.parseInt(`${value}`, 10))
    }
  }
  const lost = verdict.lost.filter(({ key, value }) => {
    const index = Number.parseInt(`${value}`, 10)
    const at = acknowledged.get(index)
    if (at === undefined) return false
    return !scenario.recreates || at >= mendedAt || index > (firstOf.get(`${key}`) ?? Number.POSITIVE_INFINITY)
  })
  return {
    sent,
    lost: lost.length,
    duplicated: verdict.duplicated.length,
    foreign: verdict.foreign.length,
    reordered: verdict.reordered.length,
    unverdicted: messages.filter(({ index }) => !acknowledged.has(index) && !failed.has(index)).length,
    denied: read.filter(({ value }) => failed.get(Number.parseInt(`${value}`, 10))?.startsWith('not-persisted')).length,
    failed: failed.size,
    reasons: [...new Set(failed.values())],
    stallMs,
    keyStallMs,
    resumedMs: resumedAt - mendedAt,
  }
}
