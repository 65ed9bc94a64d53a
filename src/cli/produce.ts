// odradek produce: the lines of files or of stdin become messages; what could not be delivered is named.

import { Producer, type ProducerOptions } from '../index.ts'
import { MockCluster } from '../mock/index.ts'
import { type Input, openInputs } from './inputs.ts'
import { helpText, type ProduceSettings, readSettings } from './produce-options.ts'
import { showProgress } from './progress.ts'
import { Sending } from './sending.ts'
import type { Batches } from './summary.ts'
import type { Terminal } from './terminal.ts'

/**
 * Resolves with the exit code when every message has its verdict. Rejects when none can be sent at all: arguments that
 * make no sense, a file that is not there, no broker that answers. `inspect` sees the embedded cluster, if that is
 * what the messages went to, before it ends.
 */
export async function produce(
  args: readonly string[],
  terminal: Terminal,
  inspect: (cluster: MockCluster) => void = () => {},
): Promise<number> {
  const settings = readSettings(args)
  if (settings === null) {
    terminal.stdout.write(helpText)
    return 0
  }
  const inputs = await openInputs(settings.files, terminal.stdin)
  if (settings.hasBroker) return sendAll(settings, settings.properties, inputs, terminal, null)

  terminal.stderr.write('no -b HOST:PORT: sending to an embedded mock cluster, which ends with this command\n')
  const cluster = await MockCluster.start({
    brokers: 3,
    topics: { [settings.topic]: { partitions: 6 } },
    recordRequests: false,
  })
  const batchesOf = (topic: string, partition: number): Batches => {
    const batches = cluster.batches(topic, partition)
    return { count: batches.length, bytes: batches.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }
  }
  try {
    const properties = { ...settings.properties, 'bootstrap.servers': cluster.bootstrapServers }
    const code = await sendAll(settings, properties, inputs, terminal, batchesOf)
    inspect(cluster)
    return code
  } finally {
    await cluster.stop()
  }
}

async function sendAll(
  settings: ProduceSettings,
  properties: ProducerOptions,
  inputs: readonly Input[],
  terminal: Terminal,
  batchesOf: ((topic: string, partition: number) => Batches) | null,
): Promise<number> {
  const producer = new Producer(properties)
  const stopping = new AbortController()
  const sending = new Sending(producer, settings, stopping.signal)
  const forgetInterrupts = terminal.onInterrupt(() => {
    const waiting = producer.queueSize
    if (stopping.signal.aborted || waiting === 0) void producer.close({ force: true })
    else terminal.stderr.write(`\nstopping: ${waiting} messages are on their way (again: give them up)\n`)
    stopping.abort()
  })
  const sizes = inputs.map(({ bytes }) => bytes)
  const progress = showProgress(
    terminal.stderr,
    sizes.includes(null) ? null : sizes.reduce<number>((a, b) => a + (b ?? 0), 0),
  )
  const tick = (): void => progress.update(sending.sent, sending.delivered, sending.bytesRead)
  const ticking = setInterval(tick, 100)
  const start = performance.now()
  try {
    await producer.connect()
    for (const input of inputs) await sending.read(input, tick)
    await producer.flush()
    tick()
  } catch (error) {
    if (!stopping.signal.aborted) throw error
  } finally {
    clearInterval(ticking)
    progress.stop()
    await producer.close()
    forgetInterrupts()
  }
  const elapsedMs = performance.now() - start
  terminal.stderr.write(sending.verdict(elapsedMs))
  if (settings.summary) terminal.stdout.write(sending.summary.print(elapsedMs, batchesOf))
  if (stopping.signal.aborted) return 130
  return sending.failed > 0 ? 1 : 0
}
