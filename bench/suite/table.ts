// Columns of text for the terminal, and the same as Markdown.

export type Cell = string | number

const shown = (cell: Cell): string => (typeof cell === 'number' ? cell.toLocaleString('en') : cell)

/** The first column is text, the others are numbers, so to the right. */
export function columns(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const all = [head, ...rows.map(row => row.map(shown))]
  const widths = head.map((_, at) => Math.max(...all.map(row => row[at]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row.map((text, at) => (at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0))).join('  ')
  return all.map(row => line(row).trimEnd()).join('\n')
}

export function markdown(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.map(shown).join(' | ')} |`
  const rule = head.map((_, at) => (at === 0 ? '---' : '---:'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}
