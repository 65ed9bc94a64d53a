// `npm run mutants`: does the simulation notice bugs? Each is planted alone, in a copy of the sources, and the random
// schedules of test/scenarios/simulation.test.ts have to fail. `npm run mutants -- PART_OF_A_NAME` plants some of them.

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { install } from './setup.mjs'
import { root, run } from './steps.mjs'

const idempotence = 'src/producer/idempotence.ts'
const partitionQueue = 'src/producer/partition-queue.ts'
const answers = 'src/producer/answers.ts'
const outcome = 'src/producer/outcome.ts'
const settlement = 'src/producer/settlement.ts'

/** Each `find` stands once in its `file`, and `replace` makes a bug of it that the simulation can tell from the original. */
const mutants = [
  {
    name: 'a retry moves behind its successor',
    file: partitionQueue,
    find: "      return state === 'open' && !this.due ? null : batch\n",
    replace: `      if (batch.attempts > 0 && this.batches.at(i + 1)?.state === 'ready') continue
      return state === 'open' && !this.due ? null : batch\n`,
  },
  {
    name: 'several in flight to a leader that is not proven',
    file: partitionQueue,
    find: '(!this.proven || this.owingLeader !== this.leader)',
    replace: 'this.owingLeader !== this.leader',
  },
  {
    name: 'a new leader is sent to while the old one owes an answer',
    file: partitionQueue,
    find: '(!this.proven || this.owingLeader !== this.leader)',
    replace: '(!this.proven && this.owingLeader === this.leader)',
  },
  {
    name: 'an uncertain batch is stamped anew after a bump',
    file: idempotence,
    find: '(batch.uncertain || this.#isCurrent(stamp.producerId, stamp.producerEpoch))',
    replace: 'this.#isCurrent(stamp.producerId, stamp.producerEpoch)',
  },
  {
    name: 'an uncertain batch is stamped anew at once',
    file: idempotence,
    find: '(batch.uncertain || this',
    replace: '(!batch.uncertain && this',
  },
  {
    name: 'a partition begins a new epoch with requests under the old one in flight',
    file: idempotence,
    find: '      if (queue.inFlight > 0) return false\n',
    replace: '',
  },
  {
    name: 'what is behind stays uncertain',
    file: idempotence,
    find: '      for (const behind of queue.batches) behind.uncertain = false\n',
    replace: '',
  },
  {
    name: 'the sequence counts batches, not records',
    file: idempotence,
    find: '(nextSequence + batch.count)',
    replace: '(nextSequence + 1)',
  },
  {
    name: 'a broken sequence leads to no new epoch',
    file: answers,
    find: '    if (batch.stamp !== null) this.#parts.idempotence?.bump(batch.stamp.producerId, batch.stamp.producerEpoch)\n',
    replace: '',
  },
  {
    name: 'a lost answer counts as never written',
    file: answers,
    find: '    if (outcome.uncertain) batch.uncertain = true\n',
    replace: '',
  },
  {
    name: 'one partition of a request fails, and its siblings with it',
    file: answers,
    find: 'const outcome = judgeCode(errorCode)',
    replace: `const all = response.responses.flatMap(({ partitionResponses }) => partitionResponses)
    const outcome = judgeCode(all.find(sibling => sibling.errorCode !== 0)?.errorCode ?? 0)`,
  },
  {
    name: 'a retriable error completes the batch',
    file: outcome,
    find: "NOT_ENOUGH_REPLICAS: row('retry')",
    replace: "NOT_ENOUGH_REPLICAS: row('complete')",
  },
  {
    name: 'reports are given out as they come',
    file: settlement,
    find: `    for (let head = queue.batches.first(); head?.state === 'done'; head = queue.batches.first()) {
      queue.batches.shift()\n`,
    replace: `    const done = () => [...queue.batches].find(({ state }) => state === 'done')
    for (let head = done(); head !== undefined; head = done()) {
      queue.batches.remove(head)\n`,
  },
]

await install()
const parts = process.argv.slice(2)
const wanted = ({ name }) => parts.length === 0 || parts.some(part => name.includes(part))
process.exitCode = await plantAll(mutants.filter(wanted))

/** Resolves with the exit code: 0 if the simulation passes as it is and fails with each of `chosen`. */
async function plantAll(chosen) {
  const folder = copySources()
  const changes = chosen.map(mutant => change(folder, mutant))
  const start = performance.now()
  const sound = await simulate(folder)
  if (sound !== null) throw new Error(`without a mutant: ${sound}`)
  let caught = 0
  for (const { name, path, before, after } of changes) {
    writeFileSync(path, after)
    const fault = await simulate(folder)
    writeFileSync(path, before)
    if (fault !== null) caught++
    console.log(fault === null ? `SURVIVED: ${name}` : `caught: ${name}; ${fault}`)
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  console.log(`\n${caught} of ${chosen.length} caught in ${seconds} s`)
  return chosen.length > 0 && caught === chosen.length ? 0 : 1
}

/** A mutant's file in the folder, before and after. */
function change(folder, { name, file, find, replace }) {
  const path = join(folder, file)
  const before = readFileSync(path, 'utf8')
  const pieces = before.split(find)
  if (pieces.length !== 2) throw new Error(`${name}: ${file} must hold this once:\n${find}`)
  return { name, path, before, after: pieces.join(replace) }
}

/** Null if all seeds pass, else the first that fails and what the judge says. A failure without a seed is an error. */
async function simulate(cwd) {
  const args = [join(cwd, 'node_modules/vitest/vitest.mjs'), 'run', '--bail=1', 'test/scenarios/simulation.test.ts']
  const env = { SIMULATION_RUNS: process.env.SIMULATION_RUNS ?? '2000', SIMULATION_SEED: undefined, NO_COLOR: '1' }
  const { code, output } = await run(process.execPath, args, { cwd, env, capture: true, timeoutMs: 300_000 })
  if (code === 0) return null
  if (code === 124) return 'it never ends'
  const found = output.match(/seed \d+: .*/)
  if (found === null) throw new Error(`no verdict:\n${output}`)
  return found[0].split(': expected')[0]
}

/** A folder of its own with all that the simulation needs; installed packages are linked to. */
function copySources() {
  const folder = mkdtempSync(join(tmpdir(), 'mutants-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const filter = path => basename(path) !== 'node_modules'
  for (const name of ['src', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
    cpSync(join(root, name), join(folder, name), { recursive: true, filter })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  return folder
}
