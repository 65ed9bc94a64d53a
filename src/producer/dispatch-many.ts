// Many messages with a handle for each: queued in their order, up to the first that cannot be.

import { type KafkaError, ProduceManyError, QueueFullError } from '../errors.ts'
import type { ProducerCore } from './core.ts'
import { DeliveryHandle } from './delivery.ts'
import type { DeliveryReport } from './report.ts'
import type { Outgoing, QueuedListener } from './send-many.ts'

/** Throws ProduceManyError, with the handles of what was queued, for the first message that is refused. */
export function dispatchAll(
  core: ProducerCore,
  outgoing: Outgoing,
  onQueued: QueuedListener = () => {},
): DeliveryHandle[] {
  const dispatched: DeliveryHandle[] = []
  const calledAt = core.clock.now()
  for (let index = 0; index < outgoing.size; index++) {
    const { message, terms } = outgoing.at(index)
    try {
      if (!core.hasRoom(message.userBytes)) throw core.queueFull(message.userBytes)
      const batch = core.append(message, terms, calledAt, false)
      dispatched.push(new DeliveryHandle(batch, batch.count - 1))
    } catch (cause) {
      // Room may come; what is refused for good would keep the others from ever getting on.
      const again = cause instanceof QueueFullError && !core.room.neverFits(message.userBytes)
      const from = again ? index : index + 1
      const rest = Array.from({ length: outgoing.size - from }, (_, i) => outgoing.at(from + i))
      onQueued(index, rest)
      const why = `message ${index} was not queued: ${(cause as KafkaError).message}`
      throw new ProduceManyError<DeliveryReport, DeliveryHandle>(why, { dispatched, cause })
    }
  }
  onQueued(outgoing.size, [])
  return dispatched
}
