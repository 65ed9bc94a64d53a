import v8 from 'node:v8'
import vm from 'node:vm'
import { describe, expect, test } from 'vitest'
import { Rig } from '../support/rig.ts'

v8.setFlagsFromString('--expose-gc')
const collectGarbage: () => void = vm.runInNewContext('gc')

describe('what is delivered is let go', () => {
  test('while a batch of another partition waits for a leader', async () => {
    const rig = await Rig.connected({ brokers: 2, topics: { t: { partitions: 2 } }, recordRequests: false })
    rig.cluster.leaderless('t', 1)
    rig.cluster.failPartition('t', 1, 'NOT_LEADER_OR_FOLLOWER')
    const stuck = rig.producer.dispatch({ topic: 't', value: 'stuck', partition: 1 })
    await rig.clock.advance(1000)
    const opaques: WeakRef<object>[] = []
    for (let i = 0; i < 500; i++) {
      const opaque = {}
      opaques.push(new WeakRef(opaque))
      rig.producer.dispatch({ topic: 't', value: 'v', partition: 0, opaque })
      await rig.clock.advance(5)
    }
    expect(rig.producer.queueSize).toBe(1)
    expect(stuck.settled).toBe(false)
    collectGarbage()
    await rig.clock.settle()
    expect(opaques.filter(opaque => opaque.deref() !== undefined).length).toBeLessThan(150)
  })
  test('also the last batch of each partition, and what waited for its topic', async () => {
    const rig = await Rig.start({ topics: { t: { partitions: 100 } }, recordRequests: false })
    const opaques: WeakRef<object>[] = []
    const dispatchToAll = () => {
      for (let partition = 0; partition < 100; partition++) {
        const opaque = {}
        opaques.push(new WeakRef(opaque))
        rig.producer.dispatch({ topic: 't', value: 'v', partition, opaque })
      }
    }
    dispatchToAll()
    await rig.until(rig.producer.flush())
    dispatchToAll()
    await rig.until(rig.producer.flush())
    await rig.until(rig.producer.send({ topic: 't', value: 'v', partition: 0 }))
    collectGarbage()
    await rig.clock.settle()
    expect(opaques.filter(opaque => opaque.deref() !== undefined).length).toBeLessThan(10)
  })
})
