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
    'docs/configuration.md': configuration(tables.describeProperties()),
    'docs/errors.md': errors(tables.errorCodes, tables.judgeCode),
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
    'error-codes': 'errorCodes',
    'protocol/apis': 'apis',
    'producer/outcome': 'judgeCode',
    'producer/config/describe': 'describeProperties',
  }
  const contents = Object.entries(exports).map(([file, name]) => `export { ${name} } from './src/${file}.ts'`)
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

function configuration(all) {
  const rows = properties =>
    table(
      ['Property', 'Values', 'Default', 'What it does'],
      properties.map(property => {
        const { name, aliases, unit, differs, refuses } = property
        const names = [name, ...aliases].map(code).join(', ')
        const remarks = [
          property.doc,
          differs && `librdkafka has ${code(String(differs.librdkafka))} here; not so because ${differs.reason}.`,
          ...Object.entries(refuses).map(([value, why]) => `${code(value)} is refused: ${why}.`),
          property.origin === 'Java' && "From the Java producer's configuration.",
        ]
        const values = `${property.allowed}${unit ? ` (${unit})` : ''}`
        return [
          names,
          values,
          property.default === null ? '' : code(String(property.default)),
          remarks.filter(Boolean).join(' '),
        ]
      }),
    )
  const reasons = properties =>
    table(
      ['Property', 'Why'],
      properties.map(({ name, why }) => [code(name), why ?? '']),
    )
  const shown = all.filter(({ hidden }) => !hidden)
  const of = (...uses) => shown.filter(({ use }) => uses.includes(use))
  const honoured = of('honoured')
  return page(
    '# Configuration',
    `${generated} Names, ranges and defaults are librdkafka's, except where a row says otherwise. A value may be a number, a boolean, or either of them as text.`,
    '## Properties of the producer',
    rows(honoured.filter(({ scope }) => scope === 'global')),
    '## Properties of topics',
    'Given to the producer they hold for all topics; `producer.topic(name, config)` and `producer.with({ topicConfig })` give them to some.',
    rows(honoured.filter(({ scope }) => scope === 'topic')),
    '## Accepted, without effect',
    'The event `config.warning` tells of those that a user may miss.',
    reasons(of('accepted', 'deprecated', 'native')),
    '## Refused',
    'A `ConfigError` says what to use instead, or that it is not built yet: a property is never silently ignored.',
    reasons(of('refused', 'unbuilt')),
  )
}

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
