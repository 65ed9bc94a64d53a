// One run of one client: a topic of its own, a process of its own, and the messages counted at the broker afterwards.

import { spawn } from 'node:child_process'
import { countMessages, createTopic, deleteTopic } from './admin.ts'

export interface Result {
  readonly version: string
  /** Messages produced before the measurement. */
  readonly warmUp: number
  readonly acknowledged: number
  readonly failed: number
  readonly seconds: number
  readonly cpuUserSeconds: number
  readonly cpuSystemSeconds: number
  readonly peakRssBytes: number
  readonly gc: { readonly seconds: number; readonly longestMs: number } | null
  readonly latencyMs: Percentiles | null
}

export interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export interface Topic {
  readonly servers: readonly string[]
  /** Where the client is sent instead. */
  readonly through: readonly string[]
  readonly name: string
  readonly partitions: number
}

export type Job = Readonly<Record<string, string | number>>

const graceMs = 60_000

/** Rejects with what the driver said, if it failed, and when the broker does not hold what was acknowledged. */
export async function drive(command: readonly string[], job: Job, topic: Topic): Promise<Result> {
  const { servers, through, name, partitions } = topic
  await createTopic(servers, name, partitions, Math.min(servers.length, 3))
  try {
    const words = { servers: through.join(), topic: name, partitions, ...job }
    const args = Object.entries(words).map(([name, value]) => `${name}=${value}`)
    const result = JSON.parse(await output([...command, ...args], Number(job.seconds) + Number(job.warmUp))) as Result
    const stored = await countMessages(servers[0] ?? '', name)
    const expected = result.warmUp + result.acknowledged
    if (result.failed > 0) throw new Error(`${result.failed} messages failed`)
    if (stored !== expected) throw new Error(`${expected} messages were acknowledged, the broker has ${stored}`)
    return result
  } finally {
    await deleteTopic(servers[0] ?? '', name)
  }
}

function output([program = '', ...args]: readonly string[], seconds: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const kill = () => child.kill('SIGKILL')
    const timer = setTimeout(kill, seconds * 1000 + graceMs)
    process.once('exit', kill)
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      process.off('exit', kill)
      if (code === 0) resolve(stdout.trim().split('\n').at(-1) ?? '')
      else reject(new Error(`ended with ${code ?? signal}: ${stderr.trim().slice(-1000)}`))
    })
  })
}
