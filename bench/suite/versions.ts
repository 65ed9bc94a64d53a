// What took part in a run, with its version.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Run } from './statistics.ts'

const run = promisify(execFile)
const pom = new URL('../../scripts/kafka/pom.xml', import.meta.url)

/** What a program says about itself, as far as `pattern` finds it; a machine without it has no version of it. */
async function ask(program: string, args: readonly string[], pattern: RegExp): Promise<string> {
  const { stdout, stderr } = await run(program, [...args]).catch(() => ({ stdout: '', stderr: '' }))
  return pattern.exec(stdout + stderr)?.[1] ?? 'unknown'
}

export async function versions(runs: readonly Run[]): Promise<Record<string, string>> {
  const ofClients = new Map(runs.map(({ client, version }) => [client.replace(/, .*/, ''), version]))
  return {
    'Apache Kafka': /kafka_[\d.]+<\/artifactId>\s*<version>([^<]+)/.exec(readFileSync(pom, 'utf8'))?.[1] ?? 'unknown',
    Node: process.versions.node,
    JDK: await ask('java', ['-version'], /version "([^"]+)"/),
    Go: await ask('go', ['version'], /go(\d\S*)/),
    ...Object.fromEntries(ofClients),
  }
}
