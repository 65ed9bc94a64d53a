// A double-ended queue over a ring: O(1) at both ends and by index, no allocation per element.

// What once held a million does not keep room for a million.
const largestEmptyRing = 4096

export class Deque<T> {
  #ring: (T | undefined)[] = new Array(8).fill(undefined)
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The element at `index` from the front, undefined outside. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.#size) return undefined
    return this.#ring[(this.#head + index) & (this.#ring.length - 1)]
  }

  first(): T | undefined {
    return this.at(0)
  }

  last(): T | undefined {
    return this.at(this.#size - 1)
  }

  push(value: T): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = value
    this.#size++
  }

  unshift(value: T): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#head = (this.#head - 1) & (this.#ring.length - 1)
    this.#ring[this.#head] = value
    this.#size++
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined
    const value = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#size--
    if (this.#size === 0 && this.#ring.length > largestEmptyRing) this.clear()
    return value
  }

  pop(): T | undefined {
    if (this.#size === 0) return undefined
    const slot = (this.#head + --this.#size) & (this.#ring.length - 1)
    const value = this.#ring[slot]
    this.#ring[slot] = undefined
    return value
  }

  /** Puts `values` where `index` is, in their order; what stood there moves back. */
  insert(index: number, values: readonly T[]): void {
    const rest: T[] = []
    while (this.#size > index) rest.push(this.pop() as T)
    for (const value of values) this.push(value)
    while (rest.length > 0) this.push(rest.pop() as T)
  }

  /** Takes the first element equal to `value` out; O(n). Says whether it was there. */
  remove(value: T): boolean {
    for (let i = 0; i < this.#size; i++) {
      if (this.at(i) !== value) continue
      const rest: T[] = []
      while (this.#size > i + 1) rest.push(this.pop() as T)
      this.pop()
      while (rest.length > 0) this.push(rest.pop() as T)
      return true
    }
    return false
  }

  clear(): void {
    this.#ring = new Array(8).fill(undefined)
    this.#head = 0
    this.#size = 0
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; i < this.#size; i++) yield this.at(i) as T
  }

  // A power of two, so that a mask replaces the modulo.
  #grow(): void {
    const { length } = this.#ring
    const ring: (T | undefined)[] = new Array(length * 2).fill(undefined)
    for (let i = 0; i < this.#size; i++) ring[i] = this.at(i)
    this.#ring = ring
    this.#head = 0
  }
}
