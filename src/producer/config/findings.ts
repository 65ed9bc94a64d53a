// What is found while a configuration is read: which properties were given, what is wrong, and what deserves a warning.

import { ConfigError } from '../../errors.ts'
import type { NamedProperty } from './properties.ts'

export interface ConfigWarning {
  readonly property: string
  readonly reason: string
}

export class Findings {
  /** Canonical names of what was given, right or wrong, each with the name that was written. */
  readonly given = new Map<string, string>()
  readonly warnings: ConfigWarning[] = []
  readonly #faults: ConfigError[] = []

  /** `message` goes on where the property's name and value have been said. */
  fault(property: string, written: unknown, allowed: string, message: string): void {
    const value = holdsSecret(written) ? mask : written
    this.#faults.push(new ConfigError(property, value, allowed, `${property} = ${show(value)}: ${message}`))
  }

  warn(property: string, reason: string): void {
    this.warnings.push({ property, reason })
  }

  /** All faults as one ConfigError, which has the fields of the first. */
  throwFaults(): void {
    const [first, ...others] = this.#faults
    if (first === undefined) return
    if (others.length === 0) throw first
    const all = this.#faults.map(fault => `\n- ${fault.message}`).join('')
    throw new ConfigError(first.property, first.value, first.allowed, `${this.#faults.length} faults:${all}`)
  }

  /** Takes what was written for `name` into `values`, or finds out why not. */
  read(named: NamedProperty, name: string, written: unknown, values: Record<string, unknown>): void {
    const { type, use, why = '', secret = false, default: fallback } = named.property
    const fault = (allowed: string, message: string) => this.fault(name, secret ? mask : written, allowed, message)
    if (use === 'refused') fault('nothing', `cannot be set: ${why}`)
    else if (use === 'unbuilt' && (fallback === null || type.parse(written) !== fallback)) {
      fault(fallback === null ? 'nothing' : `${fallback}`, 'is not built yet')
    } else if (written !== '' || type.name !== 'string') this.#take(named, name, written, values, fault)
  }

  #take(
    { name: canonical, property }: NamedProperty,
    name: string,
    written: unknown,
    values: Record<string, unknown>,
    fault: (allowed: string, message: string) => void,
  ): void {
    const { type, use, why = '' } = property
    const other = this.given.get(canonical)
    this.given.set(canonical, name)
    const value = type.parse(written)
    const refusal = property.refuses?.[String(value)]
    if (value === undefined) fault(type.allowed, `expected ${expectation(property)}`)
    else if (refusal !== undefined) fault(type.allowed, refusal)
    else if (other !== undefined && values[canonical] !== value) {
      fault(`what ${other} says`, `${other} is another name of this property and has another value`)
    } else {
      if (use === 'deprecated' || use === 'native') this.warn(name, `has no effect: ${why}`)
      if (type.name !== 'pointer') values[canonical] = value
    }
  }
}

export const mask = '******'

/** Whether a text or a list of texts has an address with a password or a query in it. */
function holdsSecret(value: unknown): boolean {
  return Array.isArray(value) ? value.some(holdsSecret) : typeof value === 'string' && /@|:\/\/.*\?/.test(value)
}

const articles: Readonly<Record<string, string>> = {
  integer: 'an integer, ',
  number: 'a number, ',
  enum: 'one of ',
}

const expectation = ({ type, unit }: NamedProperty['property']) =>
  `${articles[type.name] ?? ''}${type.allowed}${unit === undefined ? '' : ` (${unit})`}`

/** A value as an error message shows it: short, and whatever it is. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return String(value)
}
