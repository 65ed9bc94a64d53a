// A real Kafka under the conformance suite; test/mock/conformance.test.ts puts the mock there.

import { conformance } from '../conformance/suite.ts'
import { kafka } from '../support/real-kafka.ts'

conformance(() => kafka.bootstrapServers)
