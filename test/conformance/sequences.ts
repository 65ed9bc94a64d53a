// What a partition's leader remembers of an idempotent producer, and what it says to a batch out of turn.

import { describe, expect, test } from 'vitest'
import { initProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { batch, sequenced } from '../mock/batches.ts'
import { nameOf, type Place, settled, type TestTopic } from './place.ts'

const refused = (error: string) => ({ error, offset: -1 })
const taken = (offset: number) => ({ error: 'NONE', offset })

export async function producerId(place: Place): Promise<bigint> {
  const wanted = { transactionalId: null, transactionTimeoutMs: 60_000 }
  const answer = await settled(() => place.ask(initProducerId, 5, wanted))
  if (answer.errorCode !== 0) throw new Error(`no producer id: ${nameOf(answer.errorCode)}`)
  return answer.producerId
}

export function sequenceCases(place: () => Place): void {
  async function producer() {
    const topic: TestTopic = await place().topic()
    const id = await producerId(place())
    return (baseSequence: number, count = 1, epoch = 0) =>
      place().produce(topic, sequenced(baseSequence, count, epoch, id))
  }

  describe('an idempotent producer', () => {
    test('is given an id that nobody had, and epoch 0', async () => {
      const ids = [await producerId(place()), await producerId(place())]
      expect(new Set(ids).size).toBe(2)
      const wanted = { transactionalId: null, transactionTimeoutMs: 60_000 }
      const answer = await settled(() => place().ask(initProducerId, 5, wanted))
      expect(answer).toEqual({ throttleTimeMs: 0, errorCode: 0, producerId: expect.any(BigInt), producerEpoch: 0 })
    })

    test('may begin with any sequence', async () => {
      const send = await producer()
      expect(await send(17)).toEqual(taken(0))
      expect(await send(18, 3)).toEqual(taken(1))
    })

    test('that repeats a batch gets its first offset again', async () => {
      const send = await producer()
      await send(0, 2)
      await send(2, 3)
      expect(await send(2, 3)).toEqual(taken(2))
      expect(await send(0, 2)).toEqual(taken(0))
      expect(await send(5)).toEqual(taken(5))
    })

    test('that leaves a gap is out of order', async () => {
      const send = await producer()
      await send(0, 2)
      expect(await send(3)).toEqual(refused('OUT_OF_ORDER_SEQUENCE_NUMBER'))
      expect(await send(2)).toEqual(taken(2))
    })

    test('that repeats half a batch is out of order', async () => {
      const send = await producer()
      await send(0, 4)
      expect(await send(2, 2)).toEqual(refused('OUT_OF_ORDER_SEQUENCE_NUMBER'))
      expect(await send(0, 3)).toEqual(refused('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    })

    test('is remembered by its last five batches', async () => {
      const send = await producer()
      for (let sequence = 0; sequence < 6; sequence++) await send(sequence)
      expect(await send(1)).toEqual(taken(1))
      expect(await send(0)).toEqual(refused('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    })

    test('of an older epoch is refused', async () => {
      const send = await producer()
      await send(0, 1, 3)
      expect(await send(1, 1, 2)).toEqual(refused('INVALID_PRODUCER_EPOCH'))
      expect(await send(0, 1, 2)).toEqual(refused('INVALID_PRODUCER_EPOCH'))
    })

    test('begins a new epoch with sequence 0', async () => {
      const send = await producer()
      await send(0, 3)
      expect(await send(3, 1, 1)).toEqual(refused('OUT_OF_ORDER_SEQUENCE_NUMBER'))
      expect(await send(0, 1, 1)).toEqual(taken(3))
      expect(await send(3)).toEqual(refused('INVALID_PRODUCER_EPOCH'))
    })

    test('goes on at 0 after the last sequence there is', async () => {
      const send = await producer()
      const last = 2 ** 31 - 1
      expect(await send(last - 1, 2)).toEqual(taken(0))
      expect(await send(0, 2)).toEqual(taken(2))
      expect(await send(last - 1, 2)).toEqual(taken(0))
    })

    test('may go beyond the last sequence within one batch', async () => {
      const send = await producer()
      const last = 2 ** 31 - 1
      expect(await send(last, 3)).toEqual(taken(0))
      expect(await send(2)).toEqual(taken(3))
      expect(await send(last, 3)).toEqual(taken(0))
    })

    test('is nobody’s neighbour: another id has its own sequences', async () => {
      const topic = await place().topic()
      const [one, other] = [await producerId(place()), await producerId(place())]
      expect(await place().produce(topic, sequenced(0, 2, 0, one))).toEqual(taken(0))
      expect(await place().produce(topic, sequenced(0, 2, 0, other))).toEqual(taken(2))
      expect(await place().produce(topic, batch(['a']))).toEqual(taken(4))
      expect(await place().produce(topic, sequenced(2, 1, 0, one))).toEqual(taken(5))
    })

    test('is known to each partition alone', async () => {
      const topic = await place().topic({}, 2)
      const id = await producerId(place())
      expect(await place().produce(topic, sequenced(0, 2, 0, id), { partition: 0 })).toEqual(taken(0))
      expect(await place().produce(topic, sequenced(0, 2, 0, id), { partition: 1 })).toEqual(taken(0))
      const gap = await place().produce(topic, sequenced(5, 2, 0, id), { partition: 1 })
      expect(gap).toEqual(refused('OUT_OF_ORDER_SEQUENCE_NUMBER'))
    })
  })
}
