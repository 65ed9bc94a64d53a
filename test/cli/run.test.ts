import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { testTerminal } from '../support/terminal.ts'

async function odradek(...args: string[]) {
  const terminal = testTerminal()
  const code = await run(args, terminal)
  return { code, out: terminal.out, err: terminal.err }
}

describe('odradek', () => {
  test('alone says how it is used', async () => {
    expect(await odradek()).toMatchObject({ code: 2, out: '', err: expect.stringContaining('usage: odradek COMMAND') })
    expect(await odradek('--help')).toMatchObject({ code: 0, err: '', out: expect.stringContaining('produce') })
  })

  test('knows its version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(await odradek('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })

  test('names the commands there are when asked for another one', async () => {
    expect(await odradek('consume')).toMatchObject({
      code: 2,
      err: "odradek: unknown command 'consume'; there is: mock, produce\n",
    })
    expect((await odradek('prodcue')).err).toContain('did you mean produce?')
    expect((await odradek('constructor')).code).toBe(2)
  })

  test('explains a command', async () => {
    expect(await odradek('produce', '--help')).toMatchObject({
      code: 0,
      out: expect.stringContaining('--key-delimiter DELIM'),
    })
  })

  test.each([
    [['produce'], '-t TOPIC is needed'],
    [['produce', '-t', 't', '--topci', 'x'], 'unknown option --topci, did you mean --topic?'],
    [['produce', '-t', 't', '-b', 'localhost:1', '-X', 'linger.mss=5'], 'linger.mss'],
    [['produce', '-t', 't', '-b', 'localhost:1', '-z', 'brotli'], 'compression.codec'],
  ])('%j makes no sense: exit code 2 and the reason', async (args, reason) => {
    const { code, err } = await odradek(...args)
    expect(err).toContain(reason)
    expect(code).toBe(2)
  })

  test('does not begin when a file is missing', async () => {
    const { code, err } = await odradek('produce', '-t', 't', 'there-is-no-such-file')
    expect(code).toBe(1)
    expect(err).toContain('there-is-no-such-file')
  })
})
