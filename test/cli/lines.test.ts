import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { linesOf } from '../../src/cli/lines.ts'

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}

async function lines(chunks: readonly (string | Uint8Array)[], end = 10): Promise<string[]> {
  const found: string[] = []
  for await (const some of linesOf(each(chunks), end)) found.push(...some.map(line => Buffer.from(line).toString()))
  return found
}

describe('lines', () => {
  const text = 'one\n\ntwo\r\nthrée\n\nlast'
  const expected = ['one', '', 'two\r', 'thrée', '', 'last']

  test('are the same wherever the input is cut', async () => {
    const bytes = Buffer.from(text)
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(await lines([bytes.subarray(0, cut), bytes.subarray(cut)]), `cut at ${cut}`).toEqual(expected)
    }
    expect(await lines([...bytes].map(byte => Uint8Array.of(byte)))).toEqual(expected)
  })

  test('need no end of line at the end of the input', async () => {
    expect(await lines(['a\nb'])).toEqual(['a', 'b'])
    expect(await lines(['a\nb\n'])).toEqual(['a', 'b'])
    expect(await lines([''])).toEqual([])
  })

  test('may end with another byte', async () => {
    expect(await lines(['a\nb\0', 'c\0'], 0)).toEqual(['a\nb', 'c'])
  })
})
