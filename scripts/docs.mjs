// Writes the documents that are made from tables in the sources: `npm run docs`. The check compares them instead.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setUp } from './setup.mjs'
import { cacheFolder, isMain, root } from './steps.mjs'

/** File name to content. */
async function documents() {
  const { apiReport } = await import('./api-report.mjs')
  const tables = await loadTables()
  return {
    'docs/configuration.md': tables.configurationPage(),
    'docs/errors.md': errors(tables.errorCodes(), tables.judgeCode),
    'docs/protocol.md': protocol(tables.apis),
    'docs/api.txt': apiReport(),
  }
}

/** Throws when a document is not what the sources make of it. */
export async function checkDocuments() {
  const made = Object.entries(await documents())
  const old = made.filter(
    ([file, text]) => !existsSync(join(root, file)) || readFileSync(join(root, file), 'utf8') !== text,
  )
  if (old.length > 0)
    throw new Error(`out of step: ${old.map(([file]) => file).join(', ')}; 'npm run docs' writes them anew`)
  return made.map(([file]) => file).join(', ')
}

/** The tables are TypeScript, which Node 20 does not read: bundled first. */
async function loadTables() {
  const { build } = await import('esbuild')
  const outfile = join(cacheFolder('docs'), 'tables.mjs')
  const exports = {
    'src/error-codes': 'errorCodes',
    'src/protocol/apis': 'apis',
    'src/producer/outcome': 'judgeCode',
    'scripts/configuration-page': 'configurationPage',
  }
  const contents = Object.entries(exports).map(([file, name]) => `export { ${name} } from './${file}.ts'`)
  const stdin = { contents: contents.join('\n'), resolveDir: root, loader: 'ts' }
  await build({ stdin, outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' })
  return import(`${pathToFileURL(outfile)}?at=${Date.now()}`)
}

const generated = 'This page is made from the sources by `npm run docs`.'

function table(head, rows) {
  const line = cells => `| ${cells.map(cell => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const code = text => (text === null || text === '' ? '' : `\`${text}\``)
const page = (...parts) => `${parts.join('\n\n')}\n`

function errors(codes, judgeCode) {
  const broker = codes.filter(({ code: number }) => number > 0 || number === -1)
  const local = codes.filter(({ code: number }) => number < -1)
  return page(
    '# Errors',
    `${generated} Every error is a \`KafkaError\` with \`code\` and \`codeName\` from these tables.`,
    '## Codes of brokers',
    'Last column: what becomes of a batch when the answer to its Produce request has this code. `refresh` and `retry` send it again, the first after a look at the metadata; `split` makes smaller batches of it; `sequence` and `renew` give its partition a new epoch or producer id first; `fail` fails its messages, `fatal` the producer.',
    table(
      ['Code', 'Name', 'Retriable', 'Batch'],
      broker.map(({ code: number, name, retriable }) => [
        number,
        code(name),
        retriable ? 'yes' : '',
        judgeCode(number).action,
      ]),
    ),
    '## Local codes',
    "librdkafka's, for what happens on this side of the connection.",
    table(
      ['Code', 'Name'],
      local.map(({ code: number, name }) => [number, code(name)]),
    ),
  )
}

function protocol(apis) {
  const sections = apis.map(({ name, key, versions, flexible, request, response }) => {
    const from = Number.isFinite(flexible) ? `, flexible from ${flexible} on` : ''
    return [
      `## ${name} (${key})`,
      `Versions ${versions[0]} to ${versions[1]}${from}.`,
      `Request:\n\n${fieldList(request.shape, versions)}`,
      `Response:\n\n${fieldList(response.shape, versions)}`,
    ].join('\n\n')
  })
  return page(
    '# Protocol',
    `${generated} Fields stand in wire order, under Kafka's own names; a field without versions is in all of them.`,
    ...sections,
  )
}

function fieldList(shape, versions, depth = 0) {
  if (shape.fields.length === 0) return `${'  '.repeat(depth)}- nothing`
  return shape.fields
    .map(field => {
      const words = [
        typeName(field.shape),
        field.tag === null ? '' : `tag ${field.tag}`,
        field.since > versions[0] ? `from ${field.since}` : '',
        field.until < versions[1] ? `until ${field.until}` : '',
      ]
      const line = `${'  '.repeat(depth)}- \`${field.name}\`: ${words.filter(Boolean).join(', ')}`
      const inner = structOf(field.shape)
      return inner === null ? line : `${line}\n${fieldList(inner, versions, depth + 1)}`
    })
    .join('\n')
}

function structOf(shape) {
  if (shape.kind === 'struct') return shape
  return shape.kind === 'array' ? structOf(shape.element) : null
}

function typeName(shape) {
  const nullable = shape.nullable ? ' or null' : ''
  if (shape.kind === 'array') return `array of ${typeName(shape.element)}${nullable}`
  return `${shape.kind}${nullable}`
}

if (isMain(import.meta)) {
  await setUp()
  for (const [file, text] of Object.entries(await documents())) writeFileSync(join(root, file), text)
}
