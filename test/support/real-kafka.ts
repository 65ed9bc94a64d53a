// The real broker as an integration test sees it.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'
import { runTool } from '../../scripts/kafka/kafka.mjs'

const source = inject('kafka')

/** The broker's listener as its tools reach it. */
const toolServers = source.container === null ? source.bootstrapServers : 'localhost:9092'

export const kafka = {
  bootstrapServers: source.bootstrapServers,

  /** Runs one of Kafka's own tools against the broker. Resolves with what it printed. */
  runTool(mainClass: string, args: readonly string[], input = ''): Promise<string> {
    const all = ['--bootstrap-server', toolServers, ...args]
    return source.container === null ? runTool(mainClass, all, { input }) : runInContainer(mainClass, all, input)
  },

  /** Creates a topic with a name of its own, so that a broker can be used by many runs. Resolves with that name. */
  async createTopic(name: string, partitions = 1, configs: Record<string, string | number> = {}): Promise<string> {
    const topic = uniqueName(name)
    await kafka.createTopicNamed(topic, partitions, configs)
    return topic
  },

  async createTopicNamed(topic: string, partitions = 1, configs: Record<string, string | number> = {}): Promise<void> {
    const settings = Object.entries(configs).flatMap(([property, value]) => ['--config', `${property}=${value}`])
    const create = ['--create', '--topic', topic, '--partitions', `${partitions}`, ...settings]
    await kafka.runTool('org.apache.kafka.tools.TopicCommand', create)
  },

  /** Whether the broker's log segments are files that we can read. */
  logsAreReadable: source.logDirs.length > 0,

  /** The log segments of a topic: files of this machine. */
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

export type RealKafka = typeof kafka

export function uniqueName(name: string): string {
  return `odradek-${name}-${randomBytes(4).toString('hex')}`
}

function runInContainer(mainClass: string, args: readonly string[], input: string): Promise<string> {
  const command = ['exec', '-i', source.container ?? '', 'kafka-run-class', mainClass, ...args]
  return new Promise((resolve, reject) => {
    const child = execFile('docker', command, { maxBuffer: Number.POSITIVE_INFINITY }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${mainClass} failed: ${stderr}${stdout}`, { cause: error }))
      else resolve(stdout)
    })
    child.stdin?.end(input)
  })
}
