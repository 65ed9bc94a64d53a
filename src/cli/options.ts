// Reads a command's arguments against its table of options, which is also its help.

import { parseArgs } from 'node:util'

export interface Option {
  /** The long form, without its dashes. */
  readonly name: string
  readonly short?: string
  /** What the value is called in the help; absent for a flag. */
  readonly value?: string
  /** Further long forms, not shown in the help. */
  readonly aliases?: readonly string[]
  readonly help: string
}

export interface Arguments {
  /** The values of an option in the order given; a flag that is there has `['']`. */
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly operands: readonly string[]
}

/** The arguments make no sense; the message says which and why. */
export class UsageError extends Error {}

/** Throws a UsageError at the first option that is unknown, lacks its value or has one too many. */
export function readArguments(args: readonly string[], table: readonly Option[]): Arguments {
  const byName = new Map(table.flatMap(option => [option.name, ...(option.aliases ?? [])].map(name => [name, option])))
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries([...byName].map(([name, option]) => [name, settings(name, option)])),
    strict: false,
    tokens: true,
  })
  const values = new Map<string, string[]>()
  const operands: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const option = byName.get(token.name)
    if (option === undefined)
      throw new UsageError(`unknown option ${token.rawName}${hint(token.name, [...byName.keys()], '--')}`)
    if (option.value === undefined && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`)
    if (option.value !== undefined && token.value === undefined) {
      throw new UsageError(`${token.rawName} needs a value: ${option.value}`)
    }
    const list = values.get(option.name) ?? []
    list.push(token.value ?? '')
    values.set(option.name, list)
  }
  return { values, operands }
}

function settings(name: string, { name: main, short, value }: Option): { type: 'string' | 'boolean'; short?: string } {
  const type = value === undefined ? 'boolean' : 'string'
  return short !== undefined && name === main ? { type, short } : { type }
}

/** The table as the help shows it, one option a line. */
export function describeOptions(table: readonly Option[]): string {
  const heads = table.map(({ name, short, value }) => {
    return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
  })
  const width = Math.max(...heads.map(head => head.length)) + 2
  return table.map(({ help }, row) => `  ${(heads[row] ?? '').padEnd(width)}${help}`).join('\n')
}

/** `, did you mean X?` when one of `names` is close to `written`. */
export function hint(written: string, names: readonly string[], dashes = ''): string {
  if (written.length < 2) return ''
  const [best] = names
    .map(name => ({ name, distance: name.startsWith(written) ? 0 : editDistance(written, name) }))
    .sort((a, b) => a.distance - b.distance)
  const near = written.length < 4 ? 1 : Math.max(2, written.length / 3)
  return best !== undefined && best.distance <= near ? `, did you mean ${dashes}${best.name}?` : ''
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (const [index, letter] of [...a].entries()) {
    const next = [index + 1]
    for (let column = 1; column <= b.length; column++) {
      const replace = (row[column - 1] ?? 0) + (letter === b[column - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
