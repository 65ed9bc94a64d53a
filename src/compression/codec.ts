// What a codec is, and the numbers by which record batches name them.

/**
 * One compression type of record batches. Both directions give their result or a promise of it: a promise where the work
 * runs on the runtime's thread pool. A result is memory of its own, never a view of the input.
 */
export interface Codec {
  /** The number in the attributes of a record batch. */
  readonly id: 1 | 2 | 3 | 4
  readonly name: 'gzip' | 'snappy' | 'lz4' | 'zstd'
  /**
   * Compresses the chunks, together `byteLength` bytes, which must not change before the result is there. The result may
   * be larger than the input: the caller sends the input as it is then. `level` -1 is the codec's own default; one
   * beyond the codec's range counts as the nearest in it. Source: librdkafka `compression.level`.
   */
  compress(chunks: readonly Uint8Array[], byteLength: number, level: number): Uint8Array | Promise<Uint8Array>
  /** Throws, or rejects with, `ProtocolError` on malformed input and on more than `maxBytes` of output. */
  decompress(bytes: Uint8Array, maxBytes: number): Uint8Array | Promise<Uint8Array>
}
