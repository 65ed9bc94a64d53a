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
const partitioner = fileURLToPath(new URL('librdkafka-partitions.c', import.meta.url))

/** Asks Kafka's classes all questions in one go; KafkaAnswers.java says what can be asked. */
export async function askKafka(questions: readonly string[]): Promise<string[]> {
  return lines(await runTool(questioner, [], { input: `${questions.join('\n')}\n` }))
}

/** Whether Kafka's classes can be asked on this machine, and not only in a container. */
export const kafkaAnswers = (await missingForKafka()) === null

/** Whether librdkafka can be asked: it takes a C compiler and the library's headers. */
export const librdkafkaAnswers = await askLibrdkafka([]).then(
  () => true,
  () => false,
)

/** Asks librdkafka where keys go; librdkafka-partitions.c says how. */
export async function askLibrdkafka(questions: readonly string[]): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-'))
  try {
    const program = join(folder, 'partitions')
    await run('cc', ['-o', program, partitioner, '-lrdkafka'])
    const running = run(program, { maxBuffer: Number.POSITIVE_INFINITY })
    running.child.stdin?.end(`${questions.join('\n')}\n`)
    return lines((await running).stdout).map(Number)
  } finally {
    await rm(folder, { recursive: true })
  }
}

function lines(text: string): string[] {
  return text.trimEnd().split('\n')
}
