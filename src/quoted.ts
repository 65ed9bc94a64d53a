// How an error shows what somebody else has said, who may be anybody.

/**
 * One line, of bounded length. Nothing of what holds `secret`: a gap in words that are known would tell it.
 */
export function quoted(text: string, secret = ''): string {
  if (secret !== '' && text.includes(secret)) return '******'
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length > 300 ? `${line.slice(0, 300)}…` : line
}
