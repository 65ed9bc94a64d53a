// Produce requests without their records, parts/envelopes.ts. A million here are a million batches.
// Run it with `npm run bench -- envelope`.

import { requests } from './parts/envelopes.ts'
import { compare } from './support/measure.ts'

await compare(requests, 1_000_000)
