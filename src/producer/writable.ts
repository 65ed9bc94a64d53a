// Messages as a web stream: writing waits for room in the queue, closing for the verdicts.

import type { KafkaError } from '../errors.ts'
import { onAbort } from './aborts.ts'
import type { ProducerCore } from './core.ts'
import type { DeliveryHandle } from './delivery.ts'
import type { Message } from './message.ts'
import type { ProducerView } from './view.ts'

// With fewer a writer waits for nearly every chunk. They stand outside of the queue's bounds, so there are not more.
const chunksAhead = 16
// A source that is always ready is read in one promise job after the other: nobody else would have a turn until the queue
// is full, the sockets included.
const chunksInTurn = 1000

// Node's types lack it, and so does Bun 1.3: there abort() comes after the write that waits for room.
type Abortable = WritableStreamDefaultController & { readonly signal?: AbortSignal }

export function writableOf(core: ProducerCore, view: ProducerView): WritableStream<Message> {
  // Its reason is the first failure, or the one that abort() was given.
  const over = new AbortController()
  const options = { signal: over.signal }
  let fail: (error: KafkaError) => void
  let drained = (): void => {}
  let unreported = 0
  let written = 0

  const reported = (error: KafkaError | null): void => {
    unreported--
    if (error !== null) fail(error)
    else if (unreported === 0) drained()
  }
  const follow = (handle: DeliveryHandle): void => {
    unreported++
    handle.tell(reported)
  }

  return new WritableStream<Message>(
    {
      start(controller) {
        const { signal } = controller as Abortable
        if (signal !== undefined) onAbort(signal, () => over.abort(signal.reason))
        fail = error => {
          controller.error(error)
          over.abort(error)
        }
      },
      write(message) {
        // Where there is room for any message there is nothing to wait for.
        if (!core.hasRoom(core.messageMaxBytes)) return view.dispatchWait(message, options).then(follow)
        follow(view.dispatch(message))
        if (++written % chunksInTurn === 0) return new Promise<void>(resolve => core.clock.defer(resolve))
      },
      close() {
        if (unreported === 0) return
        core.life.session?.accumulator.releaseAll()
        return new Promise<void>((resolve, reject) => {
          drained = resolve
          onAbort(over.signal, () => reject(over.signal.reason))
        })
      },
    },
    { highWaterMark: chunksAhead },
  )
}
