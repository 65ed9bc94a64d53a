// Answers to Produce requests, parts/envelopes.ts. A million here are a million batches.
// Run it with `npm run bench -- response`.

import { responses } from './parts/envelopes.ts'
import { compare } from './support/measure.ts'

await compare(responses, 1_000_000)
