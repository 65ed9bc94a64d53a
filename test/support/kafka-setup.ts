// Which Kafka the integration tests run against, started once for all of them: vitest's globalSetup.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { missingForKafka, startKafka } from '../../scripts/kafka/kafka.mjs'

/** What the tests are told about the broker: plain data, it travels to the workers. */
export interface KafkaSource {
  readonly bootstrapServers: string
  /** Where the broker's partitions lie, as far as we can read them. */
  readonly logDirs: readonly string[]
  /** Kafka's tools run in this container instead of on this machine. */
  readonly container: string | null
}

declare module 'vitest' {
  interface ProvidedContext {
    kafka: KafkaSource
  }
}

const containerImage = 'confluentinc/cp-kafka:8.1.0'

/** Why there can be no Kafka here, null if there can. */
export async function whyNoKafka(): Promise<string | null> {
  if (process.env.KAFKA_BOOTSTRAP_SERVERS) return null
  const missing = await missingForKafka()
  if (missing === null || (await dockerAnswers())) return null
  return `KAFKA_BOOTSTRAP_SERVERS is not set; ${missing}; no Docker engine answers`
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { source, stop } = await startSource()
  project.provide('kafka', source)
  return stop
}

async function startSource(): Promise<{ source: KafkaSource; stop: () => Promise<void> }> {
  const given = process.env.KAFKA_BOOTSTRAP_SERVERS
  if (given) {
    return { source: { bootstrapServers: given, logDirs: [], container: null }, stop: async () => {} }
  }
  if ((await missingForKafka()) === null) {
    const { bootstrapServers, brokers, stop } = await startKafka({ log: line => console.log(line) })
    return { source: { bootstrapServers, logDirs: brokers.map(({ logDir }) => logDir), container: null }, stop }
  }
  const { KafkaContainer } = await import('@testcontainers/kafka')
  const container = await new KafkaContainer(containerImage)
    .withEnvironment({ KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false' })
    .start()
  const bootstrapServers = `${container.getHost()}:${container.getMappedPort(9093)}`
  return {
    source: { bootstrapServers, logDirs: [], container: container.getId() },
    stop: async () => void (await container.stop()),
  }
}

function dockerAnswers(): Promise<boolean> {
  return promisify(execFile)('docker', ['version'], { timeout: 10_000 }).then(
    () => true,
    () => false,
  )
}
