// Looks through the records of a batch without building anything for them: this runs over every byte that is produced.

/** What is wrong with the records in `bytes`, or null. They have to be `count` and end where the bytes end. */
export function recordFault(bytes: Uint8Array, count: number): string | null {
  const scan = new Scan(bytes)
  for (let i = 0; i < count; i++) {
    if (!scan.record(i)) return scan.fault ?? `record ${i} is malformed`
  }
  return scan.at === bytes.length ? null : `${bytes.length - scan.at} bytes follow the last record`
}

/** Which of the records, known to be well-formed, have no key. */
export function recordsWithoutKey(bytes: Uint8Array, count: number): number[] {
  const scan = new Scan(bytes)
  const found: number[] = []
  for (let i = 0; i < count; i++) {
    scan.record(i)
    if (!scan.hasKey) found.push(i)
  }
  return found
}

class Scan {
  at = 0
  hasKey = false
  /** More precise than "malformed", where it is. */
  fault: string | null = null
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  record(index: number): boolean {
    const bodyBytes = this.#varint()
    const end = this.at + bodyBytes
    if (!(bodyBytes > 0 && end <= this.#bytes.length)) return false
    this.at++ // attributes
    this.#skipVarlong()
    const offsetDelta = this.#varint()
    const keyBytes = this.#field()
    this.hasKey = keyBytes >= 0
    const valueBytes = this.#field()
    const headers = this.#varint()
    if (!(keyBytes >= -1 && valueBytes >= -1 && headers >= 0 && headers <= bodyBytes)) return false
    for (let i = 0; i < headers; i++) {
      if (!(this.#field() >= 0 && this.#field() >= -1)) return false
    }
    if (this.at !== end) return false
    if (offsetDelta === index) return true
    this.fault = `record ${index} has the offset delta ${offsetDelta}`
    return false
  }

  // A length and as many bytes. Past the end or malformed it gives NaN, which no comparison lets through.
  #field(): number {
    const length = this.#varint()
    if (length > 0) this.at += length
    return length
  }

  #varint(): number {
    const bytes = this.#bytes
    const first = bytes[this.at++] ?? NaN
    if (first < 0x80) return (first >>> 1) ^ -(first & 1)
    let zigzag = first & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = bytes[this.at++] ?? NaN
      zigzag |= (byte & 0x7f) << shift
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1)
    }
    return NaN
  }

  #skipVarlong(): void {
    const start = this.at
    while ((this.#bytes[this.at++] ?? 0) >= 0x80) if (this.at - start === 10) this.at = NaN
  }
}
