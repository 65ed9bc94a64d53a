import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { goals } from '../../bench/suite/goals.ts'
import { performancePages } from '../../bench/suite/page.ts'
import type { Results } from '../../bench/suite/results.ts'
import { summarize } from '../../bench/suite/statistics.ts'

const results = JSON.parse(readFileSync('docs/performance/results.json', 'utf8')) as Results
const noteFiles = readdirSync('bench/notes').map(file => `bench/notes/${file}`)
const notes = Object.fromEntries(noteFiles.map(file => [basename(file, '.md'), readFileSync(file, 'utf8')]))

describe('docs/performance.md', () => {
  const pages = performancePages(results, notes)

  test.each(Object.entries(pages))(
    '%s is what the results and the notes make of it (npm run bench -- --page)',
    (file, text) => {
      expect(readFileSync(`docs/${file}`, 'utf8')).toBe(text)
    },
  )

  test('there is no chart that it does not show', () => {
    const charts = readdirSync('docs/performance').filter(file => file.endsWith('.svg'))
    expect(charts.filter(file => pages[`performance/${file}`] === undefined)).toEqual([])
  })

  test('every note is on it', () => {
    for (const note of Object.values(notes)) expect(pages['performance.md']).toContain(note.trim())
  })
})

describe('goals', () => {
  const nothing: Results = { ...results, runs: [], requests: [], parts: {} }

  test('what was not measured is neither met nor missed', () => {
    expect(goals(nothing, []).filter(({ met }) => met !== null)).toEqual([])
  })

  test('a goal is judged by the figures of the run, and says them', () => {
    const rounds = results.runs.slice(0, 1).flatMap(run => [
      { ...run, client: 'odradek', mode: 'dispatch', size: 100, acknowledged: 3e6, seconds: 3 },
      { ...run, client: 'franz-go', mode: 'dispatch', size: 100, acknowledged: 3e6, seconds: 2 },
      { ...run, client: 'librdkafka', mode: 'dispatch', size: 100, acknowledged: 3e6, seconds: 4 },
    ])
    const judged = goals({ ...nothing, parts: { importMs: 24 } }, summarize(rounds)).filter(({ text }) =>
      /as fast as (librdkafka|franz-go)|25 ms/.test(text),
    )
    expect(judged.map(({ met, figures }) => ({ met, figures }))).toEqual([
      { met: true, figures: '1,000 thousand/s, bound 750 thousand/s' },
      { met: false, figures: '1,000 thousand/s, bound 1,500 thousand/s' },
      { met: true, figures: '24.0 ms, bound 25.0 ms' },
    ])
  })
})
