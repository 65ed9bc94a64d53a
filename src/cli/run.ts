// Finds the command that the arguments ask for, and turns what goes wrong into a sentence and an exit code.

import { readFileSync } from 'node:fs'
import { ConfigError, KafkaError } from '../index.ts'
import type { MockCluster } from '../mock/index.ts'
import { mock } from './mock.ts'
import { hint, UsageError } from './options.ts'
import { produce } from './produce.ts'
import { processTerminal, type Terminal } from './terminal.ts'

/** Sees the mock cluster that a command ran on, before it ends. */
export type Inspect = (cluster: MockCluster) => void

interface Command {
  readonly summary: string
  run(args: readonly string[], terminal: Terminal, inspect?: Inspect): Promise<number>
}

const commands: Readonly<Record<string, Command>> = {
  mock: { summary: 'run a cluster without Kafka, and show what arrives there', run: mock },
  produce: { summary: 'send the lines of files or of stdin to a topic', run: produce },
}

const usage = `usage: odradek COMMAND [OPTION...]

commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  .join('\n')}

odradek COMMAND --help says more about one of them; --version prints the version.
`

/**
 * Runs one command and resolves with its exit code: 0 done, 1 something was not delivered, 2 the arguments or the
 * configuration make no sense, 130 stopped by Ctrl-C.
 */
export async function run(
  args: readonly string[],
  terminal: Terminal = processTerminal,
  inspect?: Inspect,
): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const stream = name === undefined ? terminal.stderr : terminal.stdout
    stream.write(usage)
    return name === undefined ? 2 : 0
  }
  if (name === '--version') {
    terminal.stdout.write(`${packageVersion()}\n`)
    return 0
  }
  try {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (command !== undefined) return await command.run(rest, terminal, inspect)
    const names = Object.keys(commands)
    throw new UsageError(`unknown command '${name}'${hint(name, names)}; there is: ${names.join(', ')}`)
  } catch (error) {
    if (error instanceof UsageError || error instanceof ConfigError) return complain(terminal, error, 2)
    if (error instanceof KafkaError || isSystemError(error)) return complain(terminal, error, 1)
    throw error
  }
}

function complain(terminal: Terminal, error: Error, code: number): number {
  terminal.stderr.write(`odradek: ${error.message}\n`)
  return code
}

/** A file that is not there, a pipe that broke: faults with a name, which need no stack. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error
}

/** The manifest is as far away from the sources as from what is built of them. */
function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return String((manifest as { version: unknown }).version)
}
