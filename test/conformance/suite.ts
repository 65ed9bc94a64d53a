// Every case runs unchanged against the mock cluster and against a real Kafka: both have to say the same.

import { batchCases } from './batches.ts'
import { Place } from './place.ts'
import { producerCases } from './producer.ts'
import { questionCases } from './questions.ts'
import { sequenceCases } from './sequences.ts'
import { transactionCases } from './transactions.ts'

/** Declares all cases for the cluster that `servers` gives when they run. */
export function conformance(servers: () => string): void {
  const place = (): Place => new Place(servers())
  batchCases(place)
  sequenceCases(place)
  questionCases(place)
  transactionCases(place)
  producerCases(place)
}
