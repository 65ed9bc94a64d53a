// Code of the user's that runs in the middle of things.

import { expect, test } from 'vitest'
import { Stage } from './stage.ts'

test('a purge by a listener, while a hint of a new leader is taken over, ends the batch and nothing else', async () => {
  const stage = await Stage.set({ brokers: 2 })
  stage.dispatch()
  await stage.reports(1000)
  stage.cluster.moveLeader('t', 0, stage.cluster.leader('t', 0) === 1 ? 2 : 1)
  let purged = 0
  const call = stage.dispatch()
  stage.producer.on('metadata.updated', () => {
    if (call.report === null) purged += stage.producer.purge()
  })
  await stage.patiently(call.ended, 5000)
  expect(purged).toBe(1)
  expect(stage.producer.inFlight).toBe(0)
  stage.dispatch()
  await stage.reports(5000)
  await stage.finish()
})

test('what a listener produces does not overtake what still waits for its place', async () => {
  const stage = await Stage.set({ topics: {}, config: { 'batch.num.messages': 2 } })
  stage.dispatch()
  const misplaced = stage.dispatch({ partition: 7 })
  stage.dispatch()
  stage.dispatch()
  stage.producer.on('message.failed', ({ report }) => {
    if (report.opaque === misplaced) stage.dispatch()
  })
  await stage.clock.advance(100)
  stage.cluster.createTopic('t')
  await stage.reports(5000)
  await stage.clock.advance(1000)
  expect(stage.log()).toEqual([0, 2, 3, 4])
  await stage.finish()
})

test('a batch that may be stored is not split when it is too large all at once', async () => {
  const stage = await Stage.set()
  stage.dispatch()
  await stage.reports(1000)
  stage.cluster.control('Produce', async (_request, { process }) => {
    await process()
    return { drop: true }
  })
  stage.cluster.control('Produce', () => ({ error: 'MESSAGE_TOO_LARGE' }))
  const calls = [stage.dispatch(), stage.dispatch(), stage.dispatch()]
  for (const call of calls) {
    expect(await stage.failure(call, 5000)).toMatchObject({ code: 10 })
    expect(call.report?.status).toBe('possibly-persisted')
  }
  stage.dispatch()
  await stage.reports(5000)
  expect(stage.log()).toEqual([0, 1, 2, 3, 4])
  await stage.finish()
})
