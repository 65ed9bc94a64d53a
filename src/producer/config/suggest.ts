// A better name for one that nobody knows.

/** Names of other clients for what is called something else here. */
const elsewhere: Readonly<Record<string, string>> = {
  brokers: 'bootstrap.servers',
  'send.buffer.bytes': 'socket.send.buffer.bytes',
  'receive.buffer.bytes': 'socket.receive.buffer.bytes',
  'key.serializer': 'keySerializer',
  'value.serializer': 'valueSerializer',
  'partitioner.class': 'partitioner',
  'sasl.jaas.config': 'sasl.username',
  ssl: 'security.protocol',
  maxInFlightRequests: 'max.in.flight',
  connectionTimeout: 'socket.connection.setup.timeout.ms',
}

/** The known name that was most probably meant, if there is one. Case, dots, dashes and underscores do not count. */
export function suggest(name: string, known: Iterable<string>): string | undefined {
  if (Object.hasOwn(elsewhere, name)) return elsewhere[name]
  const wanted = plain(name)
  let nearest: string | undefined
  let least = Math.min(4, Math.ceil(wanted.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(wanted, plain(candidate), least)
    if (distance >= least) continue
    least = distance
    nearest = candidate
  }
  return nearest
}

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/** Insertions, deletions, replacements and swaps of neighbours from `a` to `b`; at least `limit` once it is that far. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1))
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(beforeLast, j - 2) + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

const at = (row: readonly number[], index: number) => row[index] ?? Number.POSITIVE_INFINITY
