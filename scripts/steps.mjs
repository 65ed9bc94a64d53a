// Runs steps one after the other and keeps their score. Nothing but Node is needed here: it runs before anything is installed.

import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Where scripts keep what can be made again. */
export function cacheFolder(name) {
  const folder = join(root, '.cache', name)
  mkdirSync(folder, { recursive: true })
  return folder
}

const children = new Set()

// A script that is stopped takes along what it started, by pid.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
]) {
  process.once(signal, () => {
    for (const child of children) child.kill(signal)
    process.exit(128 + number)
  })
}

/**
 * Runs one program to its end and resolves with `{ code, stdout, output }`. With `capture: true` these hold what it wrote
 * (`output`: on both streams), otherwise it writes straight to ours. After `timeoutMs` it is ended, and the code is 124.
 */
export function run(command, args, { cwd = root, env = {}, capture = false, timeoutMs = 900_000 } = {}) {
  return new Promise(resolve => {
    const stdio = ['ignore', capture ? 'pipe' : 'inherit', capture ? 'pipe' : 'inherit']
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio })
    children.add(child)
    let stdout = ''
    let output = ''
    let late = false
    child.stdout?.setEncoding('utf8').on('data', text => {
      stdout += text
      output += text
    })
    child.stderr?.setEncoding('utf8').on('data', text => {
      output += text
    })
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, timeoutMs)
    const finish = code => {
      clearTimeout(timer)
      children.delete(child)
      resolve({ code: late ? 124 : code, stdout, output })
    }
    child.on('error', error => {
      output += error.message
      finish(127)
    })
    child.on('close', code => finish(code ?? 1))
  })
}

/** As `run`, resolving with what the program printed; anything but success is an error that carries all it said. */
export async function must(command, args, options = {}) {
  const { code, stdout, output } = await run(command, args, options)
  const reason = code === 124 ? 'took too long' : `ended with ${code}`
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ${reason}${output ? `\n${output.trimEnd()}` : ''}`)
  return stdout
}

const tools = {
  biome: '@biomejs/biome/bin/biome',
  publint: 'publint/src/cli.js',
  tsc: 'typescript/bin/tsc',
  tsup: 'tsup/dist/cli-default.js',
  vitest: 'vitest/vitest.mjs',
}

/** The JavaScript behind a development tool, run by this very Node: no shell, no shim, the same on every platform. */
export function tool(name, ...args) {
  return [process.execPath, [join(root, 'node_modules', tools[name]), ...args]]
}

/** npm, by the copy that runs this script where there is one. */
export function npm(...args) {
  const script = process.env.npm_execpath
  return script?.endsWith('.js') ? [process.execPath, [script, ...args]] : ['npm', args]
}

/**
 * A step is `{ name, run }`; `run` throws when the step failed and may return a line to print. It counts as one check,
 * unless it returns a score of its own, `{ passed, failed, skipped }`. Resolves with the exit code, after the one line
 * that sums everything up.
 */
export async function runSteps(steps) {
  const total = { passed: 0, failed: 0, skipped: 0 }
  const failures = []
  for (const { name, run: work } of steps) {
    console.log(`\n== ${name}`)
    const start = performance.now()
    let score = { passed: 1, failed: 0, skipped: 0 }
    try {
      const result = await work()
      if (typeof result === 'string') console.log(result)
      else if (result !== undefined) score = result
    } catch (error) {
      console.log(error instanceof Error ? error.message : String(error))
      score = { passed: 0, failed: 1, skipped: 0 }
    }
    for (const key of Object.keys(total)) total[key] += score[key]
    if (score.failed > 0) failures.push(name)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(`${score.failed > 0 ? 'FAILED' : 'ok'}: ${name} (${seconds} s)`)
  }
  if (failures.length > 0) console.log(`\nFailed: ${failures.join(', ')}`)
  console.log(
    `\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
  )
  return total.failed > 0 || total.passed === 0 ? 1 : 0
}

/**
 * A vitest run as a step, of all `files` of the configuration or of some, by this Node or another runtime. Its tests are
 * counted one by one, a file that cannot be loaded counts as one failure.
 */
export function vitestStep(name, config, { command = [process.execPath], files = [] } = {}) {
  return {
    name,
    run: async () => {
      const file = join(cacheFolder('vitest'), `${config}.json`)
      rmSync(file, { force: true })
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
      const [, args] = tool('vitest', 'run', '--config', config, '--allowOnly=false', ...reporters, ...files)
      const [program, ...before] = command
      const { code } = await run(program, [...before, ...args])
      const result = JSON.parse(readFileSync(file, 'utf8'))
      const broken = result.testResults.filter(
        f => f.status === 'failed' && f.assertionResults.every(t => t.status !== 'failed'),
      )
      const failed = result.numFailedTests + broken.length
      return {
        passed: result.numPassedTests,
        failed: failed === 0 && code !== 0 ? 1 : failed, // an unhandled error fails the run and no test of its own
        skipped: result.numPendingTests + result.numTodoTests,
      }
    },
  }
}

/** True in the file that Node was started with. */
export function isMain(meta) {
  return process.argv[1] === fileURLToPath(meta.url)
}
