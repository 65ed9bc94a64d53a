// librdkafka as a consumer, by its command line kcat, where that is installed.

import type { Buffer } from 'node:buffer'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A record as librdkafka gives it; `headers` as kcat prints them: `name=value` with commas between, NULL for null. */
export interface KcatRecord {
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: string
}

/** Whether there is a kcat. */
export const kcatAnswers = await run('kcat', ['-V']).then(
  () => true,
  () => false,
)

/** Reads a whole topic, partition by partition in the order of offsets. */
export async function readWithKcat(bootstrapServers: string, topic: string): Promise<KcatRecord[]> {
  const consume = ['-C', '-q', '-e', '-b', bootstrapServers, '-t', topic, '-o', 'beginning']
  // Lengths go first, -1 for null, so that any byte can follow.
  const format = ['-f', '%p %K %S [%h]\n%k%s\n']
  const limits = ['-X', 'fetch.message.max.bytes=4000000', '-X', 'check.crcs=true']
  const options = { encoding: 'buffer', maxBuffer: Number.POSITIVE_INFINITY } as const
  const { stdout } = await run('kcat', [...consume, ...format, ...limits], options)
  const records: KcatRecord[] = []
  for (let at = 0; at < stdout.length; ) {
    const end = stdout.indexOf('\n', at)
    const [, partition, keyLength, valueLength, headers = ''] =
      /^(\d+) (-?\d+) (-?\d+) \[(.*)\]$/.exec(stdout.toString('utf8', at, end)) ?? []
    at = end + 1
    const take = (length: number): Buffer | null => {
      if (length < 0) return null
      at += length
      return stdout.subarray(at - length, at)
    }
    const key = take(Number(keyLength))
    const value = take(Number(valueLength))
    records.push({ partition: Number(partition), key, value, headers })
    at++
  }
  return records.sort((a, b) => a.partition - b.partition)
}
