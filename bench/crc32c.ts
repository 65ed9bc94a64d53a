// CRC-32C over a batch's worth of bytes, beside a sum by tables over eight bytes a step.
// Run it with `npm run bench crc32c`.

import { crc32c } from '../src/protocol/crc32c.ts'

const tables = new Int32Array(8 * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  tables[byte] = crc
}
for (let i = 256; i < tables.length; i++) {
  const before = tables[i - 256] as number
  tables[i] = (before >>> 8) ^ (tables[before & 255] as number)
}

function bytesBySteps(bytes: Uint8Array): number {
  const at = (table: number, index: number): number => tables[table * 256 + index] as number
  const byte = (index: number): number => bytes[index] as number
  let crc = -1
  let i = 0
  for (; i + 8 <= bytes.length; i += 8) {
    crc ^= byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24)
    crc =
      at(7, crc & 255) ^
      at(6, (crc >>> 8) & 255) ^
      at(5, (crc >>> 16) & 255) ^
      at(4, crc >>> 24) ^
      at(3, byte(i + 4)) ^
      at(2, byte(i + 5)) ^
      at(1, byte(i + 6)) ^
      at(0, byte(i + 7))
  }
  for (; i < bytes.length; i++) crc = at(0, (crc ^ byte(i)) & 255) ^ (crc >>> 8)
  return ~crc >>> 0
}

const contenders = {
  'as it is': (bytes: Uint8Array) => crc32c(bytes, 0, bytes.length),
  'bytes, eight a step': bytesBySteps,
}

for (const size of [100, 1024, 65_536, 1_000_000]) {
  const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 2_654_435_761) >>> 13)
  const rounds = Math.ceil(50_000_000 / size)
  const best: Record<string, number> = {}
  for (let turn = 0; turn < 5; turn++) {
    for (const [name, sum] of Object.entries(contenders)) {
      const before = performance.now()
      for (let i = 0; i < rounds; i++) sum(bytes)
      const rate = (rounds * size) / 1000 / (performance.now() - before)
      best[name] = Math.max(best[name] ?? 0, rate)
    }
  }
  const rates = Object.entries(best).map(([name, rate]) => `${name} ${rate.toFixed(0)} MB/s`)
  console.log(`${String(size).padStart(9)} bytes: ${rates.join(', ')}`)
}
