// SASLprep: one form for names and passwords that look the same. Source: RFC 4013, with the tables of RFC 3454.

const spaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu
const mappedToNothing = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu
const prohibited = new RegExp(
  [
    '[\\p{Cc}\\p{Co}\\p{Cs}\\p{Noncharacter_Code_Point}\\p{Zl}\\p{Zp}]',
    '[\\u06dd\\u070f\\u180e\\u2061-\\u2063\\u206a-\\u206f\\ufff9-\\ufffd]|[\\u{1d173}-\\u{1d17a}]',
    '[\\u2ff0-\\u2ffb\\u0340\\u0341\\u200e\\u200f\\u202a-\\u202e]|\\u{e0001}|[\\u{e0020}-\\u{e007f}]',
  ].join('|'),
  'u',
)
const rightToLeft = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u
const letter = /\p{L}/u

/** The prepared text, or null where RFC 4013 forbids it. */
export function saslprep(text: string): string | null {
  const prepared = text.replace(spaces, ' ').replace(mappedToNothing, '').normalize('NFKC')
  return prohibited.test(prepared) || mixesDirections(prepared) ? null : prepared
}

// RFC 3454, section 6: right-to-left text begins and ends as such and holds nothing that runs the other way.
function mixesDirections(text: string): boolean {
  const characters = [...text]
  if (!characters.some(one => rightToLeft.test(one))) return false
  const ends = [characters.at(0) ?? '', characters.at(-1) ?? '']
  return (
    !ends.every(one => rightToLeft.test(one) && letter.test(one)) ||
    characters.some(one => letter.test(one) && !rightToLeft.test(one))
  )
}
