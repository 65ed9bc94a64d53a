// The seam between the protocol and a network: cluster/node-transport and mock/memory-transport implement it.

/** Opens byte streams to brokers. */
export interface Transport {
  /** Resolves when bytes can be written (after the TLS handshake where `tls` is given). Rejects with a KafkaError. */
  connect(options: TransportOptions, on: TransportListener): Promise<TransportSocket>
}

export interface TransportOptions {
  host: string
  port: number
  /** Options of `tls.connect`; absent means plaintext. */
  tls?: object
  /** Ends an attempt that is still under way. */
  signal?: AbortSignal
}

export interface TransportListener {
  /** The bytes are valid during the call only. */
  data(bytes: Uint8Array): void
  /** The socket takes writes again after `write` returned false. */
  drained(): void
  /** Exactly once, last of all; without an error when it was closed on purpose. */
  closed(error?: Error): void
}

export interface TransportSocket {
  /**
   * Writes the chunks in order, as one gathered write where the platform has it.
   * `done` is called exactly once, when the chunks are no longer referenced.
   * Returns false when the caller should wait for `drained`; the bytes are taken all the same.
   */
  write(chunks: Uint8Array[], done: (error?: Error) => void): boolean
  /** Whether the open socket keeps the process alive: until told otherwise it does. Left out where nothing could. */
  hold?(on: boolean): void
  /** Closes at once; what is not written yet is lost. */
  destroy(): void
}
