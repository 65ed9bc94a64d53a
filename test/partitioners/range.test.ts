import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type PartitionerName, partitioners } from '../../src/partitioners/partitioners.ts'
import { placing, topic } from './topic-view.ts'

const step = fc.record({
  partitionCount: fc.integer({ min: 1, max: 40 }),
  leaderless: fc.uniqueArray(fc.nat(39), { maxLength: 45 }),
  key: fc.option(fc.uint8Array({ maxLength: 20 })),
  bytes: fc.nat(3000),
  load: fc.nat(5000),
})

const names = Object.keys(partitioners) as PartitionerName[]

test.each(names)('%s names a partition that exists, and one with a leader for a record without a key', name => {
  const ignoresLeaders = ['consistent', 'murmur2', 'fnv1a'].includes(name)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const place = placing(name, { nullKey: 'random' })
      for (const { partitionCount, leaderless, key, bytes, load } of steps) {
        const view = topic(partitionCount, leaderless, { load: partition => (partition * load) % 7001 })
        const partition = place(view, key, bytes)
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitionCount).toBe(true)
        if (key === null && !ignoresLeaders && view.available.length > 0) expect(view.available).toContain(partition)
      }
    }),
  )
})

test.each(names.filter(name => !['random', 'round_robin'].includes(name)))('%s puts equal keys together', name => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 5000 }), (key, count) => {
      return placing(name)(topic(count), key) === placing(name)(topic(count, [0]), key)
    }),
  )
})
