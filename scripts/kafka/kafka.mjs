// A real Apache Kafka on this machine, one node or three, for scripts and for tests.

import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBroker } from './broker.mjs'
import { kafkaClassPath, missingForKafka, runTool } from './java.mjs'

export { kafkaClassPath, missingForKafka, runTool }

/** @type {import('./kafka.d.mts').startKafka} */
export async function startKafka({
  brokers: count = 1,
  properties = {},
  listeners = {},
  systemProperties = {},
  proxy,
  log = () => {},
} = {}) {
  const missing = await missingForKafka()
  if (missing !== null) throw new Error(missing)
  await kafkaClassPath(log)
  const folder = await mkdtemp(join(tmpdir(), 'odradek-kafka-'))
  /** @type {import('./kafka.d.mts').KafkaBroker[]} */
  const brokers = []
  const forget = endWithThisProcess(() => {
    for (const broker of brokers) void broker.kill() // the signal is out when this returns
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  async function stop() {
    // Nodes that shut down together wait for a quorum that is gone, and there is no data to save.
    await Promise.all(brokers.map(broker => broker.kill()))
    await rm(folder, { recursive: true, force: true })
    forget()
  }
  try {
    log(`starting Apache Kafka with ${count} broker${count === 1 ? '' : 's'}`)
    const names = Object.keys(listeners)
    const each = 3 + names.length
    const ports = await freePorts(each * count)
    const nodes = await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const [port = 0, controllerPort = 0, behind = 0, ...further] = ports.slice(each * i, each * (i + 1))
        return {
          id: i + 1,
          port,
          controllerPort,
          proxy: proxy ? { advertised: await proxy(behind), port: behind } : null,
          listeners: Object.fromEntries(names.map((name, at) => [name, further[at] ?? 0])),
        }
      }),
    )
    const cluster = {
      nodes,
      clusterId: randomBytes(16).toString('base64url'),
      folder,
      properties,
      protocols: listeners,
      systemProperties,
    }
    brokers.push(...(await Promise.all(nodes.map(node => createBroker(node, cluster)))))
    await Promise.all(brokers.map(broker => broker.start()))
  } catch (error) {
    await stop()
    throw error
  }
  const bootstrapServers = brokers.map(({ port }) => `127.0.0.1:${port}`).join()
  return {
    bootstrapServers,
    brokers,
    runTool,
    async createTopic(name, partitions = 1, replication = count, configs = {}) {
      const shape = ['--partitions', `${partitions}`, '--replication-factor', `${replication}`]
      const settings = Object.entries(configs).flatMap(([property, value]) => ['--config', `${property}=${value}`])
      const create = ['--bootstrap-server', bootstrapServers, '--create', '--topic', name, ...shape, ...settings]
      await runTool('org.apache.kafka.tools.TopicCommand', create)
    },
    stop,
  }
}

/**
 * Ports below those the system hands to outgoing connections, so that a broker that is down finds its own free again.
 * @param {number} count
 */
async function freePorts(count) {
  /** @type {import('node:net').Server[]} */
  const held = []
  while (held.length < count) {
    const server = createServer()
    const listening = await new Promise(resolve => {
      server.once('error', () => resolve(false))
      server.listen(20_000 + Math.floor(Math.random() * 12_000), '127.0.0.1', () => resolve(true))
    })
    if (listening) held.push(server)
  }
  const ports = held.map(server => /** @type {import('node:net').AddressInfo} */ (server.address()).port)
  await Promise.all(held.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}

/**
 * Runs `end` if this process ends without having stopped the cluster. A program with a signal handler of its own
 * decides itself what the signal means; without one the signal keeps its usual effect.
 * @param {() => void} end
 */
function endWithThisProcess(end) {
  /** @param {NodeJS.Signals} signal */
  function onSignal(signal) {
    if (process.listenerCount(signal) > 1) return
    process.off(signal, onSignal)
    process.off('exit', end)
    end()
    process.kill(process.pid, signal)
  }
  process.on('exit', end).on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return () => {
    process.off('exit', end).off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}
