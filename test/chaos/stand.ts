// A real cluster of three brokers with a fault proxy before each: what the scenarios break.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type KafkaBroker, runTool, startKafka } from '../../scripts/kafka/kafka.mjs'
import { FaultProxy } from '../support/fault-proxy.ts'

/** Replicas per partition, the preferred leader first: every broker leads two of the six. */
const assignment = [
  [1, 2, 3],
  [2, 3, 1],
  [3, 1, 2],
  [1, 3, 2],
  [2, 1, 3],
  [3, 2, 1],
]

export type Stand = Awaited<ReturnType<typeof startStand>>

export async function startStand() {
  const proxies: FaultProxy[] = []
  const cluster = await startKafka({
    brokers: 3,
    async proxy(port) {
      const proxy = await FaultProxy.start(port)
      proxies.push(proxy)
      return proxy.port
    },
  })
  const { brokers } = cluster
  const folder = await mkdtemp(join(tmpdir(), 'odradek-chaos-'))
  const running = () => brokers.filter(({ pid }) => pid !== null).map(({ port }) => `127.0.0.1:${port}`)

  /** Runs one of Kafka's own tools against the brokers that are up. */
  const run = (mainClass: string, args: readonly string[]) =>
    runTool(mainClass, ['--bootstrap-server', running().join(), ...args])

  const topics = (...args: string[]) => run('org.apache.kafka.tools.TopicCommand', args)

  return {
    brokers,
    proxies,
    /** The brokers themselves. */
    direct: cluster.bootstrapServers,
    /** The brokers as they are behind their proxies. */
    proxied: proxies.map(({ port }) => `127.0.0.1:${port}`).join(),
    runTool: run,

    /** Six partitions, three replicas each. */
    async createTopic(topic: string, minInSync: number): Promise<void> {
      const replicas = assignment.map(ids => ids.join(':')).join()
      const config = `min.insync.replicas=${minInSync}`
      await topics('--create', '--topic', topic, '--replica-assignment', replicas, '--config', config)
    },

    async deleteTopic(topic: string): Promise<void> {
      await topics('--delete', '--topic', topic)
    },

    async addPartitions(topic: string, partitions: number): Promise<void> {
      await topics('--alter', '--topic', topic, '--partitions', `${partitions}`)
    },

    /** A broker that leads partitions and not the quorum, so that its end is a leader's death and nothing else. */
    async leaderOnly(): Promise<KafkaBroker> {
      const status = await run('org.apache.kafka.tools.MetadataQuorumCommand', ['describe', '--status'])
      const controller = Number(/LeaderId:\s+(\d+)/.exec(status)?.[1])
      const broker = brokers.find(({ id }) => id !== controller)
      if (broker === undefined) throw new Error('there is no other broker')
      return broker
    },

    /** Makes the next replica of every partition its leader, `turns` from where they were created. */
    async moveLeaders(topic: string, turns: number): Promise<void> {
      const partitions = assignment.map((ids, partition) => {
        const replicas = ids.map((_, i) => ids[(i + turns) % ids.length])
        return { topic, partition, replicas }
      })
      const plan = join(folder, 'plan.json')
      await writeFile(plan, JSON.stringify({ version: 1, partitions }))
      const reassign = 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand'
      await run(reassign, ['--reassignment-json-file', plan, '--execute'])
      const election = ['--election-type', 'preferred', '--path-to-json-file', plan]
      await run('org.apache.kafka.tools.LeaderElectionCommand', election)
    },

    /** Waits until every replica is in sync again: nobody starts on what the one before left behind. */
    async heal(): Promise<void> {
      for (const proxy of proxies) {
        proxy.delay(0)
        proxy.slivers(Number.POSITIVE_INFINITY)
      }
      await Promise.all(brokers.map(broker => broker.start()))
      while ((await topics('--describe', '--under-replicated-partitions')).trim() !== '') await wait(200)
    },

    async stop(): Promise<void> {
      await cluster.stop()
      await Promise.all(proxies.map(proxy => proxy.close()))
      await rm(folder, { recursive: true })
    },
  }
}
