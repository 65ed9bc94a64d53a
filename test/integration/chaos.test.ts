import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scenarios } from '../chaos/scenarios.ts'
import { type Stand, startStand } from '../chaos/stand.ts'
import { odradek } from '../chaos/subject.ts'
import { flawless, trial } from '../chaos/trial.ts'
import { kafka } from '../support/real-kafka.ts'

// A cluster of its own, to be broken; where the shared one is not ours, Kafka cannot be run here.
describe.runIf(kafka.logsAreReadable)('three brokers behind proxies; all of it at length is npm run test:chaos', () => {
  let stand: Stand

  beforeAll(async () => {
    stand = await startStand()
  })

  afterAll(() => stand.stop())

  test.each(scenarios.filter(({ short }) => short))('$name: every message once and in order', async scenario => {
    const load = { count: 10_000, perSecond: 2_000, short: true }
    expect(await trial(stand, scenario, odradek, load)).toMatchObject(flawless)
  })
})
