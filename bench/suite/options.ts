// The command line of `npm run bench`: what may be asked for, and what is done when nothing is.

import { parseArgs } from 'node:util'
import { type Client, clients, isVariant, optionOf } from './clients.ts'
import { type Mode, modeNames } from './modes.ts'

export interface Options {
  readonly brokers: 1 | 3
  readonly partitions: number
  /** Those of each mode, unless given. */
  readonly sizes: readonly number[] | null
  readonly codec: string
  readonly clients: readonly Client[]
  readonly modes: readonly Mode[]
  readonly rounds: number
  /** How long a client is measured, and how long it warms up before. */
  readonly seconds: number
  readonly warmUp: number
  readonly quick: boolean
  /** Nothing was left out or changed: the run is one to publish. */
  readonly full: boolean
  readonly page: boolean
  readonly help: boolean
}

const mainClients = clients.filter(client => !isVariant(client)).map(optionOf)
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

export const usage = `usage: npm run bench [-- OPTION...]        measures producers side by side
       npm run bench -- NAME...              runs benches of parts of this one

  --clients A,B         ${clients.map(optionOf).join(', ')}
  --modes A,B           ${modeNames.join(', ')}
  --size N,N            bytes of a value: 100, in some modes 1024 as well
  --brokers 1|3         1
  --partitions N        3
  --codec NAME          ${codecs.join(', ')}
  --rounds N            3, with --quick 2
  --seconds N           how long a client is measured in a round: 3, with --quick 2
  --quick               less of everything: under 8 minutes
  --page                writes docs/performance.md anew from what was measured last
  --help                this text

A run with neither of these writes docs/performance.md; any other leaves its results in .cache/bench/.`

/** Throws, naming what is allowed, when it cannot make sense of an argument. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      brokers: text,
      partitions: text,
      size: text,
      codec: text,
      clients: text,
      modes: text,
      rounds: text,
      seconds: text,
      quick: flag,
      page: flag,
      help: flag,
    },
  })
  const { quick, page, help, ...given } = values
  const brokers = whole('brokers', values.brokers ?? '1')
  if (brokers !== 1 && brokers !== 3) throw new Error(`--brokers is 1 or 3, not '${values.brokers}'`)
  const names = listed('clients', values.clients ?? (quick ? mainClients.join(',') : undefined), clients.map(optionOf))
  return {
    brokers,
    partitions: whole('partitions', values.partitions ?? '3'),
    sizes: values.size?.split(',').map(size => whole('size', size)) ?? null,
    codec: listed('codec', values.codec ?? 'none', codecs)[0] ?? 'none',
    clients: clients.filter(client => names.includes(optionOf(client))),
    modes: listed('modes', values.modes, modeNames),
    rounds: whole('rounds', values.rounds ?? (quick ? '2' : '3')),
    seconds: whole('seconds', values.seconds ?? (quick ? '2' : '3')),
    warmUp: quick ? 1 : 1.5,
    quick,
    full: !quick && Object.keys(given).length === 0,
    page,
    help,
  }
}

function whole(name: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} is a whole number from 1 on, not '${text}'`)
  return Number(text)
}

function listed<Name extends string>(option: string, text: string | undefined, allowed: readonly Name[]): Name[] {
  if (text === undefined) return [...allowed]
  const asked = text.split(',')
  const unknown = asked.filter(name => !allowed.includes(name as Name))
  if (unknown.length > 0) throw new Error(`--${option}: no '${unknown.join("', '")}'. There are: ${allowed.join(', ')}`)
  return allowed.filter(name => asked.includes(name))
}
