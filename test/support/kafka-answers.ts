// Other people's code as the judge: Kafka's own classes, and librdkafka where it is installed.

import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { missingForKafka, runTool } from '../../scripts/kafka/kafka.mjs'

const run = promisify(execFile)

const questioner = fileURLToPath(new URL('KafkaAnswers.java', import.meta.url))

/** Asks Kafka's classes all questions in one go; KafkaAnswers.java says what can be asked. */
export async function askKafka(questions: readonly string[]): Promise<string[]> {
  return lines(await runTool(questioner, [], { input: `${questions.join('\n')}\n` }))
}

/** Whether Kafka's classes can be asked on this machine, and not only in a container. */
export const kafkaAnswers = (await missingForKafka()) === null

/** Whether C programs can be built on librdkafka here: it takes a compiler and the library's headers. */
export const librdkafkaAnswers = await withProgram('librdkafka-partitions.c', async () => true).catch(() => false)

/** Asks librdkafka's partitioners where keys go; librdkafka-partitions.c says how. */
export function askLibrdkafka(questions: readonly string[]): Promise<number[]> {
  return withProgram('librdkafka-partitions.c', async program => {
    return lines(await answer(program, [], `${questions.join('\n')}\n`)).map(Number)
  })
}

/**
 * Lets a producer of librdkafka send a message of each key (null is none) to every topic. Resolves with the partitions,
 * topic by topic, key by key.
 */
export function placeWithLibrdkafka(
  bootstrapServers: string,
  partitioner: string,
  topics: readonly string[],
  keys: readonly (Uint8Array | null)[],
): Promise<number[][]> {
  const words = keys.map(key => (key === null ? 'null' : Buffer.from(key).toString('hex') || '-'))
  return withProgram('librdkafka-placing.c', async program => {
    const answers = lines(await answer(program, [bootstrapServers, partitioner, ...topics], `${words.join('\n')}\n`))
    return answers.map(line => line.trim().split(' ').map(Number))
  })
}

async function withProgram<T>(source: string, use: (program: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-'))
  try {
    const program = join(folder, 'program')
    await run('cc', ['-o', program, fileURLToPath(new URL(source, import.meta.url)), '-lrdkafka'])
    return await use(program)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function answer(program: string, args: readonly string[], input: string): Promise<string> {
  const running = run(program, args, { maxBuffer: Number.POSITIVE_INFINITY })
  running.child.stdin?.end(input)
  return (await running).stdout
}

function lines(text: string): string[] {
  return text.trimEnd().split('\n')
}
