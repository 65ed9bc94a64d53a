// The same scenarios and the same judge for the other producers of Node: measured, not asserted.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { installPeers, kafkajs, platformatic } from './peers.ts'
import { scenarios } from './scenarios.ts'
import { type Stand, startStand } from './stand.ts'
import { trial } from './trial.ts'

/** One request a message is all they do: at 2,500 a second kafkajs is behind before anything happens. */
const load = { count: 8_000, perSecond: 400, short: false }
const subjects = { kafkajs, platformatic }

let stand: Stand
const rows: object[] = []

beforeAll(async () => {
  await installPeers()
  stand = await startStand()
})

afterAll(async () => {
  await stand.stop()
  console.table(rows)
})

const pairs = Object.entries(subjects).flatMap(([name, subject]) =>
  scenarios.filter(s => s.peers).map(s => [name, s.name, subject, s] as const),
)

test.each(pairs)('%s, %s', async (name, _, subject, scenario) => {
  const { reasons, ...outcome } = await trial(stand, scenario, subject, load)
  console.log(name, scenario.name, outcome, reasons.slice(0, 5))
  rows.push({ producer: name, scenario: scenario.name, ...outcome })
  expect(outcome.sent).toBeGreaterThan(0)
})
