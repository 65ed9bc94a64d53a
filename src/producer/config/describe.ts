// The configuration as data to show: every property with all that is known about it, and a producer's own values.

import type { ProducerConfig } from './config.ts'
import { mask } from './findings.ts'
import { globalProperties } from './properties.ts'
import type { Property, Scalar, Side, Use } from './property.ts'
import { topicProperties } from './rows/topic.ts'

export interface PropertyDescription {
  readonly name: string
  readonly scope: 'global' | 'topic'
  /** `P` is for producers alone, `*` for consumers too. */
  readonly side: Side
  readonly type: string
  /** The allowed values, in words. */
  readonly allowed: string
  readonly unit: string | null
  readonly default: Scalar
  readonly aliases: readonly string[]
  readonly use: Use
  /** The reason for a `use` that is not `honoured`. */
  readonly why: string | null
  readonly doc: string
  readonly origin: 'librdkafka' | 'Java'
  /** Set where the default is not librdkafka's. */
  readonly differs: { readonly librdkafka: Scalar; readonly reason: string } | null
  /** Values that are turned down although the type allows them, and why. */
  readonly refuses: Readonly<Record<string, string>>
  readonly experimental: boolean
  readonly hidden: boolean
  readonly secret: boolean
}

/** Every property of the table, in the order of the manual. */
export function describeProperties(): PropertyDescription[] {
  return [
    ...Object.entries<Property>(globalProperties).map(([name, property]) => describe(name, 'global', property)),
    ...Object.entries<Property>(topicProperties).map(([name, property]) => describe(name, 'topic', property)),
  ]
}

function describe(name: string, scope: 'global' | 'topic', property: Property): PropertyDescription {
  return {
    name,
    scope,
    side: property.side ?? '*',
    type: property.type.name,
    allowed: property.type.allowed,
    unit: property.unit ?? null,
    default: property.default as Scalar,
    aliases: property.aliases ?? [],
    use: property.use ?? 'honoured',
    why: property.why ?? null,
    doc: property.doc,
    origin: property.origin ?? 'librdkafka',
    differs: property.differs ?? null,
    refuses: property.refuses ?? {},
    experimental: property.experimental ?? false,
    hidden: property.hidden ?? false,
    secret: property.secret ?? false,
  }
}

/** The values a producer runs with, under canonical names; what is not set is left out and secrets are not shown. */
export function dumpConfig(config: ProducerConfig): Record<string, string | number | boolean> {
  const secrets = new Set(describeProperties().flatMap(({ name, secret }) => (secret ? [name] : [])))
  const dump: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries({ ...config.properties, ...config.profile })) {
    if (value === null) continue
    dump[name] = secrets.has(name) ? mask : typeof value === 'function' ? '(function)' : value
  }
  return dump
}
