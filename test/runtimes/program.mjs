// A user's program that every runtime runs: does the jobs of the file that it is given, one after the other, and writes
// what came of each as a line of JSON. It never ends itself: what it leaves open must not hold it.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Producer } from 'odradek'

const jobs = {
  /** Sends in all three ways, and waits for the reports. */
  async deliver({ options, values, ...target }) {
    const producer = new Producer(options)
    const messages = values.map(value => ({ ...target, key: 'key', value, headers: { header: 'of it' } }))
    const third = Math.ceil(messages.length / 3)
    const reports = []
    let closed
    try {
      for (const message of messages.slice(0, third)) reports.push(await producer.send(message))
      const handles = messages.slice(third, 2 * third).map(message => producer.dispatch(message))
      reports.push(...(await Promise.all(handles.map(handle => handle.wait()))))
      reports.push(...(await producer.sendMany(messages.slice(2 * third))))
    } finally {
      closed = await producer.close({ timeoutMs: 10_000 })
    }
    return { ...closed, ...summary(reports) }
  },

  /** Connects where that fails. */
  async connect({ options }) {
    const producer = new Producer(options)
    try {
      await producer.connect()
      return { connected: true }
    } finally {
      await producer.close({ timeoutMs: 0 })
    }
  },

  /** Hands over what takes a while, waits for nothing, and closes nothing. */
  async leave({ options, values, ...target }) {
    const producer = new Producer(options)
    await producer.connect()
    for (const value of values) producer.dispatch({ ...target, value })
    return {}
  },

  /** Hands over much at once, as soon as it is told to on stdin, and says when it has written what it can. */
  async flood({ options, count, bytes, ...target }) {
    const producer = new Producer(options)
    await producer.connect()
    console.log('connected')
    await once(process.stdin, 'data')
    process.stdin.pause()
    const value = new Uint8Array(bytes)
    const handles = Array.from({ length: count }, () => producer.dispatch({ ...target, value }))
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
    console.log('written')
    const reports = await Promise.all(handles.map(handle => handle.wait()))
    return { ...(await producer.close()), ...summary(reports) }
  },
}

function summary(reports) {
  return {
    statuses: [...new Set(reports.map(({ status }) => status))],
    offsets: reports.map(({ offset }) => Number(offset)),
  }
}

for (const { name, job, ...rest } of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
  const failed = ({ name: error, code, message }) => ({ error, code, message })
  console.log(JSON.stringify({ name, ...(await jobs[job](rest).catch(failed)) }))
}
