// Which partitions have something to send, by leader, and which of them wait for a time to pass.

import type { PartitionQueue } from './partition-queue.ts'

/** A broker and what there is to send to it. */
export interface Leader {
  readonly nodeId: number
  /** Partitions with a batch that may go, in turn. Each stands here once, as a request takes one batch of it. */
  readonly ready: Set<PartitionQueue>
  /** Partitions whose open batch somebody awaits; they go when the leader is idle, or with its next answer. */
  readonly awaited: Set<PartitionQueue>
  /** Requests without an answer. */
  inFlight: number
  /** It has answered since the awaited ones were looked at. */
  answered: boolean
}

export class Schedule {
  /** When the next partition ends its backoff. */
  nextRetryAt = Number.POSITIVE_INFINITY
  readonly #leaders = new Map<number, Leader>()
  // Those for whom something has changed since they were served.
  readonly #changed = new Set<Leader>()
  readonly #backingOff = new Set<PartitionQueue>()
  readonly #wake: () => void

  /** `wake` is called when there may be something to do. */
  constructor(wake: () => void) {
    this.#wake = wake
  }

  /** A partition may have something to send. */
  list(queue: PartitionQueue): void {
    if (queue.leader < 0) return
    const leader = this.#leader(queue.leader)
    if (leader.ready.has(queue)) return
    leader.ready.add(queue)
    this.change(leader)
  }

  /** Somebody awaits a message in the partition's open batch. */
  listAwaited(queue: PartitionQueue): void {
    if (queue.leader < 0) return
    const leader = this.#leader(queue.leader)
    if (leader.awaited.has(queue)) return
    leader.awaited.add(queue)
    this.change(leader)
  }

  /** Lets the awaited batches of a leader go. */
  releaseAwaited(leader: Leader): void {
    for (const queue of leader.awaited) {
      leader.awaited.delete(queue)
      if (queue.leader !== leader.nodeId || queue.open?.awaited !== true) continue
      queue.due = true
      this.list(queue)
    }
  }

  /** Nothing goes to the partition before its `retryAt`. */
  backOff(queue: PartitionQueue): void {
    this.#backingOff.add(queue)
    this.nextRetryAt = Math.min(this.nextRetryAt, queue.retryAt)
  }

  /** Lists the partitions whose backoff is over. */
  endBackoffs(now: number): void {
    if (this.nextRetryAt > now) return
    this.nextRetryAt = Number.POSITIVE_INFINITY
    for (const queue of this.#backingOff) {
      if (queue.retryAt > now) this.backOff(queue)
      else {
        this.#backingOff.delete(queue)
        this.list(queue)
      }
    }
  }

  /** This leader is to be served. */
  change(leader: Leader): void {
    this.#changed.add(leader)
    this.#wake()
  }

  /** The broker of this id, or every one, can be reached or takes more. */
  available(nodeId?: number): void {
    for (const leader of this.#leaders.values()) {
      if (nodeId === undefined || leader.nodeId === nodeId) this.change(leader)
    }
  }

  /** Hands out the leaders to be served, those included that are added meanwhile. */
  *changed(): Iterable<Leader> {
    for (const leader of this.#changed) {
      this.#changed.delete(leader)
      yield leader
    }
  }

  #leader(nodeId: number): Leader {
    let leader = this.#leaders.get(nodeId)
    if (leader === undefined) {
      leader = { nodeId, ready: new Set(), awaited: new Set(), inFlight: 0, answered: false }
      this.#leaders.set(nodeId, leader)
    }
    return leader
  }
}
