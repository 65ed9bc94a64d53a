// An application that has the packed package installed, and each runtime to run its programs with.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runtime } from '../../scripts/runtimes.mjs'

export type Title = Parameters<typeof runtime>[0]

const root = fileURLToPath(new URL('../..', import.meta.url))
const patienceMs = 60_000

/** What stands between the runtime and the name of a program. */
const flags: Readonly<Record<Title, readonly string[]>> = {
  'Node 20': [],
  'Node 22': [],
  'Node 24': [],
  Bun: [],
  Deno: ['run', '--allow-all'],
}

/** Each with the path of its program, null where it cannot be had. */
export const runtimes = await Promise.all(
  (Object.keys(flags) as Title[]).map(async (title, index) => ({ title, index, path: await runtime(title) })),
)

export type Running = ReturnType<Application['start']>
export type Application = Awaited<ReturnType<typeof installApplication>>

/** Packs the package as it was built, and installs it into a folder of its own. */
export async function installApplication() {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-app-'))
  const run = promisify(execFile)
  const { stdout } = await run('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', folder], {
    cwd: root,
  })
  const [{ filename, version }] = JSON.parse(stdout) as [{ filename: string; version: string }]
  const installed = join(folder, 'node_modules/odradek')
  await mkdir(installed, { recursive: true })
  await run('tar', ['-xzf', join(folder, filename), '-C', installed, '--strip-components=1'])
  // Deno wants to know of a package; it looks no further when it is there.
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: { odradek: version } }))
  await cp(join(root, 'test/package/app'), folder, { recursive: true })
  await cp(join(root, 'test/runtimes/program.mjs'), join(folder, 'program.mjs'))

  return {
    folder,

    /** Starts one of its programs, which is killed if it does not end by itself in time. */
    start(title: Title, ...args: readonly string[]) {
      const path = runtimes.find(each => each.title === title)?.path ?? ''
      const child = spawn(path, [...flags[title], ...args], { cwd: folder, timeout: patienceMs, killSignal: 'SIGKILL' })
      const ended = once(child, 'close') as Promise<[code: number | null]>
      let out = ''
      let err = ''
      child.stdout.setEncoding('utf8').on('data', text => {
        out += text
      })
      child.stderr.setEncoding('utf8').on('data', text => {
        err += text
      })
      return {
        /** Resolves when it has written this, or is gone. */
        async says(text: string): Promise<void> {
          while (!out.includes(text) && child.exitCode === null) await Promise.race([once(child.stdout, 'data'), ended])
        },
        tell: (text: string) => child.stdin.write(text),
        /** Resolves when it has ended. */
        async result() {
          const [code] = await ended
          return { code, out, err }
        },
      }
    },

    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
