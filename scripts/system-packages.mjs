// What the integration tests ask besides Kafka itself, librdkafka's kcat and its headers: Debian's packages, installed
// where they are missing and may be.

import { run } from './steps.mjs'

const wanted = [
  { packages: ['kcat'], there: ['kcat', ['-V']] },
  {
    packages: ['gcc', 'libc6-dev', 'librdkafka-dev'],
    there: ['cc', ['-E', '-include', 'librdkafka/rdkafka.h', '-x', 'c', '/dev/null']],
  },
]

async function succeeds(command, args) {
  return (await run(command, args, { capture: true })).code === 0
}

async function missing() {
  const names = []
  for (const { packages, there } of wanted) if (!(await succeeds(...there))) names.push(...packages)
  return names
}

async function install(names) {
  if (process.getuid?.() !== 0 || !(await succeeds('apt-get', ['--version']))) return
  console.log(`Installing ${names.join(', ')} (apt-get) ...`)
  const quiet = { capture: true, env: { DEBIAN_FRONTEND: 'noninteractive' } }
  await run('apt-get', ['update'], quiet)
  await run('apt-get', ['install', '--yes', '--no-install-recommends', ...names], quiet)
}

/** Fails in continuous integration where something is missing; elsewhere says what will be skipped. */
export async function systemPackages() {
  const lacking = await missing()
  if (lacking.length === 0) return
  await install(lacking)
  const still = await missing()
  if (still.length === 0) return
  const reason = `tests that ask librdkafka need \`apt-get install ${still.join(' ')}\``
  if (process.env.CI) throw new Error(reason)
  console.log(`skipped: ${reason}`)
  return { passed: 0, failed: 0, skipped: 1 }
}
