import { describe, expect, test } from 'vitest'
import { barChart } from '../../bench/suite/chart.ts'
import { clients } from '../../bench/suite/clients.ts'
import { ProduceSpotter } from '../../bench/suite/counting-proxy.ts'
import { readOptions } from '../../bench/suite/options.ts'
import { comparisons, inTurns, pacedComparisons } from '../../bench/suite/plan.ts'
import { median, type Run, summarize } from '../../bench/suite/statistics.ts'
import { columns, markdown } from '../../bench/suite/table.ts'

const run = (changes: Partial<Run>): Run => ({
  client: 'odradek',
  mode: 'dispatch',
  size: 100,
  version: '1',
  warmUp: 0,
  acknowledged: 2_000_000,
  failed: 0,
  seconds: 2,
  cpuUserSeconds: 0.6,
  cpuSystemSeconds: 0.2,
  peakRssBytes: 1e8,
  gc: { seconds: 0.1, longestMs: 3 },
  latencyMs: null,
  ...changes,
})

describe('arguments', () => {
  test('without any, everything is measured, and the run is one to publish', () => {
    const options = readOptions([])
    expect(options).toMatchObject({ brokers: 1, partitions: 3, sizes: null, rounds: 3, codec: 'none', full: true })
    expect(options.clients).toEqual(clients)
    expect(options.modes).toContain('paced')
  })

  test('a quick run leaves variants out and is not published', () => {
    const { clients, full } = readOptions(['--quick'])
    expect(clients.filter(({ about }) => about !== undefined)).toEqual([])
    expect(full).toBe(false)
  })

  test('clients are named in small letters, in any order', () => {
    const { clients, full } = readOptions(['--clients', 'java,librdkafka-not-idempotent,odradek'])
    expect(clients.map(({ name }) => name)).toEqual(['odradek', 'librdkafka, not idempotent', 'Java'])
    expect(full).toBe(false)
  })

  test.each([
    [['--clients', 'odradek,sarama'], "--clients: no 'sarama'. There are: odradek, "],
    [['--modes', 'fast'], "--modes: no 'fast'. There are: dispatch, send, "],
    [['--codec', 'brotli'], "--codec: no 'brotli'. There are: none, gzip, "],
    [['--brokers', '2'], "--brokers is 1 or 3, not '2'"],
    [['--size', '100,0'], "--size is a whole number from 1 on, not '0'"],
    [['--rounds', 'many'], "--rounds is a whole number from 1 on, not 'many'"],
    [['--sise', '100'], '--sise'],
  ])('%j is refused in words', (args, words) => {
    expect(() => readOptions(args)).toThrow(words)
  })
})

describe('order', () => {
  test('every round has every client once and begins with another one', () => {
    const options = readOptions(['--clients', 'odradek,librdkafka,franz-go', '--modes', 'dispatch', '--size', '100'])
    const [comparison = []] = comparisons(options)
    const names = inTurns(comparison, 3).map(({ task, round }) => `${round} ${task.client.name}`)
    expect(names).toEqual([
      ...['0 odradek', '0 librdkafka', '0 franz-go'],
      ...['1 librdkafka', '1 franz-go', '1 odradek'],
      ...['2 franz-go', '2 odradek', '2 librdkafka'],
    ])
  })

  test('variants are measured in one size only', () => {
    const all = comparisons(readOptions(['--modes', 'dispatch']))
    const variants = all.map(tasks => tasks.filter(({ client }) => client.about !== undefined).length)
    expect(variants).toEqual([4, 0])
  })

  test('a client is asked only for what it can do', () => {
    const all = comparisons(readOptions(['--clients', 'kafkajs,odradek'])).flat()
    expect(all.filter(({ client, mode }) => client.name === 'kafkajs' && mode === 'dispatch')).toEqual([])
    expect(all.some(({ client, mode }) => client.name === 'odradek' && mode === 'writable')).toBe(true)
  })

  test('paces are shares of what each client did, and half of what Java did for all that can follow', () => {
    const options = readOptions(['--clients', 'odradek,franz-go,java', '--modes', 'paced'])
    const done = (client: string, mode: string, acknowledged: number) => run({ client, mode, acknowledged })
    const runs = [done('odradek', 'send', 2000), done('franz-go', 'dispatch', 400), done('Java', 'dispatch', 1000)]
    const paces = pacedComparisons(options, summarize(runs)).map(tasks =>
      tasks.map(({ client, rate }) => `${client.name} ${rate}`),
    )
    expect(paces).toEqual([
      ['odradek 100', 'franz-go 20', 'Java 50'],
      ['odradek 500', 'franz-go 100', 'Java 250'],
      ['odradek 800', 'franz-go 160', 'Java 400'],
      ['odradek 250', 'Java 250'],
    ])
  })

  test('a client whose speed is not known is not paced', () => {
    const options = readOptions(['--clients', 'odradek,java', '--modes', 'paced'])
    expect(pacedComparisons(options, []).flat()).toEqual([])
  })
})

describe('statistics', () => {
  test('a median is the one in the middle, or between the two there', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([7])).toBe(7)
  })

  test('rounds of the same become one summary, other loads another', () => {
    const rounds = [run({}), run({ seconds: 4 }), run({ seconds: 1, peakRssBytes: 3e8 })]
    const summaries = summarize([...rounds, run({ mode: 'paced', load: 'half' })])
    expect(summaries.map(({ mode, load, rounds }) => ({ mode, load, rounds }))).toEqual([
      { mode: 'dispatch', load: null, rounds: 3 },
      { mode: 'paced', load: 'half', rounds: 1 },
    ])
    expect(summaries[0]).toMatchObject({
      rate: { median: 1_000_000, best: 2_000_000 },
      peakRssBytes: 3e8,
      gc: { share: 0.05, longestMs: 3 },
    })
    expect(summaries[0]?.cpuPerMillion.median).toBeCloseTo(0.4)
  })
})

describe('counting Produce requests', () => {
  const frame = (apiKey: number, bodyBytes: number): number[] => {
    const bytes = Buffer.alloc(4 + 2 + bodyBytes)
    bytes.writeInt32BE(2 + bodyBytes)
    bytes.writeInt16BE(apiKey, 4)
    return [...bytes]
  }
  const stream = Uint8Array.from([...frame(3, 7), ...frame(0, 300), ...frame(0, 0), ...frame(256, 5), ...frame(0, 1)])

  test.each([1, 2, 3, 5, 7, 100, 1000])('the count is the same in pieces of %i bytes', size => {
    let count = 0
    const spotter = new ProduceSpotter(() => count++)
    for (let at = 0; at < stream.length; at += size) spotter.push(stream.subarray(at, at + size))
    expect(count).toBe(3)
  })
})

describe('what is shown', () => {
  test('a table for the terminal has its numbers to the right', () => {
    expect(
      columns(
        ['', 'msg/s'],
        [
          ['odradek', 1_234_567],
          ['x', 'fast'],
        ],
      ),
    ).toBe(['             msg/s', 'odradek  1,234,567', 'x             fast'].join('\n'))
  })

  test('the same as Markdown', () => {
    expect(markdown(['', 'n'], [['a', 1000]])).toBe('|  | n |\n| --- | ---: |\n| a | 1,000 |')
  })

  test('bars of a chart are as long as their values, and labels cannot break out of it', () => {
    const svg = barChart('<speed>', [
      { label: 'a&b', value: 50, text: '50', strong: true },
      { label: 'c', value: 100, text: '100', strong: false },
    ])
    const [short = 0, long = 0] = [...svg.matchAll(/<rect[^>]* width="(\d+)"/g)].map(([, length]) => Number(length))
    expect(long).toBe(2 * short)
    expect(svg).toContain('a&#38;b')
    expect(svg).not.toContain('<speed>')
  })
})
