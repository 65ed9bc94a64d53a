// The drivers of bench/peers, made ready to run: packages installed, C, Go and Java compiled, each into the ignored .cache/
// and only when missing or stale. What a machine lacks is said in words, and the rest goes on without it.

import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { kafkaClassPath } from './kafka/java.mjs'
import { cacheFolder, must, npm, root } from './steps.mjs'

const peers = join(root, 'bench/peers')
const go = join(peers, 'franz-go')
const built = cacheFolder('bench-peers')
const js = name => [process.execPath, join(peers, `${name}.mjs`)]

/** Runs `make` unless it already ran with these files and words; `output` is what it leaves behind. */
async function once(output, from, log, line, make) {
  const hash = createHash('sha256')
  for (const part of from) hash.update(existsSync(part) ? readFileSync(part) : part).update('\0')
  const stamp = join(built, `${createHash('sha256').update(output).digest('hex').slice(0, 12)}.stamp`)
  const digest = hash.digest('hex')
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  log(line)
  await make()
  writeFileSync(stamp, digest)
}

// npm's own scripts look for `node` on the PATH: this one has to be first.
const env = { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` }
const quiet = { capture: true, cwd: peers, env }

async function packages(log) {
  const lock = join(peers, 'package-lock.json')
  await once(join(peers, 'node_modules'), [lock], log, 'installing the JavaScript peers (npm ci)', () =>
    must(...npm('ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'), quiet),
  )
}

/** The library as its makers build it, which they publish as a Go module. Resolves with what the compiler needs for it. */
async function newestLibrdkafka() {
  const module = 'github.com/confluentinc/confluent-kafka-go/v2'
  const { Dir } = JSON.parse(await must('go', ['mod', 'download', '-json', module], { capture: true, cwd: go }))
  const vendor = join(Dir, 'kafka/librdkafka_vendor')
  const include = join(built, 'include')
  mkdirSync(join(include, 'librdkafka'), { recursive: true })
  copyFileSync(join(vendor, 'rdkafka.h'), join(include, 'librdkafka/rdkafka.h'))
  const system = process.platform === 'darwin' ? 'darwin' : 'glibc_linux'
  const library = join(vendor, `librdkafka_${system}_${process.arch === 'x64' ? 'amd64' : 'arm64'}.a`)
  return [`-I${include}`, library, '-lm', '-ldl', '-lpthread', ...(system === 'darwin' ? [] : ['-lrt'])]
}

const programs = {
  odradek: async () => js('odradek'),
  async kafkajs(log) {
    await packages(log)
    return js('kafkajs')
  },
  async platformatic(log) {
    await packages(log)
    return js('platformatic')
  },
  async 'node-rdkafka'(log) {
    await packages(log)
    const binding = join(peers, 'node_modules/node-rdkafka/build/Release/node-librdkafka.node')
    const from = [join(peers, 'package-lock.json'), process.version]
    await once(binding, from, log, 'building node-rdkafka with its librdkafka (two or three minutes)', () => {
      // The headers lie beside the program, so that nothing else is fetched.
      const headers = `--nodedir=${dirname(dirname(process.execPath))}`
      return must(...npm('rebuild', 'node-rdkafka', '--ignore-scripts=false', headers), quiet)
    })
    return js('node-rdkafka')
  },
  async librdkafka(log) {
    const program = join(built, 'librdkafka')
    const source = join(peers, 'librdkafka.c')
    await once(program, [source, join(go, 'go.sum')], log, 'fetching librdkafka, compiling its driver', async () => {
      const library = await newestLibrdkafka().catch(() => ['-lrdkafka']) // else the system's, its version is printed
      await must('cc', ['-O2', '-o', program, source, ...library], quiet)
    })
    return [program]
  },
  async 'franz-go'(log) {
    const program = join(built, 'franz-go')
    const from = ['main.go', 'go.mod', 'go.sum'].map(file => join(go, file))
    await once(program, from, log, 'fetching and compiling franz-go', () =>
      must('go', ['build', '-o', program, '.'], { capture: true, cwd: go }),
    )
    return [program]
  },
  async java(log) {
    const jars = await kafkaClassPath(log)
    const source = join(peers, 'JavaDriver.java')
    await once(join(built, 'JavaDriver.class'), [source, jars], log, 'compiling the driver of the Java producer', () =>
      must('javac', ['-cp', jars, '-d', built, source], quiet),
    )
    const path = [built, jars].join(delimiter)
    return ['java', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', path, 'JavaDriver']
  },
}

/** @type {import('./bench-peers.d.mts').preparePrograms} */
export async function preparePrograms(names, log) {
  const ready = {}
  for (const name of names) {
    ready[name] = await programs[name](log).then(
      command => ({ command }),
      error => ({ missing: error.message.split('\n').slice(-3).join(' ') }),
    )
  }
  return ready
}
