import { expect, test } from 'vitest'
import { Pipeline } from '../../src/cluster/pipeline.ts'
import { ConnectionError } from '../../src/errors.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { FakeClock } from '../support/fake-clock.ts'

test('what is sent after the end is refused with its reason, and leaves no timer behind', async () => {
  const clock = new FakeClock()
  const on = { broken: () => {}, drained: () => {}, throttled: () => {}, idle: () => {} }
  const pipeline = new Pipeline({
    label: () => 'b:1',
    clientId: 'c',
    clock,
    maxResponseBytes: 1000,
    maxTimeouts: 1,
    on,
  })
  const reason = new ConnectionError(-195, 'closed on this side')
  pipeline.fail(reason)
  const heard: unknown[] = []
  pipeline.send(
    apiVersions,
    0,
    {},
    {
      timeoutMs: 1000,
      written: () => heard.push('written'),
      settled: (error, response, written) => heard.push(error, response, written),
    },
  )
  expect(heard).toEqual([])
  await clock.settle()
  expect(heard).toEqual(['written', reason, null, false])
  expect(clock.pendingTimers).toBe(0)
})
