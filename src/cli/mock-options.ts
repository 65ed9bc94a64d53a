// What `odradek mock` can be told, and what it makes of it.

import type { KafkaLike, MockApiName, MockCluster, MockClusterOptions } from '../mock/index.ts'
import { describeOptions, type Option, readArguments, UsageError } from './options.ts'

export interface MockSettings {
  readonly cluster: MockClusterOptions
  /** Makes the cluster misbehave, once it runs. */
  readonly faults: readonly ((cluster: MockCluster) => void)[]
  readonly quiet: boolean
}

const options: readonly Option[] = [
  { name: 'brokers', value: 'N', help: 'how many brokers; 1 if not given' },
  { name: 'topic', short: 't', value: 'NAME[:N]', help: 'a topic of N partitions, 1 if not given; may be repeated' },
  {
    name: 'port',
    short: 'p',
    value: 'PORT',
    help: 'of the first broker, the next ports are those of the others; else any',
  },
  { name: 'host', value: 'HOST', help: 'to listen on, and what clients are told; 127.0.0.1 if not given' },
  { name: 'auto-create', help: 'a topic that a client asks for comes into being' },
  { name: 'sasl', value: 'USER:PASSWORD', help: 'who may come in, by PLAIN or SCRAM; may be repeated; else anybody' },
  { name: 'kafka-version', value: 'X.Y', help: 'offer what this Kafka release offers, from 2.1 on' },
  { name: 'like', value: 'PRODUCT', help: 'offer what redpanda or event-hubs offers' },
  { name: 'fault', value: 'FAULT', help: 'misbehave, see below; may be repeated' },
  { name: 'keep', value: 'BYTES', help: 'how much a partition keeps in memory; 16777216 if not given' },
  { name: 'quiet', help: 'do not show what arrives' },
  { name: 'help', short: 'h', help: 'print this' },
]

export const helpText = `usage: odradek mock [OPTION...]

Runs a Kafka cluster without Kafka, in memory, until Ctrl-C, and shows what arrives: every record while they are few,
how many there are when they are many.

${describeOptions(options)}

FAULT is one of
  fail=API:ERROR[:TIMES]    the next requests get that error, as in fail=Produce:NOT_LEADER_OR_FOLLOWER:3
  drop=API[:TIMES]          the connection ends when the work is done but not answered
  hang=API[:TIMES]          no answer comes, nor one to what follows on that connection
  rtt=MS                    every answer takes so long
  throttle=MS               every answer tells its client to wait so long
`

/** Null when help was asked for. Throws a UsageError. */
export function readMockSettings(args: readonly string[]): MockSettings | null {
  const { values, operands } = readArguments(args, options)
  if (values.has('help')) return null
  const [operand] = operands
  if (operand !== undefined) throw new UsageError(`'${operand}' is not an option (odradek mock --help)`)
  const last = (name: string): string | undefined => values.get(name)?.at(-1)
  const brokers = whole('--brokers', last('brokers') ?? '1', 1, 1000)
  const port = last('port') === undefined ? null : whole('--port', last('port') ?? '', 1, 65_536 - brokers)
  const keep = whole('--keep', last('keep') ?? String(1 << 24), 1, Number.MAX_SAFE_INTEGER)
  const [host, kafkaVersion, like] = [last('host'), last('kafka-version'), last('like')]
  const topics = (values.get('topic') ?? []).map(text => topic(text, keep))
  const users = values.get('sasl')?.map(user)
  return {
    cluster: {
      brokers,
      topics: Object.fromEntries(topics),
      autoCreateTopics: values.has('auto-create'),
      recordRequests: false,
      ...(host === undefined ? {} : { host }),
      ...(port === null ? {} : { ports: Array.from({ length: brokers }, (_, i) => port + i) }),
      ...(kafkaVersion === undefined ? {} : { kafkaVersion }),
      ...(like === undefined ? {} : { like: like as KafkaLike }), // the cluster checks it
      ...(users === undefined ? {} : { sasl: { users: Object.fromEntries(users) } }),
    },
    faults: (values.get('fault') ?? []).map(fault),
    quiet: values.has('quiet'),
  }
}

function topic(text: string, keep: number) {
  const [, name, count = '1'] = /^([\w.-]+)(?::(\d+))?$/.exec(text) ?? []
  if (name === undefined) throw new UsageError(`--topic needs NAME or NAME:PARTITIONS, not '${text}'`)
  const partitions = whole('--topic', count, 1, 10_000)
  return [name, { partitions, config: { 'retention.bytes': keep } }] as const
}

function user(text: string): readonly [name: string, password: string] {
  const [, name, password] = /^([^:]+):(.+)$/s.exec(text) ?? []
  if (name === undefined || password === undefined) throw new UsageError('--sasl needs USER:PASSWORD')
  return [name, password]
}

function fault(text: string): (cluster: MockCluster) => void {
  const [, verb = '', what = ''] = /^(\w+)=(.+)$/.exec(text) ?? []
  const [first = '', second, third] = what.split(':')
  const api = first as MockApiName // the cluster checks it
  const times = (given = '1'): number => whole('--fault', given, 1, 1_000_000)
  switch (verb) {
    case 'fail': {
      if (second === undefined) throw new UsageError(`--fault fail needs API:ERROR, not '${what}'`)
      const errors = Array.from({ length: times(third) }, () => second)
      return cluster => cluster.failNext(api, ...errors)
    }
    case 'drop': {
      const count = times(second)
      return cluster => {
        for (let i = 0; i < count; i++) cluster.disconnectNext(api, 'afterProcessing')
      }
    }
    case 'hang': {
      const count = times(second)
      return cluster => {
        for (let i = 0; i < count; i++) cluster.hangNext(api)
      }
    }
    case 'rtt': {
      const ms = whole('--fault rtt', what, 0, 3_600_000)
      return cluster => cluster.rtt(ms)
    }
    case 'throttle': {
      const ms = whole('--fault throttle', what, 0, 3_600_000)
      return cluster => cluster.throttle(ms)
    }
    default:
      throw new UsageError(`--fault is fail, drop, hang, rtt or throttle with its =VALUE, not '${text}'`)
  }
}

function whole(option: string, text: string, min: number, max: number): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (number >= min && number <= max) return number
  throw new UsageError(`${option} needs a number from ${min} to ${max}, not '${text}'`)
}
