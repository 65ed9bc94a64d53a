// What a client is asked to do, and how much of it at a time.

export interface ModeFacts {
  readonly about: string
  /** How many waits at once, and for how many messages each. */
  readonly concurrency: number
  readonly group: number
  readonly lingerMs: number
}

export const modes = {
  dispatch: { about: 'as fast as it goes, nobody waits', concurrency: 1, group: 1, lingerMs: 5 },
  send: { about: '10,000 at a time, each awaited by itself', concurrency: 10_000, group: 1, lingerMs: 5 },
  sendMany: { about: 'batches of 1,000, eight at a time', concurrency: 8, group: 1000, lingerMs: 5 },
  'one-by-one': { about: 'one after the other, each awaited', concurrency: 1, group: 1, lingerMs: 0 },
  paced: { about: 'at a fixed rate', concurrency: 1, group: 1, lingerMs: 5 },
  writable: { about: 'through a web WritableStream', concurrency: 1, group: 1, lingerMs: 5 },
} as const satisfies Record<string, ModeFacts>

export type Mode = keyof typeof modes
export const modeNames = Object.keys(modes) as readonly Mode[]
