import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { deriveProfile, type ProducerOptions, resolveConfig } from '../../../src/producer/config/config.ts'
import { describeProperties } from '../../../src/producer/config/describe.ts'
import { type NamedProperty, producerNames, topicNames } from '../../../src/producer/config/properties.ts'

/** A row of librdkafka's own table. Source: CONFIGURATION.md of librdkafka 2.15.0, rows marked P or *. */
interface Row {
  readonly scope: 'global' | 'topic'
  readonly name: string
  readonly cp: '*' | 'P'
  readonly aliasOf?: string
  readonly type: 'integer' | 'float' | 'boolean' | 'enum' | 'flags' | 'string' | 'pointer'
  readonly min?: number
  readonly max?: number
  readonly values?: readonly string[]
  readonly default: string | number | boolean | null
  readonly deprecated?: boolean
  readonly experimental?: boolean
}

const file = new URL('../../vectors/librdkafka-properties.json', import.meta.url)
const rows: readonly Row[] = JSON.parse(readFileSync(file, 'utf8'))
const described = describeProperties()

const typeNames = { float: 'number', flags: 'CSV flags', integer: 'integer', boolean: 'boolean', enum: 'enum' }

function find({ scope, name }: Row): NamedProperty {
  const named = (scope === 'global' ? producerNames : topicNames).get(name)
  if (named === undefined || named.scope !== scope) throw new Error(`no ${scope} property ${name}`)
  return named
}

const label = ({ scope, name }: Row): string => `${scope} ${name}`
const labelled = (some: readonly Row[]): [string, Row][] => some.map(row => [label(row), row])

/** Options in which no value of another property stands in the way of the one under test. */
const open = { 'bootstrap.servers': 'a', 'enable.idempotence': false, 'message.timeout.ms': 0 }

const everyCodec = () => null

/** Settings of TLS and SASL are only taken where they have an effect, and some only in company. */
function around(name: string): object {
  if (!/ssl|sasl|security\.protocol/.test(name)) return open
  const sasl = { 'sasl.mechanisms': 'PLAIN', 'sasl.username': 'u', 'sasl.password': 'p' }
  const company: Readonly<Record<string, object>> = {
    'ssl.key.location': { 'ssl.certificate.pem': 'c' },
    'ssl.key.pem': { 'ssl.certificate.pem': 'c' },
    'ssl.certificate.location': { 'ssl.key.pem': 'k' },
    'ssl.certificate.pem': { 'ssl.key.pem': 'k' },
    'ssl.keystore.location': { 'ssl.keystore.password': 'p' },
    'sasl.mechanisms': { saslMechanisms: { text: () => {} } },
  }
  return { ...open, 'security.protocol': 'sasl_ssl', ...sasl, ...company[name] }
}

function give(row: Row, value: unknown): void {
  const { name } = find(row)
  const options: Record<string, unknown> = { ...around(name) }
  if (name === 'message.timeout.ms') delete options['message.timeout.ms']
  if (name === 'metadata.broker.list') delete options['bootstrap.servers']
  if (row.scope === 'global') resolveConfig({ ...options, [row.name]: value } as ProducerOptions, everyCodec)
  else {
    const config = resolveConfig({ ...options, 'linger.ms': 0 } as ProducerOptions, everyCodec)
    deriveProfile(config.profile, { [row.name]: value }, config)
  }
}

const isSet = (row: Row): boolean => !['refused', 'unbuilt'].includes(find(row).property.use ?? 'honoured')

test('there are 160 rows, 11 of them aliases', () => {
  expect(rows).toHaveLength(160)
  expect(rows.filter(({ aliasOf }) => aliasOf !== undefined)).toHaveLength(11)
})

describe('every row of librdkafka', () => {
  test.each(labelled(rows))('%s is in the table, under its canonical name', (_, row) => {
    const { name, property } = find(row)
    expect(name).toBe(row.aliasOf ?? row.name)
    if (row.aliasOf !== undefined) expect(property.aliases).toContain(row.name)
    expect(property.side ?? '*').toBe(row.cp)
    expect(property.experimental ?? false).toBe(row.experimental ?? false)
    expect(property.hidden ?? false).toBe(false)
    if (row.deprecated) expect(['deprecated', 'unbuilt']).toContain(property.use)
  })

  test.each(labelled(rows.filter(({ aliasOf }) => aliasOf === undefined)))('%s has its default and type', (_, row) => {
    const { property } = find(row)
    expect(property.differs === undefined ? property.default : property.differs.librdkafka).toBe(row.default)
    const expected = row.type === 'string' || row.type === 'pointer' ? row.type : typeNames[row.type]
    expect(property.type.name).toBe(row.name === 'metadata.broker.list' ? 'servers' : expected)
  })
})

describe('numbers', () => {
  const numbers = labelled(rows.filter(({ min }) => min !== undefined))

  test.each(numbers)('%s goes from its least to its largest value and not further', (_, row) => {
    const { type } = find(row).property
    const { min = 0, max = 0 } = row
    for (const value of [min, max]) {
      expect(type.parse(value)).toBe(value)
      expect(type.parse(`${value}`)).toBe(value)
    }
    const outside = [min - 1, max + 1, `${min - 1}`, `${max + 1}`, min + 2 ** 32]
    for (const value of [...outside, `${min}ms`, `${max}.`, '', ' 5', '0x10', '1e3', Number.NaN, true, null, [5]]) {
      expect(type.parse(value), String(value)).toBeUndefined()
    }
    expect(type.parse(min + 0.5)).toBe(row.type === 'float' ? min + 0.5 : undefined)
    expect(type.allowed).toContain(`${min} to ${max}`)
  })

  test.each(numbers.filter(([, row]) => isSet(row)))('%s is taken at both ends by a producer', (_, row) => {
    const { min = 0, max = 0 } = row
    for (const value of [min, max]) give(row, value)
    for (const value of [min - 1, max + 1]) {
      expect(() => give(row, value)).toThrow(
        expect.objectContaining({ property: row.name, value, allowed: expect.stringContaining(`${min} to ${max}`) }),
      )
    }
  })

  test('linger is the only one that may have a fraction', () => {
    const fractional = described.filter(({ type }) => type === 'number').map(({ name }) => name)
    expect(fractional).toEqual(['queue.buffering.max.ms'])
    const config = resolveConfig({ 'bootstrap.servers': 'a', 'linger.ms': '0.5' })
    expect(config.properties['queue.buffering.max.ms']).toBe(0.5)
  })

  test('minus zero is zero', () => {
    expect(
      Object.is(resolveConfig({ 'bootstrap.servers': 'a', 'linger.ms': -0 }).properties['queue.buffering.max.ms'], 0),
    ).toBe(true)
  })
})

describe('words', () => {
  test.each(labelled(rows.filter(({ type }) => type === 'enum')))('%s takes its words and no others', (_, row) => {
    const { property } = find(row)
    for (const value of row.values ?? []) {
      expect(property.type.parse(value)).toBe(value)
      expect(property.type.parse(value.toUpperCase())).toBe(value)
      if (isSet(row) && property.refuses?.[value] === undefined) give(row, value)
    }
    for (const value of ['nonsense', '', ' ', 1, true, null]) expect(property.type.parse(value)).toBeUndefined()
    if (isSet(row)) {
      const fault = { property: row.name, value: 'nonsense', allowed: expect.stringContaining(row.values?.[0] ?? '') }
      expect(() => give(row, 'nonsense')).toThrow(expect.objectContaining(fault))
    }
  })

  test.each(labelled(rows.filter(({ type }) => type === 'boolean')))('%s takes true and false', (_, row) => {
    const { type } = find(row).property
    for (const value of [true, 'true', 'TRUE', '1', 't']) expect(type.parse(value)).toBe(true)
    for (const value of [false, 'false', 'False', '0', 'f']) expect(type.parse(value)).toBe(false)
    for (const value of ['yes', '', 1, 0, null]) expect(type.parse(value)).toBeUndefined()
    if (isSet(row)) expect(() => give(row, 'yes')).toThrow(ConfigError)
  })

  test.each(labelled(rows.filter(({ type }) => type === 'string')))('%s takes text and nothing else', (_, row) => {
    const { type } = find(row).property
    expect(type.parse('text')).toBe(
      row.aliasOf === 'metadata.broker.list' || type.name === 'servers' ? 'text:9092' : 'text',
    )
    for (const value of [5, true, null, {}]) expect(type.parse(value)).toBeUndefined()
  })

  test.each(labelled(rows.filter(({ type }) => type === 'flags')))(
    '%s takes its words with commas between',
    (_, row) => {
      const { type } = find(row).property
      for (const value of row.values ?? []) expect(type.parse(value)).toBe(value)
      expect(type.parse(row.values?.join(', '))).toBe(row.values?.join(','))
      expect(type.parse(`all,-${row.values?.[0]}`)).toBe(`all,-${row.values?.[0]}`)
      for (const value of ['nonsense', 'all,', 5]) expect(type.parse(value)).toBeUndefined()
    },
  )
})

describe('what librdkafka does not have', () => {
  const known = new Set(rows.map(label))
  const extra = described.filter(({ name, scope }) => !known.has(`${scope} ${name}`))

  test('three properties come from Java', () => {
    const java = extra.filter(({ origin }) => origin === 'Java').map(({ name }) => name)
    expect(java.sort()).toEqual(['buffer.memory', 'max.block.ms', 'max.request.size'])
  })

  test('the others are in its code, though not in its manual', () => {
    const hidden = extra.filter(({ origin }) => origin !== 'Java')
    expect(hidden.every(property => property.hidden)).toBe(true)
    expect(hidden.map(({ name }) => name).sort()).toEqual([
      'client.software.name',
      'client.software.version',
      'enable.sparse.connections',
      'enable_sasl_queue',
      'metadata.request.timeout.ms',
      'test.mock.broker.rtt',
      'test.mock.num.brokers',
      'ut_handle_ProduceResponse',
    ])
  })

  test('no alias is added', () => {
    const aliases = described.flatMap(property => property.aliases)
    expect(aliases.sort()).toEqual(rows.flatMap(({ name, aliasOf }) => (aliasOf === undefined ? [] : [name])).sort())
  })

  test('three defaults differ, each with a reason', () => {
    const differing = described.filter(({ differs }) => differs !== null)
    expect(differing.map(({ name }) => name).sort()).toEqual([
      'allow.auto.create.topics',
      'client.id',
      'enable.idempotence',
    ])
    for (const { differs } of differing) expect(differs?.reason).toMatch(/\w{3}/)
  })

  test('the version that brokers are told is the version of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
    expect(producerNames.get('client.software.version')?.property.default).toBe(version)
  })
})

describe('the use of a property', () => {
  const sample: Readonly<Record<string, unknown>> = {
    boolean: true,
    string: 'text',
    pointer: () => {},
    servers: 'a',
    'CSV flags': 'all',
  }
  const used = (...uses: readonly string[]): [string, unknown][] =>
    described
      .filter(({ use, scope }) => uses.includes(use) && scope === 'global')
      .map(property => [property.name, sample[property.type] ?? property.default])
  const resolve = (name: string, value: unknown) => resolveConfig({ ...around(name), [name]: value } as ProducerOptions)

  test.each(used('honoured', 'accepted'))('%s is taken without a word', (name, value) => {
    if (['metadata.broker.list', 'security.protocol'].includes(name)) return
    const config = resolve(name, value)
    expect(config.warnings).toEqual([])
    expect(config.given).toContain(name)
  })

  test.each(used('deprecated', 'native'))('%s is taken with a warning that says why', (name, value) => {
    const { warnings } = resolve(name, value)
    expect(warnings).toEqual([{ property: name, reason: expect.stringMatching(/^has no effect: \w.{9}/) }])
  })

  test.each(used('refused'))('%s is refused, and there is something else to use', (name, value) => {
    expect(() => resolve(name, value)).toThrow(/cannot be set: (use|listen|give|await|start) /)
    expect(() => resolve(name, value)).toThrow(expect.objectContaining({ property: name }))
  })

  test.each(used('unbuilt'))('%s is refused because it is not built yet', name => {
    expect(() => resolve(name, 'something else')).toThrow(/is not built yet/)
    expect(() => resolve(name, '')).toThrow(expect.objectContaining({ property: name }))
  })

  test.each(described.filter(({ use, default: value }) => use === 'unbuilt' && value !== null))(
    '$name is taken if it asks for nothing but the default',
    ({ name, default: value }) => {
      expect(resolve(name, value).warnings).toEqual([])
      expect(resolve(name, `${value}`).warnings).toEqual([])
    },
  )

  test('statistics are refused, and so are ways of finding brokers that are not built', () => {
    expect(() => resolve('statistics.interval.ms', 1000)).toThrow(/statistics\.interval\.ms = 1000: is not built yet/)
    expect(() => resolve('metadata.recovery.strategy', 'none')).toThrow(/is not built yet/)
    expect(() => resolve('client.dns.lookup', 'resolve_canonical_bootstrap_servers_only')).toThrow(/is not built yet/)
    expect(() => resolve('transaction.timeout.ms', 5000)).toThrow(/is not built yet/)
  })

  test('metrics are not pushed, and nobody is told', () => {
    for (const value of [true, false]) expect(resolve('enable.metrics.push', value).warnings).toEqual([])
  })

  test('a mock cluster is found elsewhere', () => {
    expect(() => resolve('test.mock.num.brokers', 3)).toThrow(/odradek\/mock/)
  })

  test('an order other than first in, first out is refused', () => {
    expect(() => resolve('queuing.strategy', 'lifo')).toThrow(/not possible/)
    expect(resolve('queuing.strategy', 'fifo').warnings).toHaveLength(1)
  })

  test('every use except honoured has its reason in the table', () => {
    const silent = described.filter(({ use, why }) => use !== 'honoured' && use !== 'unbuilt' && why === null)
    expect(silent).toEqual([])
  })

  test('passwords and private keys are secret', () => {
    const secret = described.filter(({ name }) => /password|passphrase|secret|key\.pem|ssl_key/.test(name))
    expect(secret).toHaveLength(8)
    expect(secret.every(property => property.secret)).toBe(true)
  })
})
