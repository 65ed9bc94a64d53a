// The shop's tests, for vitest.

import { expect, test } from 'vitest'
import { delivered, recorded } from '../cases.mjs'

test('a sale is handed to Kafka; one that Kafka refuses is counted', async () => {
  expect(await recorded()).toEqual({ sent: ['ada', 'bob'], failed: null, unreported: 1 })
})

test('sales arrive in order, also when the leader moves', async () => {
  const last = JSON.stringify({ customer: 'ada', article: 'thread' })
  expect(await delivered()).toEqual({ first: 0, second: 1, last, unreported: 0 })
})
