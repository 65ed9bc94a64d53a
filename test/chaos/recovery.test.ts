// How long a fault is felt, beside the Java producer: by turns on one cluster, three times, the middle one counts.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { java } from './peers.ts'
import { scenarios } from './scenarios.ts'
import { type Stand, startStand } from './stand.ts'
import { odradek } from './subject.ts'
import { flawless, trial } from './trial.ts'

const load = { count: 20_000, perSecond: 2_500, short: false }
const rounds = 3
/** Two runs of one and the same producer differ by this much: when the controller looks for dead brokers is chance. */
const chanceMs = 300

let stand: Stand

beforeAll(async () => {
  stand = await startStand()
})

afterAll(() => stand.stop())

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

test.each(scenarios.filter(({ recovery }) => recovery))('$name: back as soon as Java', async scenario => {
  const stalls = { odradek: [] as number[], java: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    for (const [name, subject] of [
      ['odradek', odradek],
      ['java', java],
    ] as const) {
      const outcome = await trial(stand, scenario, subject, load)
      expect(outcome).toMatchObject(flawless)
      const { stallMs, keyStallMs, resumedMs } = outcome
      console.log(scenario.name, name, { stallMs, keyStallMs, resumedMs })
      stalls[name].push(stallMs)
    }
  }
  console.log(scenario.name, stalls)
  expect(median(stalls.odradek)).toBeLessThanOrEqual(median(stalls.java) + chanceMs)
})
