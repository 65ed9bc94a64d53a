import { expect, test } from 'vitest'
import { brokerLabel, formatAddress } from '../../src/cluster/addresses.ts'

test('an address is shown with brackets around IPv6', () => {
  expect(formatAddress('kafka', 9092)).toBe('kafka:9092')
  expect(formatAddress('::1', 9092)).toBe('[::1]:9092')
})

test('a host that a broker made up is shown as one short line', () => {
  expect(formatAddress('kafka\r\nFATAL', 1)).toBe('kafka FATAL:1')
  expect(formatAddress('k'.repeat(10_000), 1)).toHaveLength(303)
})

test('a broker is shown with its id, or as a bootstrap server', () => {
  expect(brokerLabel('kafka', 9092, 0)).toBe('kafka:9092/0')
  expect(brokerLabel('::1', 9092, -1)).toBe('[::1]:9092/bootstrap')
})
