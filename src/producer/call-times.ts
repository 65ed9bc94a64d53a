// When each message of a batch was handed in. The messages of a burst share their time: a number for each of them would
// live as long as the batch, and a queue of a hundred thousand makes V8's young generation grow to its largest size.

/** Calls that are less than this apart count as one moment (milliseconds). */
const momentMs = 0.1

export class CallTimes {
  #last = Number.NEGATIVE_INFINITY
  // times[i] is that of the messages from index firsts[i] on.
  readonly #times: number[] = []
  readonly #firsts: number[] = []

  /** The time that stands for `calledAt`, if it is that of the next message. */
  near(calledAt: number): number {
    const since = calledAt - this.#last
    return since >= 0 && since < momentMs ? this.#last : calledAt
  }

  /** The message at `index`, which follows those that are there, was handed in at `time`, as `near` gave it. */
  add(index: number, time: number): void {
    if (time === this.#last) return
    this.#last = time
    this.#times.push(time)
    this.#firsts.push(index)
  }

  at(index: number): number {
    let low = 0
    for (let high = this.#times.length - 1; low < high; ) {
      const middle = (low + high + 1) >> 1
      if ((this.#firsts[middle] as number) <= index) low = middle
      else high = middle - 1
    }
    return this.#times[low] as number
  }
}
