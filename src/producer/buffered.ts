// What `buffer()` holds: messages that are checked and copied, and wait to be asked for.

import { Deque } from '../deque.ts'
import type { Room, Waiter } from './room.ts'
import type { Held } from './terms.ts'

export class Buffered implements Waiter {
  /** What could not be queued at `close()`; counted, and that is all there is to say of it. */
  refused = 0
  readonly #held = new Deque<Held>()
  readonly #room: Room
  readonly #append: (held: Held) => void

  constructor(room: Room, append: (held: Held) => void) {
    this.#room = room
    this.#append = append
  }

  get size(): number {
    return this.#held.size
  }

  push(held: Held): void {
    this.#held.push(held)
  }

  /** Puts them before all others. */
  putBack(held: readonly Held[]): void {
    this.#held.insert(0, held)
  }

  takeAll(): Held[] {
    const held = [...this.#held]
    this.#held.clear()
    return held
  }

  /** As the last in line for room. */
  admit(): boolean {
    for (let held = this.#held.first(); held !== undefined; held = this.#held.first()) {
      const { userBytes } = held.message
      if (!this.#room.fits(userBytes) && !this.#room.neverFits(userBytes)) return false
      this.#held.shift()
      try {
        this.#append(held)
      } catch {
        this.refused++
      }
    }
    return true
  }

  giveUp(): void {
    this.#held.clear()
  }
}
