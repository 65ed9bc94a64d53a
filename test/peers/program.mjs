// What every peer's program has in common: the arguments, the messages, the rate, and the lines it writes.
// test/chaos/subject.ts says what they mean.

import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'

export const [servers, topic, count, perSecond] = [...process.argv.slice(2, 4), ...process.argv.slice(4).map(Number)]

let lines = []
const write = () => {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
  lines = []
}
setInterval(write, 100).unref()
// A peer that throws where nobody can catch it would end here; how it delivers is what is asked.
process.on('uncaughtException', error => console.error('uncaught:', error.message))

/** Sends the messages at their rate until it is enough, closes, and is gone. */
export async function produce(send, close) {
  let enough = false
  createInterface(process.stdin).on('line', () => {
    enough = true
  })
  const open = new Set()
  const start = performance.now()
  let index = 0
  while (index < count || !enough) {
    for (const due = ((performance.now() - start) / 1000) * perSecond; index < due; index++) {
      const i = index
      const sent = send({ key: `key-${i % 97}`, value: `${i}`.padEnd(100, '.') }).then(
        () => lines.push(`a ${i} ${Date.now()}`),
        error => lines.push(`f ${i} ${Date.now()} ${String(error?.message).replaceAll('\n', ' ')}`),
      )
      open.add(sent)
      sent.then(() => open.delete(sent))
    }
    await wait(10)
  }
  lines.push(`s ${index}`)
  write()
  await Promise.all(open) // closing would not wait for them everywhere
  await close().catch(error => console.error('close:', error.message))
  write()
  process.stdout.end(() => process.exit())
}
