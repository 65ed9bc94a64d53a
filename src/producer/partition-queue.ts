// One partition's batches in order, and what may be sent of them next.

import { Deque } from '../deque.ts'
import type { KafkaError } from '../errors.ts'
import type { Batch } from './batch.ts'
import type { Slot } from './batch-state.ts'

/**
 * A retry does not move a batch: it becomes ready again where it stands, and what follows waits behind it. So order
 * holds without a second queue. Partition -1 is the topic's holder, whose messages wait for their partition.
 */
export class PartitionQueue implements Slot {
  // First what every message touches.
  readonly topic: string
  readonly partition: number
  /** The batch opened last, in whatever state; null when its verdict is out. */
  newest: Batch | null = null
  /** Bytes of its messages; what a load-aware partitioner looks at. */
  userBytes = 0
  /** Batches without a verdict, oldest first; only the last one can be open. */
  readonly batches = new Deque<Batch>()
  /** Node id of the leader, -1 if there is none or it is not known. */
  leader = -1
  /** The open batch may go: it lingered, somebody flushes, or somebody awaits it and the leader is free. */
  due = false
  /** Batches in requests without an answer, those given up in the meantime included. */
  inFlight = 0
  /** The leader these requests went to. */
  owingLeader = -1
  /** The present leader has accepted a batch, so it knows our sequence: now several may be in flight. */
  proven = false
  /** Reports are being given out. */
  publishing = false
  failures = 0
  /** The last fault that kept a batch from being acknowledged. */
  lastError: KafkaError | null = null
  /** Nothing is sent before this time (monotonic milliseconds). */
  retryAt = 0
  nextSequence = 0
  /** Producer id and epoch that `nextSequence` counts under. */
  producerId = -1n
  producerEpoch = -1
  // What the next batch will probably be like, going by the last one.
  likelyBytes = 0
  likelyMoments = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** The batch that still takes records. */
  get open(): Batch | null {
    const { newest } = this
    return newest !== null && newest.state === 'open' ? newest : null
  }

  /**
   * The batch to send next: the first that is not on its way, if it may go now. It never overtakes one before it.
   *
   * A new leader gets nothing while the old one owes an answer, and until a leader's first success there is one batch
   * at a time: a leader without a memory of this producer accepts any first sequence, so that a second request which
   * overtakes a failed first one would break the order. Source: franz-go `okOnSink`, `inflightOnSink`.
   */
  next(now: number): Batch | null {
    if (now < this.retryAt || (this.inFlight > 0 && (!this.proven || this.owingLeader !== this.leader))) return null
    for (let i = 0; i < this.batches.size; i++) {
      const batch = this.batches.at(i) as Batch
      const { state } = batch
      if (state === 'inFlight' || state === 'done') continue
      if (state === 'compressing') return null
      return state === 'open' && !this.due ? null : batch
    }
    return null
  }

  /** Whether something is there that is not on its way. */
  get waiting(): boolean {
    // Nearly always the last one tells; behind one that waits others may be on their way, or given up.
    for (let i = this.batches.size - 1; i >= 0; i--) {
      const { state } = this.batches.at(i) as Batch
      if (state !== 'inFlight' && state !== 'done') return true
    }
    return false
  }

  /** A new leader has to prove itself. Says whether it is new. */
  lead(leader: number): boolean {
    if (leader === this.leader) return false
    this.leader = leader
    this.proven = false
    this.retryAt = 0
    return true
  }
}
