// `npm run kafka`: a real Kafka to try things against, until Ctrl-C.

import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { startKafka } from './kafka.mjs'

const usage = `usage: npm run kafka -- [--brokers 1|3] [--topic NAME[:PARTITIONS]]... [--property NAME=VALUE]...

Runs Apache Kafka on free ports of this machine until Ctrl-C; its data is removed then.
Needs Java 17 or newer and, once, Maven, which fetches Kafka (54 MB) into .kafka/.

  --brokers 1|3           how many brokers, 1 by default
  --topic NAME[:N]        creates a topic with N partitions, 1 by default; may be repeated
  --property NAME=VALUE   a line for every broker's server.properties; may be repeated
  --help                  this text`

function readOptions() {
  const { values } = parseArgs({
    options: {
      brokers: { type: 'string', default: '1' },
      topic: { type: 'string', multiple: true, default: [] },
      property: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  })
  const brokers = Number(values.brokers)
  if (brokers !== 1 && brokers !== 3) throw new Error(`--brokers is 1 or 3, not '${values.brokers}'`)
  const topics = values.topic.map(text => {
    const [, name = '', partitions = '1'] = /^([\w.-]+)(?::(\d+))?$/.exec(text) ?? []
    if (name === '') throw new Error(`--topic is NAME or NAME:PARTITIONS, not '${text}'`)
    return { name, partitions: Number(partitions) }
  })
  const properties = values.property.map(text => {
    const [, name = '', value = ''] = /^([\w.-]+)=(.*)$/.exec(text) ?? []
    if (name === '') throw new Error(`--property is NAME=VALUE, not '${text}'`)
    return [name, value]
  })
  return { help: values.help, brokers, topics, properties: Object.fromEntries(properties) }
}

async function main() {
  const { help, brokers, topics, properties } = readOptions()
  if (help) return console.log(usage)
  // As an Apache Kafka does by itself; the tests' clusters are stricter.
  const defaults = { 'auto.create.topics.enable': true, 'num.partitions': 6 }
  const kafka = await startKafka({
    brokers,
    properties: { ...defaults, ...properties },
    log: line => console.log(`kafka: ${line}`),
  })
  const asked = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  for (const { name, partitions } of topics) await kafka.createTopic(name, partitions)
  console.log(`kafka: running, Ctrl-C ends it\nbootstrap.servers=${kafka.bootstrapServers}`)
  await asked
  console.log('kafka: stopping')
  await kafka.stop()
}

main().catch(error => {
  console.error(`kafka: ${error.message}`)
  process.exitCode = 1
})
