import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { MockCluster } from '../../src/mock/index.ts'
import { testTerminal } from '../support/terminal.ts'

let cluster: MockCluster
let folder: string

beforeEach(async () => {
  cluster = await MockCluster.start({ brokers: 2, topics: { t: { partitions: 1 }, wide: { partitions: 4 } } })
  folder = mkdtempSync(join(tmpdir(), 'odradek-cli-'))
})
afterEach(async () => {
  await cluster.stop()
  rmSync(folder, { recursive: true })
})

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString())
const values = (topic = 't', partition = 0) => cluster.log(topic, partition).map(({ value }) => text(value))

async function produce(args: readonly string[], terminal = testTerminal()) {
  const code = await run(['produce', '-b', cluster.bootstrapServers, ...args], terminal)
  return { code, terminal }
}

describe('lines', () => {
  test('of stdin arrive in order: the last without an end too, empty ones not, carriage returns kept', async () => {
    const { code, terminal } = await produce(['-t', 't'], testTerminal('one\n\ntwo\r\nthrée'))
    expect(terminal.err).toMatch(/^3 of 3 messages delivered in /)
    expect(code).toBe(0)
    expect(values()).toEqual(['one', 'two\r', 'thrée'])
  })

  test('of files arrive file by file, stdin among them', async () => {
    writeFileSync(join(folder, 'a'), 'a1\na2\n')
    writeFileSync(join(folder, 'b'), 'b1')
    const { code } = await produce(['-t', 't', join(folder, 'a'), '-', join(folder, 'b')], testTerminal('s1\n'))
    expect(code).toBe(0)
    expect(values()).toEqual(['a1', 'a2', 's1', 'b1'])
  })

  test('have keys, headers, a partition and a codec as told', async () => {
    const args = ['-t', 'wide', '-K', '\\t', '-H', 'h=v', '-H', 'n', '-p', '2', '-z', 'gzip']
    const { code } = await produce(args, testTerminal('k\tv\tw\nno key\n'))
    expect(code).toBe(0)
    const records = cluster.log('wide', 2).map(({ key, value, headers }) => [text(key), text(value), headers])
    const headers = [
      ['h', new Uint8Array(Buffer.from('v'))],
      ['n', null],
    ]
    expect(JSON.stringify(records)).toBe(
      JSON.stringify([
        ['k', 'v\tw', headers],
        [null, 'no key', headers],
      ]),
    )
  })

  test('may be JSON, or end with NUL', async () => {
    await produce(
      ['-t', 'wide', '--ndjson'],
      testTerminal('{"value":{"a":1},"partition":1}\n{"value":null,"key":"k","partition":1}\n'),
    )
    await produce(['-t', 't', '--null'], testTerminal('two\nlines\0one'))
    expect(values('wide', 1)).toEqual(['{"a":1}', null])
    expect(values()).toEqual(['two\nlines', 'one'])
  })

  test('wait when the queue is full', async () => {
    const lines = Array.from({ length: 2000 }, (_, n) => `line ${n}`)
    const { code } = await produce(['-t', 't', '-X', 'queue.buffering.max.messages=7'], testTerminal(lines.join('\n')))
    expect(code).toBe(0)
    expect(values()).toEqual(lines)
  })
})

describe('what is not delivered', () => {
  test('is named with its line, and the rest goes on', async () => {
    const { code, terminal } = await produce(
      ['-t', 't', '-X', 'message.max.bytes=1000'],
      testTerminal(`one\n${'x'.repeat(2000)}\nthree\n`),
    )
    expect(code).toBe(1)
    expect(terminal.err).toMatch(/^2 of 3 messages delivered/)
    expect(terminal.err).toMatch(/\n1 was not delivered:\n {2}stdin line 2: .*message\.max\.bytes/)
    expect(values()).toEqual(['one', 'three'])
  })

  test('is named with its partition when a broker refuses it; after five it is only counted', async () => {
    cluster.failPartition('t', 0, 'TOPIC_AUTHORIZATION_FAILED')
    const { code, terminal } = await produce(['-t', 't'], testTerminal('1\n2\n3\n4\n5\n6\n7\n'))
    expect(code).toBe(1)
    expect(terminal.err).toContain('7 were not delivered:\n  stdin line 1, t[0]: ')
    expect(terminal.err).toContain('TOPIC_AUTHORIZATION_FAILED')
    expect(terminal.err).toContain('\n  and 2 more\n')
  })

  test('ends the reading when nothing that follows can be delivered either', async () => {
    const stdin = new PassThrough()
    const terminal = testTerminal(stdin)
    stdin.write('one\n')
    const done = produce(['-t', 'missing', '-X', 'topic.metadata.propagation.max.ms=0', '-X', 'linger.ms=0'], terminal)
    const again = setInterval(() => stdin.write('more\n'), 5)
    expect((await done).code).toBe(1)
    clearInterval(again)
    expect(terminal.err).toMatch(/ not delivered:\n {2}stdin line 1, missing: topic 'missing' does not exist/)
    expect(terminal.err).toMatch(/\nNothing was read after that\.\n$/)
  })

  test('is everything, when nobody answers', async () => {
    const terminal = testTerminal('never read\n')
    expect(await run(['produce', '-b', '127.0.0.1:1', '-t', 't'], terminal)).toBe(1)
    expect(terminal.err).toMatch(/^odradek: .*127\.0\.0\.1:1/)
  })
})

describe('Ctrl-C', () => {
  test('stops reading, delivers what was read, and says so', async () => {
    const stdin = new PassThrough()
    const terminal = testTerminal(stdin)
    stdin.write('one\ntwo\nhalf a li')
    const done = produce(['-t', 't', '-X', 'linger.ms=1'], terminal)
    await expect.poll(() => cluster.log('t', 0).length).toBe(2)
    terminal.interrupt()
    expect((await done).code).toBe(130)
    expect(terminal.err).toMatch(/^2 of 2 messages delivered/)
  })

  test('waits for what is on its way', async () => {
    cluster.rtt(200)
    const stdin = new PassThrough()
    const terminal = testTerminal(stdin)
    stdin.write('one\ntwo\n')
    const done = produce(['-t', 't', '-X', 'linger.ms=0'], terminal)
    await expect.poll(() => cluster.requests({ api: 'Produce' }).length, { interval: 10 }).toBe(1)
    terminal.interrupt()
    expect((await done).code).toBe(130)
    expect(terminal.err).toMatch(/stopping: 2 messages are on their way .*\n2 of 2 messages delivered/)
  })

  test('ends the waiting for a broker that does not answer', async () => {
    cluster.hangNext('ApiVersions')
    const terminal = testTerminal(new PassThrough())
    const done = produce(['-t', 't'], terminal)
    await expect.poll(() => cluster.requests({ api: 'ApiVersions' }).length, { interval: 10 }).toBe(1)
    terminal.interrupt()
    expect((await done).code).toBe(130)
  })

  test('a second time gives up what is on its way', async () => {
    cluster.hangNext('Produce')
    const stdin = new PassThrough()
    const terminal = testTerminal(stdin)
    stdin.write('one\n')
    const done = produce(['-t', 't', '-X', 'linger.ms=0'], terminal)
    await expect.poll(() => cluster.requests({ api: 'Produce' }).length).toBe(1)
    terminal.interrupt()
    terminal.interrupt()
    expect((await done).code).toBe(130)
    expect(terminal.err).toMatch(
      /1 was not delivered:\n {2}stdin line 1, t\[0\]: .* \(it may have been stored all the same\)/,
    )
  })
})

describe('what is shown', () => {
  test('is no bar where there is no terminal', async () => {
    const { terminal } = await produce(['-t', 't'], testTerminal('one\n'))
    expect(terminal.err).not.toContain('\u001b')
    expect(terminal.out).toBe('')
  })

  test('is a bar on a terminal', async () => {
    writeFileSync(join(folder, 'a'), 'a1\na2\n')
    const { terminal } = await produce(['-t', 't', join(folder, 'a')], testTerminal('', true))
    expect(terminal.err).toContain('100% | 2 of 2 delivered')
  })

  test('is a table when asked for', async () => {
    const { terminal } = await produce(['-t', 't', '--summary'], testTerminal('one\nthree\n'))
    expect(terminal.out).toMatch(/^topic +partition +records +bytes/)
    expect(terminal.out).toMatch(/\nt +0 +2 +8/)
    expect(terminal.out).toMatch(/\nrate .* records\/s/)
    expect(terminal.out).toMatch(/\nlatency +p50 .* ms, p95 .* ms, p99 .* ms/)
  })

  test('says that the cluster is a mock one where no broker is given', async () => {
    const terminal = testTerminal('one\n')
    expect(await run(['produce', '-t', 'anything'], terminal)).toBe(0)
    expect(terminal.err).toMatch(/^no -b HOST:PORT: .*mock cluster.*\n1 of 1 messages delivered/)
  })
})
