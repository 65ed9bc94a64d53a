// The package as a user gets it, under each runtime, with a real Kafka: delivery in every way, the same errors, and
// processes that end by themselves.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Application, installApplication, type Running, runtimes, type Title } from '../runtimes/application.ts'
import { codecs, deliveries, lacking, type Peers, refusals } from '../runtimes/cases.ts'
import { dumpTopic, readTopic } from '../support/judge.ts'
import { kafkaAnswers } from '../support/kafka-answers.ts'
import { listen } from '../support/loopback.ts'
import { startOidcServer } from '../support/oidc-server.ts'
import { type ProtectedKafka, startProtectedKafka } from '../support/protected-kafka.ts'
import { kafkaAt } from '../support/real-kafka.ts'

/** What program.mjs says of a job. */
interface Outcome {
  readonly name: string
  readonly lost?: number
  readonly statuses?: readonly string[]
  readonly offsets?: readonly number[]
  readonly error?: string
  readonly code?: number
  readonly message?: string
}

const names = Object.keys(deliveries)
const values = Array.from({ length: 60 }, (_, i) => `${i}: ${'all work and no play '.repeat(50)}`)
/** What is handed over later, by programs that do not wait for it. */
const rest = values.slice(0, 9)
const counted = (count: number) => Array.from({ length: count }, (_, i) => i)
const there = runtimes.filter(({ path }) => path !== null)
/** Every way of every runtime has a partition of its own. */
const partitionOf = (runtime: number, name: string) => runtime * names.length + names.indexOf(name)
const has = (title: Title, name: string) => lacking[title]?.[name] === undefined

describe.runIf(kafkaAnswers)('the package', () => {
  let app: Application
  let guarded: ProtectedKafka
  let peers: Peers
  /** All runtimes at once, since they wait most of the time. */
  const started = new Map<Title, Running>()

  beforeAll(async () => {
    app = await installApplication()
    guarded = await startProtectedKafka()
    const issuer = { id: 'ann', secret: 'correct-horse', audience: 'kafka', lifeSeconds: 60 }
    peers = {
      hangsUp: await listen(socket => socket.end()),
      silent: await listen(() => {}),
      issuer: await startOidcServer(issuer, await guarded.authority.issue('issuer', { names: 'DNS:localhost' })),
    }
    const { openssl } = guarded.authority
    const locked = ['-passout', 'pass:locked']
    await openssl('pkcs12', '-export', '-in', 'ann.pem', '-inkey', 'ann.key', '-out', 'ann.p12', ...locked)
    await openssl('pkcs8', '-topk8', '-in', 'ann.key', '-out', 'ann.locked.key', '-v2', 'aes-256-cbc', ...locked)
    await guarded.kafka.createTopic('delivered', names.length * runtimes.length)
    await Promise.all(there.map(({ title, index }) => startDeliveries(title, index)))
  }, 180_000)

  afterAll(async () => {
    await guarded?.stop()
    await peers?.hangsUp.stop()
    await peers?.silent.stop()
    await peers?.issuer.stop()
    await app?.remove()
  })

  async function startJobs(title: Title, name: string, jobs: readonly object[]) {
    const file = join(app.folder, `${title} ${name}.json`)
    await writeFile(file, JSON.stringify(jobs))
    return app.start(title, 'program.mjs', file)
  }

  async function startDeliveries(title: Title, index: number): Promise<void> {
    const delivering = names.map(name => {
      const target = { topic: 'delivered', partition: partitionOf(index, name) }
      return { name, job: 'deliver', options: deliveries[name]?.(guarded), values, ...target }
    })
    const connecting = Object.entries(refusals).map(([name, { options }]) => {
      return { name, job: 'connect', options: options(guarded, peers) }
    })
    started.set(title, await startJobs(title, 'deliveries', [...delivering, ...connecting]))
  }

  const outcomes = (out: string): Outcome[] =>
    out
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line))

  describe.each(there)('under $title', ({ title, index }) => {
    let said: Map<string, Outcome>
    let end: object

    beforeAll(async () => {
      const { out, ...ending } = (await started.get(title)?.result()) ?? { out: '' }
      end = ending
      said = new Map(outcomes(out).map(outcome => [outcome.name, outcome]))
    })

    test.each(names)('delivers: %s', name => {
      const reason = lacking[title]?.[name]
      const delivered = { lost: 0, statuses: ['persisted'], offsets: counted(values.length) }
      const refused = { error: 'ConfigError', code: -186, message: expect.stringMatching(reason ?? '') }
      expect(said.get(name)).toMatchObject(reason === undefined ? delivered : refused)
    })

    test.each(Object.entries(refusals))('says what is wrong with %s', (name, { error, code, says }) => {
      expect(said.get(name)).toMatchObject({ error, code, message: expect.stringMatching(says) })
    })

    test('is not held by what has been closed', () => {
      expect(end).toEqual({ code: 0, err: '' })
    })

    test('delivers before it ends, and is not held by what is idle', async () => {
      const jobs = names
        .filter(name => has(title, name))
        .map(name => {
          const target = { topic: 'delivered', partition: partitionOf(index, name) }
          return { name, job: 'leave', options: deliveries[name]?.(guarded), values: rest, ...target }
        })
      const { out, code, err } = await (await startJobs(title, 'what is left', jobs)).result()
      expect(outcomes(out)).toEqual(jobs.map(({ name }) => ({ name })))
      expect({ code, err }).toEqual({ code: 0, err: '' })
    })

    test.each(['import.mjs', 'require.cjs', 'exit.mjs'])('has the mock cluster: %s', async program => {
      expect(await app.start(title, program).result()).toMatchObject({ code: 0, err: '' })
    })

    test('has the command line', async () => {
      await writeFile(join(app.folder, 'lines.txt'), 'one\ntwo\nthree\n')
      const to = ['-b', guarded.kafka.bootstrapServers, '-t', 't']
      const main = 'node_modules/odradek/dist/cli/main.js'
      const { code, out, err } = await app.start(title, main, 'produce', ...to, 'lines.txt').result()
      expect({ code, text: out + err }).toEqual({ code: 0, text: expect.stringContaining('3 of 3 messages delivered') })
    })
  })

  test('what a slow broker takes later is delivered under each runtime', async () => {
    const count = 1500
    const broker = guarded.kafka.brokers[0]
    // More is on its way at a time than the system's buffers hold.
    const options = { ...deliveries.plaintext?.(guarded), 'enable.idempotence': false, 'max.in.flight': 50 }
    const job = { job: 'flood', name: 'flood', options, count, bytes: 10_000, topic: 't', partition: 0 }
    const running = await Promise.all(there.map(({ title }) => startJobs(title, 'flood', [job])))
    await Promise.all(running.map(({ says }) => says('connected')))
    await broker?.kill('SIGSTOP')
    for (const { tell } of running) tell('go\n')
    await Promise.all(running.map(({ says }) => says('written')))
    await broker?.kill('SIGCONT')
    for (const { result } of running) {
      const { out, code, err } = await result()
      expect({ code, err }).toEqual({ code: 0, err: '' })
      const [outcome] = outcomes(out)
      expect(outcome).toMatchObject({ lost: 0, statuses: ['persisted'] })
      const { offsets = [] } = outcome ?? {}
      expect(offsets).toHaveLength(count)
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
    }
  })

  test('the broker has what it is said to have, in the right order and with the right codec', async () => {
    const source = { bootstrapServers: guarded.kafka.bootstrapServers, container: null }
    const kafka = kafkaAt({ ...source, logDirs: guarded.kafka.brokers.map(({ logDir }) => logDir) })
    const [records, batches] = await Promise.all([readTopic(kafka, 'delivered'), dumpTopic(kafka, 'delivered')])
    expect(batches.filter(({ valid }) => !valid)).toEqual([])
    for (const { title, index } of there) {
      for (const name of names.filter(name => has(title, name))) {
        const within = ({ partition }: { partition: number }) => partition === partitionOf(index, name)
        const texts = records.filter(within).map(({ value }) => value?.toString())
        expect(texts, `${title}: ${name}`).toEqual([...values, ...rest])
        const used = new Set(batches.filter(within).map(({ codec }) => codec))
        expect(used, `${title}: ${name}`).toEqual(new Set([codecs.includes(name) ? name : 'none']))
      }
    }
  })
})
