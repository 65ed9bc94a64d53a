// The life cycle of a batch, and what it belongs to.

/**
 * open: takes records. sealed: its records are final. compressing: a codec has them. ready: may be drained.
 * inFlight: in a request. done: has its verdict, or its records moved to other batches.
 */
export type BatchState = 'open' | 'sealed' | 'compressing' | 'ready' | 'inFlight' | 'done'

export const following: Readonly<Record<BatchState, readonly BatchState[]>> = {
  open: ['sealed', 'done'],
  sealed: ['compressing', 'ready', 'done'],
  compressing: ['ready', 'done'],
  ready: ['inFlight', 'done'],
  inFlight: ['ready', 'done'],
  done: [],
}

/** What a batch belongs to, and how large it will probably become. */
export interface Slot {
  readonly topic: string
  readonly partition: number
  /** Bytes of its records. */
  readonly likelyBytes: number
  /** Different times of calls. */
  readonly likelyMoments: number
}
