import { describe, expect, test } from 'vitest'
import { describeOptions, hint, type Option, readArguments } from '../../src/cli/options.ts'

const table: readonly Option[] = [
  { name: 'topic', short: 't', value: 'TOPIC', help: 'where to' },
  { name: 'header', short: 'H', value: 'NAME=VALUE', aliases: ['headers'], help: 'a header' },
  { name: 'summary', help: 'a table' },
]

describe('arguments', () => {
  test('come in short, long, joined and repeated form, among operands', () => {
    const { values, operands } = readArguments(
      ['-tx', 'a', '--header=k=v', '-H', 'l=w', '--headers', 'm', '-', '--summary', '--', '-b'],
      table,
    )
    expect(Object.fromEntries(values)).toEqual({ topic: ['x'], header: ['k=v', 'l=w', 'm'], summary: [''] })
    expect(operands).toEqual(['a', '-', '-b'])
  })

  test('take a value that begins with a dash', () => {
    expect(readArguments(['-t', '-1'], table).values.get('topic')).toEqual(['-1'])
  })

  test.each([
    ['--topci', 'unknown option --topci, did you mean --topic?'],
    ['--sum', 'unknown option --sum, did you mean --summary?'],
    ['-q', 'unknown option -q'],
    ['-t', '-t needs a value: TOPIC'],
    ['--summary=yes', '--summary takes no value'],
  ])('%s is refused', (written, message) => {
    expect(() => readArguments([written], table)).toThrow(message)
  })
})

describe('help', () => {
  test('has a line for every option, in columns', () => {
    expect(describeOptions(table)).toBe(
      [
        '  -t, --topic TOPIC        where to',
        '  -H, --header NAME=VALUE  a header',
        '      --summary            a table',
      ].join('\n'),
    )
  })

  test('suggests nothing that is far off', () => {
    expect(hint('xyzzy', ['topic', 'header'])).toBe('')
    expect(hint('heder', ['topic', 'header'])).toBe(', did you mean header?')
  })
})
