import { describe, expect, test } from 'vitest'
import { Latencies } from '../../src/cli/summary.ts'

describe('latencies', () => {
  test('are right to one percent', () => {
    const latencies = new Latencies()
    for (let ms = 1; ms <= 1000; ms++) latencies.add(ms)
    for (const share of [0.5, 0.95, 0.99]) {
      expect(latencies.percentile(share) / (share * 1000)).toBeGreaterThan(0.985)
      expect(latencies.percentile(share) / (share * 1000)).toBeLessThan(1.015)
    }
    expect(latencies.percentile(1)).toBe(1000)
  })

  test('never say more than the longest was, nor trip over none', () => {
    const latencies = new Latencies()
    expect(latencies.describe()).toBe('nothing was delivered')
    latencies.add(0)
    expect(latencies.percentile(0.5)).toBe(0)
    latencies.add(1e9)
    expect(latencies.describe()).toContain('max 1,000,000,000 ms')
  })
})
