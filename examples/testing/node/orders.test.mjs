// The shop's tests, for node:test.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delivered, recorded } from '../cases.mjs'

test('a sale is handed to Kafka; one that Kafka refuses is counted', async () => {
  assert.deepEqual(await recorded(), { sent: ['ada', 'bob'], failed: null, unreported: 1 })
})

test('sales arrive in order, also when the leader moves', async () => {
  const last = JSON.stringify({ customer: 'ada', article: 'thread' })
  assert.deepEqual(await delivered(), { first: 0, second: 1, last, unreported: 0 })
})
