// The fault policy, as data: what becomes of a batch after an answer or a fault. Nothing else decides to try again.

import { describeErrorCode } from '../error-codes.ts'
import { ConnectionError, type KafkaError } from '../errors.ts'

/**
 * complete: it is in the log. retry: the same batch again. refresh: the same after a look at the metadata.
 * split: smaller batches. sequence: the broker does not know our sequence; a new epoch, then again.
 * renew: as sequence, with a new producer id. fail: its messages fail. fatal: the producer does.
 */
export type Action = 'complete' | 'retry' | 'refresh' | 'split' | 'sequence' | 'renew' | 'fail' | 'fatal'

export interface Outcome {
  readonly action: Action
  /** The batch may be in the log although this answer is no success. */
  readonly uncertain: boolean
  /** It used up one of `message.send.max.retries`: there is a risk of duplicates in it without idempotence. */
  readonly counts: boolean
}

const row = (action: Action, uncertain = false, counts = false): Outcome => ({ action, uncertain, counts })

// What is not listed fails. Sources: librdkafka `rd_kafka_handle_Produce_error`, Apache Kafka `Sender.canRetry`, KIP-360.
const byName: Readonly<Record<string, Outcome>> = {
  NONE: row('complete'),
  DUPLICATE_SEQUENCE_NUMBER: row('complete'), // an earlier attempt did land; the offset is not told
  CORRUPT_MESSAGE: row('retry', false, true), // damaged on the way
  REQUEST_TIMED_OUT: row('retry', true, true),
  NOT_ENOUGH_REPLICAS: row('retry'),
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: row('retry', true, true),
  THROTTLING_QUOTA_EXCEEDED: row('retry'),
  CONCURRENT_TRANSACTIONS: row('retry'),
  COORDINATOR_LOAD_IN_PROGRESS: row('retry'),
  UNKNOWN_TOPIC_OR_PARTITION: row('refresh'),
  LEADER_NOT_AVAILABLE: row('refresh'),
  NOT_LEADER_OR_FOLLOWER: row('refresh'),
  BROKER_NOT_AVAILABLE: row('refresh'),
  REPLICA_NOT_AVAILABLE: row('refresh'),
  NETWORK_EXCEPTION: row('refresh', true, true),
  KAFKA_STORAGE_ERROR: row('refresh'),
  LISTENER_NOT_FOUND: row('refresh'),
  FENCED_LEADER_EPOCH: row('refresh'),
  UNKNOWN_LEADER_EPOCH: row('refresh'),
  UNKNOWN_TOPIC_ID: row('refresh'),
  INCONSISTENT_TOPIC_ID: row('refresh'),
  MESSAGE_TOO_LARGE: row('split'),
  RECORD_LIST_TOO_LARGE: row('split'),
  OUT_OF_ORDER_SEQUENCE_NUMBER: row('sequence'),
  UNKNOWN_PRODUCER_ID: row('sequence'),
  INVALID_PRODUCER_EPOCH: row('renew'),
  INVALID_PRODUCER_ID_MAPPING: row('renew'),
  PRODUCER_FENCED: row('fatal'),
  CLUSTER_AUTHORIZATION_FAILED: row('fatal'),
}

const fail = row('fail')
const lostAnswer = row('refresh', true, true)
const notWritten = row('refresh')

/** What to do after a broker's error code for one partition. */
export function judgeCode(code: number): Outcome {
  return byName[describeErrorCode(code).name] ?? fail
}

/** What to do after a request that got no proper answer. `written`: its bytes may have reached the broker. */
export function judgeFault(error: KafkaError, written: boolean): Outcome {
  if (written) return lostAnswer
  return error instanceof ConnectionError ? notWritten : fail
}
