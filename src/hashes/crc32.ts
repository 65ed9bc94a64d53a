// CRC-32 as zlib, PNG and Ethernet have it. (Record batches use CRC-32C, another polynomial: protocol/crc32c.)

const table = new Int32Array(256)
for (let value = 0; value < 256; value++) {
  let crc = value
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  table[value] = crc
}

/** The checksum of `bytes[start, end)`, unsigned. Source: ITU-T V.42, reflected polynomial 0xedb88320. */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1
  for (let at = start; at < end; at++) crc = (crc >>> 8) ^ (table[(crc ^ (bytes[at] as number)) & 0xff] as number)
  return ~crc >>> 0
}
