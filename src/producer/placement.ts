// How a message that waits for its partition wants to be placed; all that does not stand in its record.

import { Buffer } from 'node:buffer'
import type { PartitionerFunction } from '../partitioners/partitioner.ts'
import type { PreparedMessage } from './message.ts'

export interface Placement {
  readonly partition: number
  readonly partitionKey: Buffer | null
  readonly partitioner: string | PartitionerFunction | null
}

// Nearly every message is like this, so they share it.
const anywhere: Placement = { partition: -1, partitionKey: null, partitioner: null }

export function placementOf(message: PreparedMessage): Placement {
  const { partition, partitionKey, partitionKeyLength, partitioner } = message
  if (partition < 0 && partitionKeyLength === -2 && partitioner === null) return anywhere
  const key = partitionKeyLength === -2 ? null : Buffer.from(partitionKey.subarray(0, partitionKeyLength))
  return { partition, partitionKey: key, partitioner }
}

/** Gives a message that was read back its placement again. */
export function place(message: PreparedMessage, { partition, partitionKey, partitioner }: Placement = anywhere): void {
  message.partition = partition
  message.partitioner = partitioner
  message.partitionKeyLength = partitionKey === null ? -2 : partitionKey.length
  if (partitionKey !== null) message.partitionKey = partitionKey
}
