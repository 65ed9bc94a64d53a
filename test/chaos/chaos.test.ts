import { afterAll, beforeAll, expect, test } from 'vitest'
import { scenarios } from './scenarios.ts'
import { type Stand, startStand } from './stand.ts'
import { odradek } from './subject.ts'
import { flawless, type Outcome, trial } from './trial.ts'

const load = { count: 50_000, perSecond: 2_500, short: false }

let stand: Stand
const outcomes = new Map<string, Outcome>()

beforeAll(async () => {
  stand = await startStand()
})

afterAll(async () => {
  await stand.stop()
  console.table(Object.fromEntries(outcomes))
})

test.each(scenarios)('$name: nothing lost, doubled, out of order or without a verdict', async scenario => {
  const outcome = await trial(stand, scenario, odradek, load)
  outcomes.set(scenario.name, outcome)
  console.log(scenario.name, outcome)
  expect(outcome).toMatchObject(flawless)
})
