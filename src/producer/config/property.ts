// What a row of the property table is: a type that parses what a user wrote, a default, and all that the docs say.

/**
 * What becomes of a property. To build one, change this word in its row.
 * - `honoured`: it does what librdkafka's manual says.
 * - `accepted`: no effect, and none is missed, so nothing is said about it.
 * - `deprecated`, `native`: no effect; the event `config.warning` says why.
 * - `refused`: a ConfigError that says what to use instead.
 * - `unbuilt`: a ConfigError for anything but the default, because ignoring it would not give what was asked for.
 */
export type Use = 'honoured' | 'accepted' | 'deprecated' | 'native' | 'refused' | 'unbuilt'

/** Who reads it in librdkafka: consumers and producers, or producers alone. */
export type Side = '*' | 'P'

export interface Details<Alias extends string> {
  /** What it does, in one sentence of the manual. */
  readonly doc: string
  readonly use?: Use
  /** The reason for a `use` that is not `honoured`. */
  readonly why?: string
  readonly side?: Side
  readonly aliases?: readonly Alias[]
  readonly unit?: 'ms' | 's' | 'bytes' | 'KiB'
  /** Never shown: not by an error, not by `dump()`. */
  readonly secret?: boolean
  readonly experimental?: boolean
  /** Not in librdkafka's manual. */
  readonly hidden?: boolean
  /** Set where the default is not librdkafka's: its default, and why ours differs. */
  readonly differs?: { readonly librdkafka: Scalar; readonly reason: string }
  /** Allowed values that are turned down all the same, and why. */
  readonly refuses?: Readonly<Record<string, string>>
  /** Where the name comes from, if not from librdkafka. */
  readonly origin?: 'Java'
}

export type Scalar = string | number | boolean | null

/** How a value is written. `Input` is what TypeScript lets a user write; `parse` decides at run time. */
export interface ValueType<Value, Input> {
  readonly name: string
  /** The allowed values, in words. */
  readonly allowed: string
  /** The value, or undefined if what was written is not one. */
  parse(written: unknown): Value | undefined
  /** Only there for the compiler. */
  readonly input?: Input
}

export interface Property<Value = unknown, Input = unknown, Alias extends string = string> extends Details<Alias> {
  readonly type: ValueType<Value, Input>
  readonly default: Value
}

export const largestInt = 2_147_483_647

export type NumberInput = number | `${number}`

/** A decimal number, in or out of quotes, within C's `int` unless the range says otherwise. */
export function int<const Alias extends string = never>(
  fallback: number,
  min: number,
  max: number,
  details: Details<Alias>,
): Property<number, NumberInput, Alias> {
  return { ...details, default: fallback, type: numberType('integer', /^-?\d+$/, min, max) }
}

export function float<const Alias extends string = never>(
  fallback: number,
  min: number,
  max: number,
  details: Details<Alias>,
): Property<number, NumberInput, Alias> {
  return { ...details, default: fallback, type: numberType('number', /^-?\d+(\.\d+)?$/, min, max) }
}

function numberType(name: string, pattern: RegExp, min: number, max: number): ValueType<number, NumberInput> {
  return {
    name,
    allowed: `${min} to ${max}`,
    parse: written => {
      const value = typeof written === 'string' && pattern.test(written) ? Number(written) : written
      if (typeof value !== 'number' || !pattern.test(String(value)) || value < min || value > max) return undefined
      return value === 0 ? 0 : value // never -0
    },
  }
}

const booleans: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true],
  ['true', true],
  ['t', true],
  ['1', true],
  [false, false],
  ['false', false],
  ['f', false],
  ['0', false],
])

export function flag<const Alias extends string = never>(
  fallback: boolean,
  details: Details<Alias>,
): Property<boolean, boolean | 'true' | 'false', Alias> {
  const parse = (written: unknown) => booleans.get(typeof written === 'string' ? written.toLowerCase() : written)
  return { ...details, default: fallback, type: { name: 'boolean', allowed: 'true or false', parse } }
}

/** One of a few words, in upper or lower case. */
export function choice<const Value extends string, const Alias extends string = never>(
  fallback: NoInfer<Value>,
  values: readonly Value[],
  details: Details<Alias>,
): Property<Value, Value, Alias> {
  return { ...details, default: fallback, type: choiceType(values) }
}

export function choiceType<Value extends string>(values: readonly Value[]): ValueType<Value, Value> {
  return {
    name: 'enum',
    allowed: values.join(', '),
    parse: written => {
      const wanted = typeof written === 'string' ? written.toLowerCase() : undefined
      return values.find(value => value.toLowerCase() === wanted)
    },
  }
}

type TextDetails<Alias extends string> = Details<Alias> & { readonly pattern?: RegExp; readonly allowed?: string }

/** Any text. The empty one means that the property is not set, as in librdkafka. */
export function text<const Alias extends string = never>(
  fallback: string,
  details: TextDetails<Alias>,
): Property<string, string, Alias>
export function text<const Alias extends string = never>(
  fallback: null,
  details: TextDetails<Alias>,
): Property<string | null, string, Alias>
export function text(fallback: string | null, details: TextDetails<string>): Property<string | null, string> {
  const { pattern, allowed = 'a string', ...rest } = details
  const parse = (written: unknown) =>
    typeof written === 'string' && (pattern?.test(written) ?? true) ? written : undefined
  return { ...rest, default: fallback, type: { name: 'string', allowed, parse } }
}

/** Words with commas between them; one with a minus in front takes it away again. */
export function words<const Alias extends string = never>(
  values: readonly string[],
  details: Details<Alias>,
): Property<string | null, string, Alias> {
  const one = choiceType(values)
  const parse = (written: unknown) => {
    const list = typeof written === 'string' ? written.split(',').map(word => word.trim()) : ['?']
    return list.every(word => one.parse(word.replace(/^[+-]/, '')) !== undefined) ? list.join(',') : undefined
  }
  return { ...details, default: null, type: { name: 'CSV flags', allowed: `a list of ${one.allowed}`, parse } }
}

/** Something that C code sets with a call of its own, and that has no text form. */
export function pointer(details: Details<never>): Property<null, never, never> {
  return { ...details, default: null, type: { name: 'pointer', allowed: 'nothing', parse: () => null } }
}
