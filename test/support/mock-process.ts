// `odradek mock` as a process of its own, from the built package: what a client that is not ours talks to.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface MockProcess {
  readonly bootstrapServers: string
  /** Ends it as Ctrl-C does. Resolves with everything that it printed. */
  end(): Promise<{ code: number | null; out: string; err: string }>
}

export async function startMockProcess(...args: string[]): Promise<MockProcess> {
  const child = spawn(process.execPath, [main, 'mock', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  let out = ''
  let err = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    err += text
  })
  const bootstrapServers = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', text => {
      out += text
      const servers = /bootstrap\.servers=(\S+)/.exec(out)?.[1]
      if (servers !== undefined) resolve(servers)
    })
    child.once('exit', () => reject(new Error(`odradek mock ended: ${err}`)))
    child.once('error', reject)
  })
  return {
    bootstrapServers,
    async end() {
      const exit = once(child, 'close')
      child.kill('SIGINT')
      const [code] = await exit
      process.off('exit', kill)
      return { code, out, err }
    },
  }
}
