import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { Producer, type ProducerOptions } from '../../src/index.ts'
import type { MockCluster } from '../../src/mock/index.ts'
import { type TestTerminal, testTerminal } from '../support/terminal.ts'

interface Running {
  readonly cluster: MockCluster
  readonly terminal: TestTerminal
  end(): Promise<number>
}

async function running(...args: string[]): Promise<Running> {
  const terminal = testTerminal()
  let started: (cluster: MockCluster) => void = () => {}
  const cluster = new Promise<MockCluster>(resolve => {
    started = resolve
  })
  const code = run(['mock', ...args], terminal, started)
  const failed = code.then(() => Promise.reject(new Error(`it ended: ${terminal.err}`)))
  return {
    cluster: await Promise.race([cluster, failed]),
    terminal,
    end() {
      terminal.interrupt()
      failed.catch(() => {})
      return code
    },
  }
}

async function send(
  cluster: MockCluster,
  values: readonly string[],
  topic = 'orders',
  options: ProducerOptions = {},
): Promise<void> {
  const servers = cluster.bootstrapServers
  const producer = new Producer({ 'bootstrap.servers': servers, 'retry.backoff.ms': 1, ...options })
  await producer.sendMany(values.map(value => ({ topic, key: 'k', value }))).finally(() => producer.close())
}

async function complaint(...args: string[]): Promise<string> {
  const terminal = testTerminal()
  expect(await run(['mock', ...args], terminal)).toBe(2)
  return terminal.err
}

describe('a cluster on the command line', () => {
  test('tells its addresses and topics, shows every record while they are few, and ends with Ctrl-C', async () => {
    const { cluster, terminal, end } = await running('--brokers', '3', '--topic', 'orders:6', '-t', 'other')
    expect(terminal.out).toContain(`bootstrap.servers=${cluster.bootstrapServers}\n`)
    expect(cluster.bootstrapServers.split(',')).toHaveLength(3)
    expect(terminal.out).toContain('orders (6), other (1)')
    await send(cluster, ['one', 'two'])
    expect(await end()).toBe(0)
    expect(terminal.out).toMatch(/orders\[\d\] at 0 {2}key "k" {2}"one"\norders\[\d\] at 1 {2}key "k" {2}"two"\n/)
    expect(terminal.out).toMatch(/\n2 records in all\n$/)
  })

  test('counts records when they are many', async () => {
    const { cluster, terminal, end } = await running('-t', 'orders')
    await send(
      cluster,
      Array.from({ length: 500 }, (_, i) => `v${i}`),
    )
    await end()
    expect(terminal.out).toMatch(/records \([\d,]+\/s\) to orders\n/)
    expect(terminal.out).toMatch(/\n500 records in all\n$/)
  })

  test('misbehaves as told, and what is sent arrives once all the same', async () => {
    const faults = ['fail=Produce:NOT_LEADER_OR_FOLLOWER:2', 'drop=Produce', 'rtt=1', 'throttle=0']
    const { cluster, end } = await running('-t', 'orders', '--quiet', ...faults.flatMap(fault => ['--fault', fault]))
    await send(cluster, ['one'])
    expect(cluster.records('orders')).toHaveLength(1)
    await end()
  })

  test('listens where it is told to', async () => {
    const first = await running('--port', '23987', '--brokers', '2')
    expect(first.cluster.bootstrapServers).toBe('127.0.0.1:23987,127.0.0.1:23988')
    const terminal = testTerminal()
    expect(await run(['mock', '--port', '23987'], terminal)).toBe(1)
    expect(terminal.err).toContain('EADDRINUSE')
    await first.end()
  })

  test('plays other releases and products, and creates topics on demand', async () => {
    const { cluster, end } = await running('--kafka-version', '2.1', '--auto-create')
    await send(cluster, ['one'], 'made')
    expect(cluster.records('made')).toHaveLength(1)
    await end()
    const other = await running('--like', 'redpanda', '-t', 'orders')
    await send(other.cluster, ['one'])
    await other.end()
  })

  test('lets in those whose password it is told', async () => {
    const { cluster, end } = await running('-t', 'orders', '--sasl', 'ann:a:b', '--sasl', 'bob:c', '--quiet')
    const user = { 'sasl.mechanisms': 'SCRAM-SHA-256', 'sasl.username': 'ann', 'sasl.password': 'a:b' }
    await send(cluster, ['one'], 'orders', { 'security.protocol': 'sasl_plaintext', ...user })
    expect(cluster.records('orders')).toHaveLength(1)
    await expect(send(cluster, ['two'], 'orders', { 'message.timeout.ms': 300 })).rejects.toThrow()
    await end()
  })

  test('keeps no more in memory than it is told', async () => {
    const { cluster, end } = await running('-t', 'orders', '--keep', '1000')
    for (let i = 0; i < 20; i++) await send(cluster, ['x'.repeat(200)])
    await sleep(0)
    expect(cluster.batches('orders', 0).length).toBeLessThan(10)
    expect(cluster.topics()[0]?.partitions[0]?.endOffset).toBe(20n)
    await end()
  })
})

describe('what makes no sense is named', () => {
  test.each([
    [['--brokers', '0'], '--brokers needs a number from 1 to 1000'],
    [['--topic', 'a b'], "--topic needs NAME or NAME:PARTITIONS, not 'a b'"],
    [['orders'], "'orders' is not an option"],
    [['--fault', 'burn=Produce'], '--fault is fail, drop, hang, rtt or throttle'],
    [['--fault', 'fail=Produce'], '--fault fail needs API:ERROR'],
    [['--fault', 'fail=Produce:NO_SUCH_ERROR'], "'NO_SUCH_ERROR' is not the name of a Kafka error"],
    [['--fault', 'fail=Prodduce:NOT_CONTROLLER'], "'Prodduce' is not an API of the mock"],
    [['--kafka-version', '0.8'], "'0.8' is not a Kafka release"],
    [['--like', 'pulsar'], "'pulsar' is not one of redpanda, event-hubs"],
    [['--sasl', 'ann'], '--sasl needs USER:PASSWORD'],
    [['--broker', '3'], 'did you mean --brokers?'],
  ])('%j', async (args, expected) => {
    expect(await complaint(...args)).toContain(expected)
  })
})
