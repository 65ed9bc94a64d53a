// The property table: one row a property, put together from the groups in rows/. Types, checks, defaults and
// docs/configuration.md all come from it.

import type { Property } from './property.ts'
import { clientProperties } from './rows/client.ts'
import { connectionProperties } from './rows/connection.ts'
import { deliveryProperties } from './rows/delivery.ts'
import { securityProperties } from './rows/security.ts'
import { topicProperties } from './rows/topic.ts'

// Not by spreading all four: that takes Node 20 longer than all other tables of the package together.
export const globalProperties = Object.assign(
  { ...connectionProperties },
  deliveryProperties,
  clientProperties,
  securityProperties,
)

type Table = Readonly<Record<string, Property>>

/** The names of a table that have a value, which a pointer of C never has. */
type Names<T extends Table> = { [N in keyof T]: T[N] extends Property<unknown, never> ? never : N }[keyof T]

type Values<T extends Table> = { readonly [N in Names<T>]: T[N]['default'] }

type Alias<T extends Table> = {
  [N in Names<T>]: T[N] extends Property<unknown, infer Input, infer Name> ? { name: Name; input: Input } : never
}[Names<T>]

type Inputs<T extends Table> = {
  readonly [N in Names<T>]?: T[N] extends Property<unknown, infer Input> ? Input | undefined : never
} & { readonly [A in Alias<T> as A['name']]?: A['input'] | undefined }

/** Every global property under its canonical name. */
export type GlobalProperties = Values<typeof globalProperties>

type GlobalInputs = Inputs<typeof globalProperties>
type TopicInputs = Inputs<typeof topicProperties>

/** Properties that may differ from topic to topic, by any of their names. */
export interface TopicConfig extends TopicInputs {}

/** Every property by any of its names; those of topics are the defaults of all topics. */
export interface PropertyOptions extends GlobalInputs, Omit<TopicInputs, keyof GlobalInputs> {}

/** What a name stands for. */
export interface NamedProperty {
  /** The canonical name. */
  readonly name: string
  readonly scope: 'global' | 'topic'
  readonly property: Property
}

function byName(table: Table, scope: NamedProperty['scope'], others?: ReadonlyMap<string, NamedProperty>) {
  const names = new Map(others)
  for (const [name, property] of Object.entries(table)) {
    const named: NamedProperty = { name, scope, property }
    for (const one of [name, ...(property.aliases ?? [])]) names.set(one, named)
  }
  return names
}

/** What a topic's configuration may name. */
export const topicNames: ReadonlyMap<string, NamedProperty> = byName(topicProperties, 'topic')

/** What a producer's configuration may name; where a name is in both tables it is the global one. */
export const producerNames: ReadonlyMap<string, NamedProperty> = byName(globalProperties, 'global', topicNames)

/** A fresh set of defaults, under canonical names. */
export function defaultsOf<T extends Table>(table: T): { -readonly [N in keyof Values<T>]: Values<T>[N] } {
  const valued = Object.entries(table).filter(([, { type }]) => type.name !== 'pointer')
  return Object.fromEntries(valued.map(([name, property]) => [name, property.default])) as Values<T>
}
