// Who produces while things break: this project's producer, or a program of another one behind a few lines of text.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { Producer } from '../../src/index.ts'

export interface Task {
  readonly bootstrapServers: string
  readonly topic: string
  /** At least so many messages, one call each, at this rate. */
  readonly count: number
  readonly perSecond: number
  /** Settles when the fault is over: nobody stops sending before. */
  readonly over: Promise<unknown>
}

export interface Verdicts {
  /** `at` in epoch milliseconds. */
  acknowledged(index: number, at: number): void
  failed(index: number, at: number, reason: string): void
}

/** Resolves with the number of messages sent, when the producer is closed. */
export type Subject = (task: Task, verdicts: Verdicts) => Promise<number>

/** The message of this number, for every subject alike. Keys keep their order, and they spread over all partitions. */
export const message = (index: number) => ({ key: `key-${index % 97}`, value: `${index}`.padEnd(100, '.') })

/** Settings as they come: what is safest is the default. Every other message is dispatched. */
export const odradek: Subject = async (task, { acknowledged, failed }) => {
  const producer = new Producer({ 'bootstrap.servers': task.bootstrapServers })
  const sent = await pace(task, index => {
    const record = { topic: task.topic, ...message(index) }
    const delivered = index % 2 === 0 ? producer.send(record) : producer.dispatch(record).wait()
    delivered.then(
      () => acknowledged(index, Date.now()),
      error => failed(index, Date.now(), String(error)),
    )
  })
  await producer.close()
  return sent
}

/** A deadline shorter than the faults: reports tell whether a message that failed may be in the topic after all. */
export const hastyOdradek: Subject = async (task, { acknowledged, failed }) => {
  const producer = new Producer({ 'bootstrap.servers': task.bootstrapServers, 'message.timeout.ms': 1_500 })
  const sent = await pace(task, index => {
    const handle = producer.dispatch({ topic: task.topic, ...message(index) })
    handle.wait({ throwOnError: false }).then(({ status, error }) => {
      if (error === null) acknowledged(index, Date.now())
      else failed(index, Date.now(), `${status}, ${error.codeName}`)
    })
  })
  await producer.close()
  return sent
}

/** Calls `send` with 0, 1, 2 ... at the task's rate. Resolves with the number of calls. */
async function pace(task: Task, send: (index: number) => void): Promise<number> {
  let over = false
  task.over.finally(() => {
    over = true
  })
  const start = performance.now()
  let index = 0
  while (index < task.count || !over) {
    for (const due = ((performance.now() - start) / 1000) * task.perSecond; index < due; index++) send(index)
    await wait(10)
  }
  return index
}

/** Ends with its verdicts or, at the latest, this long after it was told that it is enough. */
const patienceMs = 60_000

/**
 * A program that gets the task as arguments (servers, topic, count, rate) and `enough` on its input when the fault is
 * over; it writes `a INDEX TIME`, `f INDEX TIME REASON` and, once everything is sent, `s COUNT`.
 */
export function program(command: string, ...args: string[]): Subject {
  return async ({ bootstrapServers, topic, count, perSecond, over }, { acknowledged, failed }) => {
    const task = [bootstrapServers, topic, `${count}`, `${perSecond}`]
    const child = spawn(command, [...args, ...task], { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.on('error', () => {})
    let sent = 0 // one that breaks down does not say
    let impatience: NodeJS.Timeout | undefined
    over.finally(() => {
      child.stdin.end('enough\n')
      impatience = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    })
    const lines = createInterface(child.stdout).on('line', line => {
      const [kind, number, time, ...reason] = line.split(' ')
      sent = Math.max(sent, kind === 's' ? Number(number) : Number(number) + 1)
      if (kind === 'a') acknowledged(Number(number), Number(time))
      else if (kind === 'f') failed(Number(number), Number(time), reason.join(' '))
    })
    await Promise.all([once(child, 'exit'), once(lines, 'close')])
    clearTimeout(impatience)
    return sent
  }
}
