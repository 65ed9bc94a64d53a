// The real broker as an integration test sees it.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'
import { runTool } from '../../scripts/kafka/kafka.mjs'
import type { KafkaSource } from './kafka-setup.ts'

type TopicConfigs = Readonly<Record<string, string | number>>

export type RealKafka = ReturnType<typeof kafkaAt>

export function kafkaAt(source: KafkaSource) {
  /** The broker's listener as its tools reach it. */
  const toolServers = source.container === null ? source.bootstrapServers : 'localhost:9092'

  /** Runs one of Kafka's own tools against the broker. Resolves with what it printed. */
  function runAgainst(mainClass: string, args: readonly string[], input = ''): Promise<string> {
    const all = ['--bootstrap-server', toolServers, ...args]
    return source.container === null
      ? runTool(mainClass, all, { input })
      : runInContainer(source.container, mainClass, all, input)
  }

  async function createTopicNamed(topic: string, partitions = 1, configs: TopicConfigs = {}): Promise<void> {
    const settings = Object.entries(configs).flatMap(([property, value]) => ['--config', `${property}=${value}`])
    const create = ['--create', '--topic', topic, '--partitions', `${partitions}`, ...settings]
    await runAgainst('org.apache.kafka.tools.TopicCommand', create)
  }

  return {
    bootstrapServers: source.bootstrapServers,
    runTool: runAgainst,
    createTopicNamed,

    /** Creates a topic with a name of its own, so that many runs can share a broker. Resolves with that name. */
    async createTopic(name: string, partitions = 1, configs: TopicConfigs = {}): Promise<string> {
      const topic = uniqueName(name)
      await createTopicNamed(topic, partitions, configs)
      return topic
    },

    /** Whether the broker's log segments are files that we can read. */
    logsAreReadable: source.logDirs.length > 0,

    /** The log segments of a topic, as files of this machine. */
    async segments(topic: string): Promise<string[]> {
      const files: string[] = []
      for (const logDir of source.logDirs) {
        const folders = (await readdir(logDir)).filter(folder => folder.replace(/-\d+$/, '') === topic)
        for (const folder of folders) {
          const segments = (await readdir(join(logDir, folder))).filter(file => file.endsWith('.log'))
          files.push(...segments.map(file => join(logDir, folder, file)))
        }
      }
      return files
    },
  }
}

/** The broker that the integration tests share. */
export const kafka = kafkaAt(inject('kafka'))

export function uniqueName(name: string): string {
  return `odradek-${name}-${randomBytes(4).toString('hex')}`
}

function runInContainer(id: string, mainClass: string, args: readonly string[], input: string): Promise<string> {
  const command = ['exec', '-i', id, 'kafka-run-class', mainClass, ...args]
  return new Promise((resolve, reject) => {
    const child = execFile('docker', command, { maxBuffer: Number.POSITIVE_INFINITY }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${mainClass} failed: ${stderr}${stdout}`, { cause: error }))
      else resolve(stdout)
    })
    child.stdin?.end(input)
  })
}
