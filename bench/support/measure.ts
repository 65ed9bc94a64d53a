// CPU seconds of this process per million messages: the best of several rounds, since other work only ever adds.

export interface Contender {
  readonly name: string
  /** Produces this many messages. */
  run(messages: number): void | Promise<void>
}

/**
 * Runs all contenders in turns, so that a noisy moment hits them alike, and prints each with its ratio to the first.
 * Resolves with what each cost.
 */
export async function compare(contenders: readonly Contender[], messages: number, rounds = 5): Promise<number[]> {
  const best = new Map<string, { cpu: number; wall: number }>()
  for (let round = 0; round <= rounds; round++) {
    for (const { name, run } of contenders) {
      globalThis.gc?.()
      const cpuBefore = process.cpuUsage()
      const wallBefore = performance.now()
      await run(messages)
      const { user, system } = process.cpuUsage(cpuBefore)
      const wall = performance.now() - wallBefore
      const cpu = (user + system) / messages
      const known = best.get(name)
      if (round === 0) continue // warm up
      if (known === undefined || cpu < known.cpu) best.set(name, { cpu, wall })
    }
  }
  const floor = best.get(contenders[0]?.name ?? '')?.cpu ?? 1
  for (const [name, { cpu, wall }] of best) {
    const rate = `${Math.round(messages / wall).toLocaleString('en')} thousand/s`
    console.log(
      `${name.padEnd(44)} ${cpu.toFixed(3)} CPU-s per million  ${(cpu / floor).toFixed(2)} x  ${rate.padStart(20)}`,
    )
  }
  return [...best.values()].map(({ cpu }) => cpu)
}
