// What a client is asked to do, and how much of it at a time.

export const modes = {
  dispatch: {
    about: 'nobody waits: as many as the queue takes, answers by callback',
    sizes: [100, 1024],
    concurrency: 1,
    group: 1,
    lingerMs: 5,
  },
  send: {
    about: '10,000 at a time, each with an answer of its own',
    sizes: [100],
    concurrency: 10_000,
    group: 1,
    lingerMs: 5,
  },
  sendMany: {
    about: 'batches of 1,000, eight at a time',
    sizes: [100, 1024],
    concurrency: 8,
    group: 1000,
    lingerMs: 5,
  },
  'one-by-one': { about: 'one awaited after the other', sizes: [100], concurrency: 1, group: 1, lingerMs: 0 },
  paced: { about: 'at a fixed rate', sizes: [100], concurrency: 1, group: 1, lingerMs: 5 },
  writable: { about: 'through a stream', sizes: [100], concurrency: 1, group: 1, lingerMs: 5 },
} as const

export type Mode = keyof typeof modes
export const modeNames = Object.keys(modes) as readonly Mode[]
