// docs/configuration.md, written from the property table.

import { describeProperties, type PropertyDescription } from '../src/producer/config/describe.ts'
import { plugIns } from '../src/producer/config/options.ts'
import { clientProperties } from '../src/producer/config/rows/client.ts'
import { connectionProperties } from '../src/producer/config/rows/connection.ts'
import { consumerProperties } from '../src/producer/config/rows/consumer.ts'
import { deliveryProperties } from '../src/producer/config/rows/delivery.ts'
import { securityProperties } from '../src/producer/config/rows/security.ts'
import { rules } from '../src/producer/config/rules.ts'
import { securityRules } from '../src/producer/config/security-rules.ts'

export function configurationPage(): string {
  const all = describeProperties()
  const global = all.filter(({ scope }) => scope === 'global')
  const of = (rows: object) => global.filter(({ name }) => Object.hasOwn(rows, name))
  return `${[
    '# Configuration',
    'This page is written from the property table in `src/producer/config/`: run `npm run docs` after a change of it.',
    'The names, ranges and defaults are those of librdkafka 2.15, so that its manual and a configuration made for it hold here too. Everything is checked by `new Producer(options)`, which throws one `ConfigError` that names all that is wrong.',
    [
      '- A value is a string, a number or a boolean. `"10"` is the number 10, `"10ms"` is an error. Booleans and words may be in upper or lower case. An empty string leaves a text property unset, `undefined` leaves any property unset.',
      '- A property may have several names. Two of them with different values are an error.',
      '- An unknown name is an error, with a suggestion where one is near.',
      '- Numbers that do not fit into a C `int` are errors; librdkafka lets them wrap around.',
      '- A setting that is not built yet is refused by name, unless it asks for the default. None is silently ignored if that could cost data or security.',
      '- `bootstrap.servers` is text (`a:9092,[::1]:9093`), a list of such texts, or a list of `{ host, port }`.',
    ].join('\n'),
    "C/P is librdkafka's mark: `P` is read by producers alone, `*` by consumers too. Uses other than honoured: **accepted** has no effect and needs none; **deprecated** and **native** have no effect either, and the event `config.warning` says why; **refused** and **not built yet** are errors.",
    "## Defaults that differ from librdkafka's",
    table(
      ['Property', 'Here', 'librdkafka', 'Reason'],
      all.flatMap(({ name, default: here, differs }) =>
        differs === null ? [] : [[code(name), code(here), code(differs.librdkafka), differs.reason]],
      ),
    ),
    "From the Java producer come `buffer.memory`, `max.request.size` and `max.block.ms`; the rest of its names that librdkafka shares, such as `linger.ms`, `acks`, `retries` or `delivery.timeout.ms`, are other names of librdkafka's properties.",
    '## What properties have to do with each other',
    [...rules, ...securityRules].map(({ says }) => `- ${says}`).join('\n'),
    '## Options',
    'What is not text, a number or a boolean, under names in camelCase.',
    table(
      ['Option', 'Takes', 'Meaning'],
      Object.entries(plugIns).map(([name, { allowed, doc, use }]) => [
        code(name),
        allowed,
        use === 'unbuilt' ? `**Not built yet.** ${doc}` : doc,
      ]),
    ),
    '## Topics',
    'Given to the producer these are the defaults of every topic; `topic(name, topicConfig)` and `with({ topicConfig })` change them. The `acks` of an idempotent producer are the same for every topic.',
    properties(all.filter(({ scope }) => scope === 'topic')),
    '## Queue, batches and delivery',
    properties(of(deliveryProperties)),
    '## Brokers and metadata',
    properties(of(connectionProperties)),
    '## The client',
    properties(of(clientProperties)),
    '## Security',
    properties(of(securityProperties)),
    '## Consumers',
    'A configuration that is shared with a consumer is welcome. These properties have no effect on a producer, and `config.warning` says so:',
    `${[...consumerProperties].sort().map(code).join(', ')}.`,
  ].join('\n\n')}\n`
}

const properties = (rows: readonly PropertyDescription[]) =>
  table(['Property', 'C/P', 'Default', 'Values', 'Meaning'], rows.map(row))

function row(property: PropertyDescription): string[] {
  const { name, aliases, side, allowed, unit, type, doc } = property
  return [
    [name, ...aliases].map(code).join('<br>'),
    side,
    property.default === null ? '' : code(property.default),
    type === 'pointer' ? '' : unit === null ? allowed : `${allowed} (${unit})`,
    [use(property), doc, why(property)].filter(part => part !== '').join(' '),
  ]
}

function use({ use, experimental, hidden, origin }: PropertyDescription): string {
  const marks = [
    ...(use === 'honoured' ? [] : [use === 'unbuilt' ? 'not built yet' : use]),
    ...(experimental ? ['experimental'] : []),
    ...(hidden ? ["not in librdkafka's manual"] : []),
    ...(origin === 'Java' ? ['from Java'] : []),
  ].join(', ')
  return marks === '' ? '' : `**${marks.slice(0, 1).toUpperCase()}${marks.slice(1)}.**`
}

function why({ use, why, refuses }: PropertyDescription): string {
  const values = Object.entries(refuses).map(([value, reason]) => `${code(value)} ${reason}.`)
  return use === 'unbuilt' || why === null
    ? values.join(' ')
    : [`${why.slice(0, 1).toUpperCase()}${why.slice(1)}.`, ...values].join(' ')
}

const code = (value: unknown) => `\`${value}\``

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
