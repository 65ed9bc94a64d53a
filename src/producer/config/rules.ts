// What properties have to do with each other: defaults that follow another value, and combinations that make no sense.

import type { Findings } from './findings.ts'
import type { defaultsOf, globalProperties } from './properties.ts'
import type { topicProperties } from './rows/topic.ts'
import { topicBlacklist } from './topic-blacklist.ts'

/** A configuration while it is being made: parsed values under canonical names. */
export interface Draft {
  readonly global: ReturnType<typeof defaultsOf<typeof globalProperties>>
  readonly topic: ReturnType<typeof defaultsOf<typeof topicProperties>>
  readonly findings: Findings
}

interface Rule {
  /** The rule as the manual has it. */
  readonly says: string
  apply(draft: Draft): void
}

const mostInFlight = 5

/** In order: a rule may rely on what those before it settled. */
export const rules: readonly Rule[] = [
  {
    says: '`bootstrap.servers` is required.',
    apply: ({ findings }) => {
      if (findings.given.has('metadata.broker.list')) return
      findings.fault('bootstrap.servers', undefined, 'host[:port], one or more', 'expected one server or more')
    },
  },
  {
    says: 'Idempotence needs `acks` all, `retries` of at least 1 and `max.in.flight` of at most 5. If one of these is given otherwise and `enable.idempotence` is not given, idempotence is off and `config.warning` says so. If `enable.idempotence` is given as true, that is an error.',
    apply: ({ global, topic, findings }) => {
      if (!global['enable.idempotence']) return
      const acks = topic['request.required.acks']
      const retries = global['message.send.max.retries']
      const inFlight = global['max.in.flight.requests.per.connection']
      const needs = [
        { property: 'request.required.acks', value: acks, met: acks === -1, allowed: 'all (-1)' },
        { property: 'message.send.max.retries', value: retries, met: retries > 0, allowed: '1 or more' },
        {
          property: 'max.in.flight.requests.per.connection',
          value: inFlight,
          met: inFlight <= mostInFlight,
          allowed: `1 to ${mostInFlight}`,
        },
      ]
      for (const { property, value, met, allowed } of needs) {
        const name = findings.given.get(property)
        if (met || name === undefined) continue
        if (findings.given.has('enable.idempotence')) {
          findings.fault(name, value, allowed, `idempotence needs ${allowed}`)
        } else {
          global['enable.idempotence'] = false
          findings.warn('enable.idempotence', `idempotence is off: ${name} is ${value}, and it needs ${allowed}`)
        }
      }
    },
  },
  {
    says: 'With idempotence `max.in.flight` is 5 if it is not given.',
    apply: ({ global, findings }) => {
      const property = 'max.in.flight.requests.per.connection'
      if (global['enable.idempotence'] && !findings.given.has(property)) global[property] = mostInFlight
    },
  },
  {
    says: '`acks` above 1 is passed on with a warning: Kafka brokers refuse it.',
    apply: ({ topic, findings }) => {
      const acks = topic['request.required.acks']
      if (acks > 1)
        findings.warn(findings.given.get('request.required.acks') ?? 'acks', `brokers refuse ${acks}: use all`)
    },
  },
  {
    says: '`message.timeout.ms` must be longer than `queue.buffering.max.ms`, unless it is 0. If the latter is not given it is shortened.',
    apply: ({ global, topic, findings }) => {
      const timeout = topic['message.timeout.ms']
      if (timeout === 0 || timeout > global['queue.buffering.max.ms']) return
      if (findings.given.has('queue.buffering.max.ms')) checkTimeouts(topic, global['queue.buffering.max.ms'], findings)
      else global['queue.buffering.max.ms'] = timeout - 0.1
    },
  },
  {
    says: 'If `message.timeout.ms` and `request.timeout.ms` are both given, the first has room for `queue.buffering.max.ms` and one request.',
    apply: ({ global, topic, findings }) => {
      const linger = global['queue.buffering.max.ms']
      if (topic['message.timeout.ms'] > linger) checkTimeouts(topic, linger, findings)
    },
  },
  {
    says: '`buffer.memory` and `queue.buffering.max.kbytes` are one bound: given both they must agree, given one the other follows.',
    apply: ({ global, findings }) => {
      const name = findings.given.get('buffer.memory')
      const bytes = global['queue.buffering.max.kbytes'] * 1024
      if (name === undefined) global['buffer.memory'] = bytes
      else if (!findings.given.has('queue.buffering.max.kbytes')) {
        global['queue.buffering.max.kbytes'] = Math.ceil(global['buffer.memory'] / 1024)
      } else if (global['buffer.memory'] !== bytes) {
        findings.fault(name, global['buffer.memory'], `${bytes}`, `queue.buffering.max.kbytes says ${bytes} bytes`)
      }
    },
  },
  {
    says: '`message.max.bytes` must not be larger than `max.request.size`, nor than `buffer.memory`. If it is not given it is lowered to `max.request.size`.',
    apply: ({ global, findings }) => {
      const given = findings.given.has('message.max.bytes')
      const largest = global['message.max.bytes']
      if (!given) global['message.max.bytes'] = Math.min(largest, global['max.request.size'])
      for (const property of given ? (['max.request.size', 'buffer.memory'] as const) : []) {
        const limit = global[property]
        const name = property === 'buffer.memory' ? queueBound(findings) : findings.given.get(property)
        if (name === undefined || largest <= limit) continue
        findings.fault('message.max.bytes', largest, `1000 to ${limit}`, `${name} allows no more than ${limit} bytes`)
      }
    },
  },
  {
    says: '`batch.size` is at most `message.max.bytes`; if it is given larger, `config.warning` says so.',
    apply: ({ global, findings }) => {
      const [size, limit] = [global['batch.size'], global['message.max.bytes']]
      if (size <= limit) return
      global['batch.size'] = limit
      if (findings.given.has('batch.size'))
        findings.warn('batch.size', `is ${limit} instead of ${size}, as message.max.bytes`)
    },
  },
  {
    says: '`retry.backoff.ms` is at most `retry.backoff.max.ms`, and `reconnect.backoff.ms` at most `reconnect.backoff.max.ms`. If only one of the two is given, the default of the other gives way.',
    apply: draft => {
      orderBackoffs(draft, 'retry.backoff.ms', 'retry.backoff.max.ms')
      orderBackoffs(draft, 'reconnect.backoff.ms', 'reconnect.backoff.max.ms')
    },
  },
  {
    says: 'Not given, `metadata.max.age.ms` is three times `topic.metadata.refresh.interval.ms`, `topic.metadata.refresh.fast.interval.ms` is `retry.backoff.ms`, `sticky.partitioning.linger.ms` is twice `queue.buffering.max.ms`.',
    apply: ({ global, findings: { given } }) => {
      const interval = global['topic.metadata.refresh.interval.ms']
      if (!given.has('metadata.max.age.ms') && interval > 0) global['metadata.max.age.ms'] = 3 * interval
      if (!given.has('topic.metadata.refresh.fast.interval.ms')) {
        global['topic.metadata.refresh.fast.interval.ms'] = Math.min(global['retry.backoff.ms'], 60_000)
      }
      if (!given.has('sticky.partitioning.linger.ms')) {
        global['sticky.partitioning.linger.ms'] = Math.min(Math.trunc(2 * global['queue.buffering.max.ms']), 900_000)
      }
    },
  },
  {
    says: '`topic.blacklist` holds regular expressions of JavaScript.',
    apply: ({ global, findings }) => {
      try {
        topicBlacklist(global['topic.blacklist'])
      } catch (error) {
        const property = 'topic.blacklist'
        findings.fault(property, global[property], 'regular expressions with commas between them', `${error}`)
      }
    },
  },
  {
    says: 'Not given, `connections.max.idle.ms` is 230000 if a bootstrap server has azure in its name: Azure drops idle connections without a word after four minutes.',
    apply: ({ global, findings }) => {
      const azure = global['metadata.broker.list']?.toLowerCase().includes('azure') ?? false
      if (azure && !findings.given.has('connections.max.idle.ms')) global['connections.max.idle.ms'] = 230_000
    },
  },
]

/**
 * A message has to outlive its linger, and one request after that if somebody set how long a request takes.
 * Source: librdkafka `rd_kafka_topic_conf_finalize`; KIP-91.
 */
export function checkTimeouts(
  topic: { readonly 'message.timeout.ms': number; readonly 'request.timeout.ms': number },
  linger: number,
  findings: Findings,
  isGiven = (property: string) => findings.given.has(property),
): void {
  const timeout = topic['message.timeout.ms']
  if (timeout === 0) return
  const name = findings.given.get('message.timeout.ms') ?? 'message.timeout.ms'
  if (timeout <= linger) {
    findings.fault(
      name,
      timeout,
      `0, or more than ${linger}`,
      `queue.buffering.max.ms is ${linger}: no message would live to be sent`,
    )
    return
  }
  const least = linger + topic['request.timeout.ms']
  if (timeout >= least || !isGiven('message.timeout.ms') || !isGiven('request.timeout.ms')) return
  findings.fault(
    name,
    timeout,
    `0, or at least ${least}`,
    `queue.buffering.max.ms and request.timeout.ms add up to ${least}`,
  )
}

const queueBound = ({ given }: Findings) => given.get('buffer.memory') ?? given.get('queue.buffering.max.kbytes')

function orderBackoffs(
  { global, findings }: Draft,
  first: 'retry.backoff.ms' | 'reconnect.backoff.ms',
  last: 'retry.backoff.max.ms' | 'reconnect.backoff.max.ms',
): void {
  const most = global[last]
  if (global[first] <= most) return
  if (!findings.given.has(last)) global[last] = global[first]
  else if (!findings.given.has(first)) global[first] = most
  else findings.fault(first, global[first], `at most ${most}`, `${last} is ${most}`)
}
