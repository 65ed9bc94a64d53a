// Both transaction protocols: what the coordinator and the leaders of partitions allow, and who is fenced.

import { describe, expect, test } from 'vitest'
import { batch } from '../mock/batches.ts'
import { nameOf, type Place, until } from './place.ts'
import { type Stamp, Transactor } from './transaction.ts'

const refused = (error: string) => ({ error, offset: -1 })
const taken = (offset: number) => ({ error: 'NONE', offset })
const later = ({ producerId, producerEpoch }: Stamp, by = 1) => ({ producerId, producerEpoch: producerEpoch + by })

/** The versions that belong to the second protocol, where a request has one. */
const second = { version: 12 }
const secondEnd = { version: 5 }

export function transactionCases(place: () => Place): void {
  const begin = (timeoutMs?: number, id?: string) => Transactor.begin(place(), timeoutMs, id)

  describe('a transactional id', () => {
    test('begins with epoch 0, and goes on with the next one', async () => {
      const one = await begin()
      expect(one.stamp.producerEpoch).toBe(0)
      const other = await begin(60_000, one.id)
      expect(other.stamp).toEqual(later(one.stamp))
    })

    test('with the current epoch given gets the next one, and again the same when that is repeated', async () => {
      const one = await begin()
      const { stamp } = one
      expect(await one.init({ current: stamp })).toBe('NONE')
      expect(one.stamp).toEqual(later(stamp))
      expect(await one.init({ current: stamp })).toBe('NONE')
      expect(one.stamp).toEqual(later(stamp))
    })

    test('with an epoch that is over is fenced, in the words of the version', async () => {
      const one = await begin()
      const old = one.stamp
      await one.init()
      await one.init()
      expect(await one.init({ current: old })).toBe('PRODUCER_FENCED')
      expect(await one.init({ current: old, version: 3 })).toBe('INVALID_PRODUCER_EPOCH')
    })

    test('with another producer’s id is fenced', async () => {
      const [one, other] = [await begin(), await begin()]
      expect(await one.init({ current: other.stamp })).toBe('PRODUCER_FENCED')
    })
  })

  describe('the first protocol', () => {
    test('adds a partition, takes records, commits; the commit takes an offset of its own', async () => {
      const topic = await place().topic()
      const one = await begin()
      expect(await one.addOne(topic)).toBe('NONE')
      expect(await one.produce(topic, 0)).toEqual(taken(0))
      expect(await one.produce(topic, 1)).toEqual(taken(1))
      expect(await one.end(true)).toBe('NONE')
      expect(await one.addOne(topic)).toBe('NONE')
      expect(await one.produce(topic, 2)).toEqual(taken(3))
      expect(await one.end(false)).toBe('NONE')
      expect(await one.addOne(topic)).toBe('NONE')
      expect(await one.produce(topic, 3)).toEqual(taken(5))
    })

    test.each([0, 1, 2, 3])('is the same in AddPartitionsToTxn and EndTxn v%i', async version => {
      const topic = await place().topic()
      const one = await begin()
      expect(await one.addOne(topic, { version })).toBe('NONE')
      expect(await one.addOne(topic, { version })).toBe('NONE')
      expect(await one.produce(topic, 0)).toEqual(taken(0))
      expect(await one.end(true, { version })).toBe('NONE')
    })

    test('takes no record for a partition that was not added', async () => {
      const topic = await place().topic()
      const one = await begin()
      expect(await one.produce(topic, 0, { version: 10 })).toEqual(refused('INVALID_TXN_STATE'))
      expect(await one.produce(topic, 0, { version: 11 })).toEqual(refused('TRANSACTION_ABORTABLE'))
    })

    test('takes no record after the end', async () => {
      const topic = await place().topic()
      const one = await begin()
      await one.addOne(topic)
      await one.produce(topic, 0)
      await one.end(true)
      expect(await one.produce(topic, 1, { version: 10 })).toEqual(refused('INVALID_TXN_STATE'))
      expect(await one.produce(topic, 1)).toEqual(refused('TRANSACTION_ABORTABLE'))
    })

    test('keeps sequences', async () => {
      const topic = await place().topic()
      const one = await begin()
      await one.addOne(topic)
      await one.produce(topic, 0)
      expect(await one.produce(topic, 0)).toEqual(taken(0))
      expect(await one.produce(topic, 5)).toEqual(refused('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    })

    test('takes no record without the transaction from a producer that is in one', async () => {
      const topic = await place().topic()
      const one = await begin()
      await one.addOne(topic)
      await one.produce(topic, 0)
      const bare = batch(['b'], { ...one.stamp, baseSequence: 1 })
      expect(await place().produce(topic, bare)).toEqual(refused('INVALID_TXN_STATE'))
      expect(await place().produce(topic, batch(['anybody']))).toEqual(taken(1))
    })

    test('ends nothing that did not begin', async () => {
      const one = await begin()
      expect(await one.end(true)).toBe('INVALID_TXN_STATE')
      expect(await one.end(false)).toBe('INVALID_TXN_STATE')
    })

    test('ends twice the same way, not another way', async () => {
      const topic = await place().topic()
      const one = await begin()
      await one.addOne(topic)
      expect(await one.end(true)).toBe('NONE')
      expect(await one.end(true)).toBe('NONE')
      expect(await one.end(false)).toBe('INVALID_TXN_STATE')
      await one.addOne(topic)
      expect(await one.end(false)).toBe('NONE')
      expect(await one.end(false)).toBe('NONE')
      expect(await one.end(true)).toBe('INVALID_TXN_STATE')
    })

    test('adds all partitions or none: the others were not attempted', async () => {
      const topic = await place().topic()
      const one = await begin()
      const unknown = 'there-is-no-such-topic'
      const errors = await one.add([
        { name: topic.name, partitions: [0] },
        { name: unknown, partitions: [0] },
      ])
      expect(errors).toEqual({
        [`${topic.name}-0`]: 'OPERATION_NOT_ATTEMPTED',
        [`${unknown}-0`]: 'UNKNOWN_TOPIC_OR_PARTITION',
      })
      expect(await one.addOne({ ...topic, name: unknown })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    })

    test('knows its producer by id and epoch', async () => {
      const topic = await place().topic()
      const one = await begin()
      const stranger = { producerId: one.stamp.producerId + 100_000n }
      expect(await one.addOne(topic, stranger)).toBe('INVALID_PRODUCER_ID_MAPPING')
      expect(await one.end(true, stranger)).toBe('INVALID_PRODUCER_ID_MAPPING')
      expect(await one.addOffsets('g', stranger)).toBe('INVALID_PRODUCER_ID_MAPPING')
      const ahead = { producerEpoch: 9 }
      expect(await one.addOne(topic, ahead)).toBe('PRODUCER_FENCED')
      expect(await one.addOne(topic, { ...ahead, version: 1 })).toBe('INVALID_PRODUCER_EPOCH')
      expect(await one.addOffsets('g', ahead)).toBe('PRODUCER_FENCED')
      expect(await one.addOffsets('g', { ...ahead, version: 1 })).toBe('INVALID_PRODUCER_EPOCH')
      expect(await one.end(true, ahead)).toBe('PRODUCER_FENCED')
      expect(await one.end(true, { ...ahead, version: 1 })).toBe('INVALID_PRODUCER_EPOCH')
    })

    test('knows no transactional id that never asked for a producer id', async () => {
      const topic = await place().topic()
      const one = await begin()
      const nobody = new Transactor(place())
      nobody.stamp = one.stamp
      expect(await nobody.addOne(topic)).toBe('INVALID_PRODUCER_ID_MAPPING')
      expect(await nobody.end(true)).toBe('INVALID_PRODUCER_ID_MAPPING')
    })
  })

  describe('a producer that is fenced', () => {
    test('by another one of its name finds its transaction aborted and nothing allowed', async () => {
      const topic = await place().topic()
      const one = await begin()
      await one.addOne(topic)
      await one.produce(topic, 0)
      const other = await begin(60_000, one.id)
      expect(other.stamp.producerId).toBe(one.stamp.producerId)
      expect(other.stamp.producerEpoch).toBeGreaterThan(one.stamp.producerEpoch)
      expect(await one.produce(topic, 1)).toEqual(refused('INVALID_PRODUCER_EPOCH'))
      expect(await one.addOne(topic)).toBe('PRODUCER_FENCED')
      expect(await one.addOffsets('g')).toBe('PRODUCER_FENCED')
      expect(await one.end(true)).toBe('PRODUCER_FENCED')
      expect(await one.init({ current: one.stamp })).toBe('PRODUCER_FENCED')
      expect(await other.addOne(topic)).toBe('NONE')
      expect(await other.produce(topic, 0)).toEqual(taken(2))
      expect(await other.end(true)).toBe('NONE')
    })

    test('goes on two epochs later when a transaction was open', async () => {
      const topic = await place().topic()
      const one = await begin()
      await one.addOne(topic)
      await one.produce(topic, 0)
      const other = await begin(60_000, one.id)
      expect(other.stamp).toEqual(later(one.stamp, 2))
    })

    test('by its own timeout finds its transaction aborted', async () => {
      const topic = await place().topic()
      const one = await begin(800)
      await one.addOne(topic)
      await one.produce(topic, 0)
      let offset = 0
      await until(async () => {
        offset = (await place().produce(topic, batch(['x']))).offset
        const records = 1 + probes++
        return offset > records
      })
      expect(await one.produce(topic, 1)).toEqual(refused('INVALID_PRODUCER_EPOCH'))
      expect(await one.end(true)).toBe('PRODUCER_FENCED')
      expect(await one.addOne(topic)).toBe('PRODUCER_FENCED')
    })
    let probes = 0
  })

  describe('offsets of a group', () => {
    test('are part of a transaction once they are added', async () => {
      const topic = await place().topic()
      const one = await begin()
      expect(await one.addOffsets('conformance-group')).toBe('NONE')
      expect(await one.commitOffset('conformance-group', topic.name)).toBe('NONE')
      expect(await one.end(true)).toBe('NONE')
    })

    test('that were not added are refused', async () => {
      const topic = await place().topic()
      const one = await begin()
      expect(await one.commitOffset('conformance-not-added', topic.name)).toBe('TRANSACTION_ABORTABLE')
      expect(await one.commitOffset('conformance-not-added', topic.name, { version: 3 })).toBe('INVALID_TXN_STATE')
    })

    test('of a topic that does not exist are refused', async () => {
      const one = await begin()
      await one.addOffsets('conformance-group')
      expect(await one.commitOffset('conformance-group', 'there-is-no-such-topic')).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    })

    test('need no adding in the second protocol', async () => {
      const topic = await place().topic()
      const one = await begin()
      expect(await one.commitOffset('conformance-second', topic.name, { version: 5 })).toBe('NONE')
      expect(await one.end(true, secondEnd)).toBe('NONE')
      expect(one.stamp.producerEpoch).toBe(1)
    })

    test('of a member that the group does not have are refused', async () => {
      const topic = await place().topic()
      const one = await begin()
      await one.addOffsets('conformance-members')
      const member = { generationId: 3, memberId: 'somebody' }
      expect(await one.commitOffset('conformance-members', topic.name, member)).toBe('ILLEGAL_GENERATION')
    })

    test('may be of a group without a name', async () => {
      const one = await begin()
      expect(await one.addOffsets('')).toBe('NONE')
    })
  })

  describe('the second protocol', () => {
    test('takes records at once; the end gives the next epoch', async () => {
      const topic = await place().topic()
      const one = await begin()
      const first = one.stamp
      expect(await one.produce(topic, 0, second)).toEqual(taken(0))
      expect(await one.produce(topic, 1, second)).toEqual(taken(1))
      expect(await one.end(true, secondEnd)).toBe('NONE')
      expect(one.stamp).toEqual(later(first))
      expect(await one.produce(topic, 0, second)).toEqual(taken(3))
      expect(await one.end(false, secondEnd)).toBe('NONE')
      expect(one.stamp).toEqual(later(first, 2))
      expect(await one.produce(topic, 0, second)).toEqual(taken(5))
    })

    test('may name topics by id', async () => {
      const topic = await place().topic()
      const one = await begin()
      expect(await one.produce(topic, 0, { version: 13 })).toEqual(taken(0))
      expect(await one.end(true, secondEnd)).toBe('NONE')
    })

    test('takes nothing more of an epoch that ended', async () => {
      const topic = await place().topic()
      const one = await begin()
      const old = one.stamp
      await one.produce(topic, 0, second)
      await one.end(true, secondEnd)
      expect(await one.produce(topic, 1, { ...second, ...old })).toEqual(refused('INVALID_PRODUCER_EPOCH'))
    })

    test('answers an end that is repeated as it did before', async () => {
      const topic = await place().topic()
      const one = await begin()
      const old = one.stamp
      await one.produce(topic, 0, second)
      expect(await one.end(true, { ...secondEnd, ...old })).toBe('NONE')
      const next = one.stamp
      expect(await one.end(true, { ...secondEnd, ...old })).toBe('NONE')
      expect(one.stamp).toEqual(next)
      expect(await one.end(false, { ...secondEnd, ...old })).toBe('INVALID_TXN_STATE')
    })

    test('commits nothing that did not begin, but aborts it, and that takes an epoch', async () => {
      const one = await begin()
      const first = one.stamp
      expect(await one.end(true, secondEnd)).toBe('INVALID_TXN_STATE')
      expect(await one.end(false, secondEnd)).toBe('NONE')
      expect(one.stamp).toEqual(later(first))
      expect(await one.end(false, secondEnd)).toBe('NONE')
      expect(one.stamp).toEqual(later(first, 2))
    })

    test('knows its producer by id and epoch', async () => {
      const topic = await place().topic()
      const one = await begin()
      const stranger = { producerId: one.stamp.producerId + 100_000n }
      expect(await one.produce(topic, 0, { ...second, ...stranger })).toEqual(refused('INVALID_PRODUCER_ID_MAPPING'))
      expect(await one.produce(topic, 0, { ...second, producerEpoch: 9 })).toEqual(refused('INVALID_PRODUCER_EPOCH'))
      expect(await one.end(true, { ...secondEnd, ...stranger })).toBe('INVALID_PRODUCER_ID_MAPPING')
      expect(await one.end(true, { ...secondEnd, producerEpoch: 9 })).toBe('PRODUCER_FENCED')
    })

    test('fences as the first one does', async () => {
      const topic = await place().topic()
      const one = await begin()
      await one.produce(topic, 0, second)
      const other = await begin(60_000, one.id)
      expect(await one.produce(topic, 1, second)).toEqual(refused('INVALID_PRODUCER_EPOCH'))
      expect(await one.end(true, secondEnd)).toBe('PRODUCER_FENCED')
      expect(await other.produce(topic, 0, second)).toEqual(taken(2))
    })

    test('begins with sequence 0 in every epoch', async () => {
      const topic = await place().topic()
      const one = await begin()
      await one.produce(topic, 0, second)
      await one.end(true, secondEnd)
      expect(await one.produce(topic, 1, second)).toEqual(refused('OUT_OF_ORDER_SEQUENCE_NUMBER'))
      expect(await one.produce(topic, 0, second)).toEqual(taken(2))
    })
  })

  test('a transactional request with a batch that is not, and the other way round', async () => {
    const topic = await place().topic()
    const one = await begin()
    await one.addOne(topic)
    const bare = batch(['b'], { ...one.stamp, baseSequence: 0 })
    const mixed = await place().produceFully(topic, bare, { version: 11, transactionalId: one.id })
    expect(nameOf(mixed.errorCode)).toBe('NONE')
    const marked = batch(['b'], { ...one.stamp, baseSequence: 0, attributes: 16 })
    const nameless = await place().produceFully(topic, marked, { version: 11 })
    expect(nameOf(nameless.errorCode)).toBe('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  })
}
