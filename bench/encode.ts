// Encoding alone, parts/encoding.ts. Run it with `npm run bench -- encode`.

import { encoding } from './parts/encoding.ts'
import { compare } from './support/measure.ts'

await compare(encoding, 1_000_000)
