// Work like that of a producer which no change of this one can make faster or slower: an object for each of these messages,
// their bytes one after the other into a batch, and a checksum over it. What else costs, is said in its lengths.

const messageBytes = 100
const batch = new Uint8Array(1 << 20)
const source = Uint8Array.from({ length: messageBytes }, (_, i) => i * 7)
const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1
  return sum
})

interface Taken {
  readonly at: number
  readonly index: number
}

let taken: Taken[] = []
/** Whoever reads it keeps the work from being for nothing. */
export let checksum = 0

export function yardstick(messages: number): void {
  let at = 0
  for (let index = 0; index < messages; index++) {
    if (at + messageBytes > batch.length) at = finish(at)
    taken.push({ at, index })
    for (let i = 0; i < messageBytes; i++) batch[at + i] = (source[i] ?? 0) ^ index
    at += messageBytes
  }
  finish(at)
}

function finish(end: number): number {
  // One byte in four: a table of one byte is slower than what producers have.
  for (let i = 0; i < end; i += 4) checksum = (table[(checksum ^ (batch[i] ?? 0)) & 255] ?? 0) ^ (checksum >>> 8)
  checksum ^= taken.length
  taken = []
  return 0
}
