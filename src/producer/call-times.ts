// When each message of a batch was handed in, in tenths of a millisecond: small integers, which cost no memory of their own
// (after 59 hours of the clock they are no longer small, and cost what a fraction costs).
// The messages of a burst share their time: a number for each of them would live as long as the batch, and a queue of a
// hundred thousand makes V8's young generation grow to its largest size.

const ticksPerMs = 10

/** A time of the clock (milliseconds) as a whole number of ticks, rounded down. */
export const ticksOf = (ms: number): number => Math.floor(ms * ticksPerMs)

/** Milliseconds of so many ticks. */
export const msOf = (ticks: number): number => ticks / ticksPerMs

/** Whole milliseconds of so many ticks, rounded down. */
export const wholeMs = (ticks: number): number => Math.floor(ticks / ticksPerMs)

export class CallTimes {
  #last = -1
  #size = 0
  readonly #ticks: number[]
  // ticks[i] is that of the messages from index firsts[i] on; null while each has its own.
  #firsts: number[] | null = null

  /** Grown step by step the list would be copied three times for a hundred messages. */
  constructor(likelySize = 0) {
    this.#ticks = new Array(likelySize)
  }

  /** How many times there are. */
  get size(): number {
    return this.#size
  }

  /** The message at `index`, which follows those that are there, was handed in then. */
  add(index: number, ticks: number): void {
    if (ticks === this.#last && this.#size > 0) {
      this.#firsts ??= Array.from({ length: this.#size }, (_, i) => i)
      return
    }
    this.#last = ticks
    this.#ticks[this.#size++] = ticks
    this.#firsts?.push(index)
  }

  at(index: number): number {
    const firsts = this.#firsts
    if (firsts === null) return this.#ticks[index] as number
    let low = 0
    for (let high = firsts.length - 1; low < high; ) {
      const middle = (low + high + 1) >> 1
      if ((firsts[middle] as number) <= index) low = middle
      else high = middle - 1
    }
    return this.#ticks[low] as number
  }
}
