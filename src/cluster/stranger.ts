// Recognises by its first four bytes a peer that speaks something else, so that an error can say what it looks like.

/** What the bytes look like where a Kafka answer should begin, or null if they may be one. */
export function describeStranger(head: readonly number[]): string | null {
  const [type = 0, major] = head
  const text = String.fromCharCode(...head)
  if (text === 'HTTP') return 'the answer looks like HTTP'
  // A TLS record: alert or handshake, then version 3.x (RFC 8446, section 5.1).
  if ((type === 0x15 || type === 0x16) && major === 3)
    return 'the answer looks like TLS, is this port encrypted? check security.protocol'
  return /^[\x20-\x7e]{4}$/.test(text) ? `the answer looks like text ("${text}...")` : null
}
