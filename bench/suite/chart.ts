// Horizontal bars as SVG, readable on a light and on a dark page. One scale for each chart.

export interface Bar {
  readonly label: string
  readonly value: number
  /** What stands behind the bar. */
  readonly text: string
  /** Ours stand out. */
  readonly strong: boolean
}

const width = 760
const rowHeight = 26
const barHeight = 16
const labelWidth = 190
const textWidth = 160
const top = 34
const style = `text{font:13px system-ui,sans-serif;fill:#24292f}.t{font-weight:600;font-size:14px}.o{fill:#8c959f}.s{fill:#0969da}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.o{fill:#6e7681}.s{fill:#58a6ff}}`

const escaped = (text: string): string => text.replace(/[&<>"]/g, char => `&#${char.charCodeAt(0)};`)

/** The longest bar takes all the room there is. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const room = width - labelWidth - textWidth
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE)
  const rows = bars.map(({ label, value, text, strong }, i) => {
    const y = top + i * rowHeight
    const length = Math.max(1, Math.round((value / most) * room))
    const base = y + barHeight - 3
    return [
      `<text x="${labelWidth - 8}" y="${base}" text-anchor="end">${escaped(label)}</text>`,
      `<rect class="${strong ? 's' : 'o'}" x="${labelWidth}" y="${y}" width="${length}" height="${barHeight}" rx="2"/>`,
      `<text x="${labelWidth + length + 6}" y="${base}">${escaped(text)}</text>`,
    ].join('\n')
  })
  const height = top + bars.length * rowHeight + 6
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${style}</style>`,
    `<text class="t" x="8" y="20">${escaped(title)}</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n')
}
