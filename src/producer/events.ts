// What a producer tells whoever listens. Nothing is built for an event that nobody listens to.

import { InvalidMessageError, type KafkaError } from '../errors.ts'
import type { DeliveryReport } from './report.ts'

/** Every event with what its listeners get. */
export interface ProducerEvents {
  connected: Record<string, never>
  disconnected: Record<string, never>
  closing: Record<string, never>
  closed: Record<string, never>
  'message.acknowledged': { readonly report: DeliveryReport }
  'message.failed': { readonly report: DeliveryReport }
  'message.purged': { readonly report: DeliveryReport }
  'buffer.flushed': { readonly count: number }
  'queue.full': { readonly limit: string; readonly used: number }
  'config.warning': { readonly property: string; readonly reason: string }
  'metadata.updated': { readonly version: number }
  'broker.connected': { readonly broker: string }
  'broker.disconnected': { readonly broker: string; readonly error?: KafkaError }
  throttled: { readonly broker: string; readonly ms: number }
  'producer.reload': { readonly attempt: number; readonly error: KafkaError }
  'transaction.started': Record<string, never>
  'transaction.committed': Record<string, never>
  'transaction.aborted': Record<string, never>
  'transaction.finished': { readonly outcome: 'committed' | 'aborted' }
  'statistics.emitted': { readonly statistics: object }
  'error.occurred': { readonly type: string; readonly error: unknown }
}

export type EventName = keyof ProducerEvents
export type Listener<Name extends EventName> = (event: ProducerEvents[Name]) => void

const names: Readonly<Record<EventName, true>> = {
  connected: true,
  disconnected: true,
  closing: true,
  closed: true,
  'message.acknowledged': true,
  'message.failed': true,
  'message.purged': true,
  'buffer.flushed': true,
  'queue.full': true,
  'config.warning': true,
  'metadata.updated': true,
  'broker.connected': true,
  'broker.disconnected': true,
  throttled: true,
  'producer.reload': true,
  'transaction.started': true,
  'transaction.committed': true,
  'transaction.aborted': true,
  'transaction.finished': true,
  'statistics.emitted': true,
  'error.occurred': true,
}

export const eventNames = Object.freeze(Object.keys(names)) as readonly EventName[]

interface Registered {
  readonly fn: (event: never) => void
  readonly once: boolean
}

export class Events {
  readonly #listeners = new Map<EventName, readonly Registered[]>()

  /** Throws InvalidMessageError for a name that does not exist, or what is no function. */
  add<Name extends EventName>(name: Name, fn: Listener<Name>, once: boolean): void {
    checkName(name)
    if (typeof fn !== 'function')
      throw new InvalidMessageError('listener', `the listener of '${name}' must be a function`)
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), { fn, once }])
  }

  /** Throws InvalidMessageError for a name that does not exist. */
  remove<Name extends EventName>(name: Name, fn: Listener<Name>): void {
    checkName(name)
    this.#keep(name, registered => registered.fn !== fn)
  }

  /** Whether it is worth building the event. */
  has(name: EventName): boolean {
    return this.#listeners.has(name)
  }

  /** What a listener throws becomes an `error.occurred`, and nothing else. */
  emit<Name extends EventName>(name: Name, event: ProducerEvents[Name]): void {
    for (const registered of this.#listeners.get(name) ?? []) {
      if (registered.once) {
        // One before it may have set off the same event, and that was its turn.
        if (!this.#listeners.get(name)?.includes(registered)) continue
        this.#keep(name, other => other !== registered)
      }
      try {
        registered.fn(event as never)
      } catch (error) {
        if (name !== 'error.occurred') this.emit('error.occurred', { type: `listener of ${name}`, error })
      }
    }
  }

  #keep(name: EventName, wanted: (registered: Registered) => boolean): void {
    const left = (this.#listeners.get(name) ?? []).filter(wanted)
    if (left.length > 0) this.#listeners.set(name, left)
    else this.#listeners.delete(name)
  }
}

function checkName(name: string): void {
  if (Object.hasOwn(names, name)) return
  throw new InvalidMessageError('event', `there is no event '${name}': it must be one of ${eventNames.join(', ')}`)
}
