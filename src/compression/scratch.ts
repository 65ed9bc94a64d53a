// Memory that coders reuse from call to call, seen as bytes and, for words at any address, as a DataView.

/** A stretch of memory in both of its views. */
export interface Memory {
  readonly bytes: Uint8Array
  readonly view: DataView
}

// A larger batch gets memory for itself, so that one giant does not stay for the life of the process.
const maxKeptBytes = 4 << 20

export function memoryOf(bytes: Uint8Array): Memory {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) }
}

/** Memory of at least `byteLength` bytes, its contents anything; the same one each time where that is possible. */
export function scratch(): (byteLength: number) => Memory {
  let kept = memoryOf(new Uint8Array(0))
  return byteLength => {
    if (byteLength <= kept.bytes.length) return kept
    const size = 2 ** Math.max(16, Math.ceil(Math.log2(byteLength)))
    const fresh = memoryOf(new Uint8Array(size))
    if (size <= maxKeptBytes) kept = fresh
    return fresh
  }
}

/** The chunks in one stretch: a single chunk as it is, several copied into what `reserve` gives. */
export function gather(
  chunks: readonly Uint8Array[],
  byteLength: number,
  reserve: (byteLength: number) => Memory,
): Memory {
  const [only] = chunks
  if (only !== undefined && chunks.length === 1) return memoryOf(only)
  const memory = reserve(byteLength)
  let at = 0
  for (const chunk of chunks) {
    memory.bytes.set(chunk, at)
    at += chunk.length
  }
  return memory
}
