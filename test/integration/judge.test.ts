import { expect, test } from 'vitest'
import { compare, dumpTopic, flawless, readTopic } from '../support/judge.ts'
import { kafka } from '../support/real-kafka.ts'

const consoleProducer = 'org.apache.kafka.tools.ConsoleProducer'

test('the consumer gives back nulls, headers and unprintable bytes that Apache’s producer sent', async () => {
  const topic = await kafka.createTopic('judge', 1, { 'compression.type': 'producer' })
  const reader = ['parse.key=true', 'parse.headers=true', 'null.marker=NIL'].flatMap(p => ['--reader-property', p])
  const lines = ['a:1,b:,a:NIL\tkey\tvalue', 'NIL\tNIL\tNIL', 'ü:\\x41\t\t', 'x:y:z\tü\\ \u0001\tq\u0000\u0007z']
  await kafka.runTool(
    consoleProducer,
    ['--topic', topic, '--compression-codec', 'lz4', ...reader],
    `${lines.join('\n')}\n`,
  )

  const records = await readTopic(kafka, topic)
  const sent = [
    {
      headers: [
        ['a', '1'],
        ['b', ''],
        ['a', null],
      ] as const,
      key: 'key',
      value: 'value',
    },
    { headers: [], key: null, value: null },
    { headers: [['ü', '\\x41']] as const, key: '', value: '' },
    { headers: [['x', 'y:z']] as const, key: 'ü\\ \u0001', value: 'q\u0000\u0007z' },
  ]
  expect(compare(sent, records)).toEqual(flawless)
  expect(records.map(({ partition, offset }) => [partition, offset])).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
    [0, 3],
  ])
  expect(records.every(({ timestampType }) => timestampType === 'CreateTime')).toBe(true)
  expect(Math.abs(Date.now() - (records[0]?.timestamp ?? 0))).toBeLessThan(60_000)
  if (!kafka.logsAreReadable) return
  const batches = await dumpTopic(kafka, topic)
  expect(batches.every(({ valid, codec }) => valid && codec === 'lz4')).toBe(true)
  expect(batches.map(({ records }) => records).reduce((a, b) => a + b)).toBe(4)
})
