// One Kafka node, broker and controller in one, as a child process: its configuration, its start, its end.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { kafkaClassPath, runTool } from './java.mjs'

const host = '127.0.0.1'
const startTimeoutMs = 60_000
const stopTimeoutMs = 10_000

/**
 * `proxy`: the port that clients are sent to, and the one that is behind it.
 * @typedef {{ id: number, port: number, controllerPort: number, proxy: { advertised: number, port: number } | null, listeners: Record<string, number> }} Node
 * @typedef {{ nodes: Node[], clusterId: string, folder: string, properties: Record<string, string | number | boolean>, protocols: Record<string, string>, systemProperties: Record<string, string> }} Cluster
 */

/**
 * Formats the node's storage; its process comes with `start()`.
 * @param {Node} node
 * @param {Cluster} cluster
 * @returns {Promise<import('./kafka.d.mts').KafkaBroker>}
 */
export async function createBroker(node, cluster) {
  const logDir = join(cluster.folder, `data-${node.id}`)
  const config = join(cluster.folder, `server-${node.id}.properties`)
  const output = join(cluster.folder, `server-${node.id}.log`)
  const settings = { ...defaultProperties(node, cluster, logDir), ...cluster.properties }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  await mkdir(logDir)
  await writeFile(config, lines.join(''))
  await runTool('kafka.tools.StorageTool', ['format', `--cluster-id=${cluster.clusterId}`, '-c', config])
  const classPath = await kafkaClassPath()

  /** @type {import('node:child_process').ChildProcess | null} */
  let child = null
  return {
    id: node.id,
    port: node.port,
    listeners: node.listeners,
    logDir,
    get pid() {
      return child?.pid ?? null
    },
    async start() {
      child ??= spawnKafka(classPath, config, output, cluster.systemProperties).once('exit', () => {
        child = null
      })
      const deadline = Date.now() + startTimeoutMs
      while (!(await liveBrokers(node.port)).includes(node.id)) {
        if (child === null || Date.now() > deadline) {
          const tail = (await readFile(output, 'utf8')).trim().split('\n').slice(-20).join('\n')
          throw new Error(`Kafka node ${node.id} ${child === null ? 'ended' : 'is not up in time'}:\n${tail}`)
        }
        await sleep(50)
      }
    },
    async kill(signal = 'SIGKILL') {
      const ends = signal !== 'SIGSTOP' && signal !== 'SIGCONT'
      const exit = child !== null && ends ? once(child, 'exit') : null
      child?.kill(signal)
      await exit
    },
    async stop() {
      const impatience = setTimeout(() => child?.kill('SIGKILL'), stopTimeoutMs)
      await this.kill('SIGTERM')
      clearTimeout(impatience)
    },
  }
}

/**
 * @param {string} classPath
 * @param {string} config
 * @param {string} output
 * @param {Record<string, string>} systemProperties
 */
function spawnKafka(classPath, config, output, systemProperties) {
  const defined = Object.entries(systemProperties).map(([name, value]) => `-D${name}=${value}`)
  const flags = [...defined, '-Xmx384m', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']
  const file = openSync(output, 'a')
  const child = spawn('java', [...flags, '-cp', classPath, 'kafka.Kafka', config], { stdio: ['ignore', file, file] })
  closeSync(file)
  return child
}

/**
 * @param {Node} node
 * @param {Cluster} cluster
 * @param {string} logDir
 */
function defaultProperties(node, { nodes, protocols }, logDir) {
  const replication = Math.min(nodes.length, 3)
  const minInSync = Math.min(nodes.length, 2)
  const direct = `PLAINTEXT://${host}:${node.port}`
  const proxied = node.proxy && {
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT',
    listeners: `${direct},PROXIED://${host}:${node.proxy.port},CONTROLLER://${host}:${node.controllerPort}`,
    'advertised.listeners': `${direct},PROXIED://${host}:${node.proxy.advertised}`,
  }
  const further = Object.entries(node.listeners)
  const secured = further.length > 0 && {
    'listener.security.protocol.map': [
      'PLAINTEXT:PLAINTEXT',
      'CONTROLLER:PLAINTEXT',
      ...further.map(([name]) => `${name}:${protocols[name]}`),
    ].join(),
    listeners: [
      direct,
      `CONTROLLER://${host}:${node.controllerPort}`,
      ...further.map(([name, port]) => `${name}://${host}:${port}`),
    ].join(),
    'advertised.listeners': [direct, ...further.map(([name, port]) => `${name}://localhost:${port}`)].join(),
  }
  return {
    'node.id': node.id,
    'process.roles': 'broker,controller',
    'controller.quorum.voters': nodes.map(({ id, controllerPort }) => `${id}@${host}:${controllerPort}`).join(),
    'controller.listener.names': 'CONTROLLER',
    listeners: `${direct},CONTROLLER://${host}:${node.controllerPort}`,
    ...proxied,
    ...secured,
    'log.dirs': logDir,
    'num.partitions': 3,
    'default.replication.factor': replication,
    'min.insync.replicas': minInSync,
    'offsets.topic.replication.factor': replication,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': replication,
    'transaction.state.log.min.isr': minInSync,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': replication,
    'share.coordinator.state.topic.min.isr': minInSync,
    'auto.create.topics.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    // A node that is killed is noticed within seconds.
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 3_000,
    'controller.quorum.election.timeout.ms': 500,
    'controller.quorum.fetch.timeout.ms': 1_000,
    'controlled.shutdown.enable': nodes.length > 1,
  }
}

/**
 * The ids of the brokers that this one knows to be alive, itself only once it takes requests; [] while it does not answer.
 * @param {number} port
 * @returns {Promise<number[]>}
 */
function liveBrokers(port) {
  const request = Buffer.from('0000000e' + '0003' + '0000' + '00000000' + 'ffff' + '00000000', 'hex') // Metadata v0
  return new Promise(resolve => {
    let answer = Buffer.alloc(0)
    const socket = connect(port, host, () => socket.write(request))
    socket.setTimeout(2_000, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve([]))
    socket.on('data', bytes => {
      answer = Buffer.concat([answer, bytes])
      if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return
      socket.destroy()
      let at = 12 // after size, correlation id and the number of brokers
      const ids = Array.from({ length: answer.readInt32BE(8) }, () => {
        const id = answer.readInt32BE(at)
        at += 4 + 2 + answer.readInt16BE(at + 4) + 4
        return id
      })
      resolve(ids)
    })
  })
}
