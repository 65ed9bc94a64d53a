// Kafka's jars, fetched once by Maven into the ignored .kafka/, and how a class in them is run.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const pom = fileURLToPath(new URL('pom.xml', import.meta.url))
const cache = fileURLToPath(new URL('../../.kafka/', import.meta.url))
/** A tool lives for a second or two, so the optimising compiler never pays. */
const toolFlags = [
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
]

/** The folder for the jars that pom.xml names; it exists once it is complete. */
async function jarFolder() {
  return join(
    cache,
    `libs-${createHash('sha256')
      .update(await readFile(pom))
      .digest('hex')
      .slice(0, 12)}`,
  )
}

/** @type {import('./kafka.d.mts').missingForKafka} */
export async function missingForKafka() {
  const version = await run('java', ['-version']).then(
    ({ stderr }) => Number(/version "(?:1\.)?(\d+)/.exec(stderr)?.[1] ?? 0),
    () => null,
  )
  if (version === null) return 'Java 17 or newer is needed, there is no `java` on the PATH'
  if (version < 17) return `Java 17 or newer is needed, \`java -version\` says ${version}`
  if (existsSync(await jarFolder())) return null
  return run('mvn', ['-v']).then(
    () => null,
    () => 'Maven is needed to fetch Kafka once, there is no `mvn` on the PATH',
  )
}

/** @type {import('./kafka.d.mts').kafkaClassPath} */
export async function kafkaClassPath(log = () => {}) {
  const folder = await jarFolder()
  if (!existsSync(folder)) {
    log('fetching Apache Kafka (54 MB, once)')
    await mkdir(cache, { recursive: true })
    const incomplete = `${folder}.${process.pid}`
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${incomplete}`]
    await run('mvn', ['-B', '-q', '-f', pom, ...goal]).catch(error => {
      throw new Error(`Maven could not fetch Kafka: ${`${error.stdout}${error.stderr}`.trim()}`, { cause: error })
    })
    // Two processes may fetch at once: the first one's folder stays.
    await rename(incomplete, folder).catch(() => rm(incomplete, { recursive: true, force: true }))
  }
  return join(folder, '*')
}

/** @type {import('./kafka.d.mts').runTool} */
export async function runTool(mainClass, args, { input = '' } = {}) {
  const command = [...toolFlags, '-cp', await kafkaClassPath(), mainClass, ...args]
  const running = run('java', command, { maxBuffer: Number.POSITIVE_INFINITY })
  running.child.stdin?.on('error', () => {}) // a tool that ends without reading says why itself
  running.child.stdin?.end(input)
  const { stdout } = await running.catch(error => {
    throw new Error(`${mainClass} failed: ${`${error.stderr}${error.stdout}`.trim()}`, { cause: error })
  })
  return stdout
}
