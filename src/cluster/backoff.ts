// How long to wait before trying again: exponential with jitter. Source: KIP-580, Kafka's `ExponentialBackoff`.

const jitter = 0.2

/** Milliseconds to wait after `failures` failures in a row (1 is the first one); never more than `maxMs`. */
export function backoff(failures: number, initialMs: number, maxMs: number, random: () => number): number {
  if (failures < 1 || initialMs <= 0) return 0
  if (maxMs <= initialMs) return maxMs
  const mean = Math.min(maxMs, initialMs * 2 ** (failures - 1))
  return Math.min(maxMs, Math.floor(mean * (1 - jitter + 2 * jitter * random())))
}
