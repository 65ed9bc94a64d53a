// The whole way of a message through a producer and back, without a network.

import { Producer } from '../../src/index.ts'
import type { Contender } from '../support/measure.ts'
import { memorySink } from '../support/memory-sink.ts'

const value = Buffer.alloc(100, 'x')
const perTurn = 10_000

export function dispatching(): { readonly contenders: readonly Contender[]; close(): Promise<unknown> } {
  const producer = new Producer({
    'bootstrap.servers': 'memory:1',
    'queue.buffering.max.messages': 0,
    transport: memorySink,
  })
  const dispatch = (partitions: number) => async (messages: number) => {
    const topic = `t${partitions}`
    for (let i = 0; i < messages; i++) {
      producer.dispatch({ topic, value, partition: i % partitions })
      if (i % perTurn === perTurn - 1) await new Promise(setImmediate)
    }
    await producer.flush()
  }
  const send = async (messages: number) => {
    for (let sent = 0; sent < messages; sent += perTurn) {
      const turn = Array.from({ length: perTurn }, (_, i) => producer.send({ topic: 't3', value, partition: i % 3 }))
      for (const report of turn) await report
    }
  }
  return {
    contenders: [
      { name: 'dispatch, 3 partitions', run: dispatch(3) },
      { name: 'dispatch, 100 partitions', run: dispatch(100) },
      { name: 'send', run: send },
    ],
    close: () => producer.close(),
  }
}
