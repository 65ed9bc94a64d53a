import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Producer } from '../../src/index.ts'
import { readTopic } from '../support/judge.ts'
import { scenarios } from './scenarios.ts'
import { type Stand, startStand } from './stand.ts'
import { hastyOdradek, message, odradek } from './subject.ts'
import { flawless, honest, type Outcome, trial } from './trial.ts'

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

const outages = scenarios.filter(({ name }) => /killed|cut/.test(name))

test.each(outages)('$name, with a deadline of 1.5 s: what fails is told, the rest is as ever', async scenario => {
  const outcome = await trial(stand, scenario, hastyOdradek, { ...load, count: 20_000 })
  outcomes.set(`${scenario.name}, deadline 1.5 s`, outcome)
  console.log(scenario.name, outcome)
  expect(outcome).toMatchObject(honest)
})

test('closed with a limit of 10 s while no broker is there: every message has a verdict', async () => {
  const topic = 'chaos-close'
  await stand.createTopic(topic, 2)
  const producer = new Producer({ 'bootstrap.servers': stand.direct })
  const statuses = { persisted: 0, 'possibly-persisted': 0, 'not-persisted': 0 }
  producer.on('message.acknowledged', ({ report }) => statuses[report.status]++)
  producer.on('message.failed', ({ report }) => statuses[report.status]++)
  producer.on('message.purged', ({ report }) => statuses[report.status]++)
  let sent = 0
  for (; sent < 5_000; sent++) {
    producer.dispatch({ topic, ...message(sent) })
    if (sent % 25 === 0) await wait(10)
    if (sent === 2_500) await Promise.all(stand.brokers.map(broker => broker.kill()))
  }
  const start = performance.now()
  const { lost } = await producer.close({ timeoutMs: 10_000 })
  const tookMs = performance.now() - start
  console.log('close', { sent, lost, tookMs, ...statuses })
  await stand.heal()
  expect(tookMs).toBeLessThan(10_500)
  expect(lost).toBe(statuses['possibly-persisted'] + statuses['not-persisted'])
  expect(statuses.persisted + lost).toBe(sent)
  const read = await readTopic(stand, topic)
  const values = new Set(read.map(({ value }) => `${value}`))
  expect(values.size).toBe(read.length)
  expect(read.length).toBeGreaterThanOrEqual(statuses.persisted)
  expect(read.length).toBeLessThanOrEqual(statuses.persisted + statuses['possibly-persisted'])
})
