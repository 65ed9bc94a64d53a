// Finding brokers, talking to them, and keeping track of who leads what.

import type { BootstrapServers } from '../bootstrap.ts'
import { bootstrapServersType } from '../bootstrap.ts'
import { choice, flag, int, largestInt, type Property, text } from '../property.ts'

const servers: Property<string | null, BootstrapServers, 'bootstrap.servers'> = {
  type: bootstrapServersType,
  default: null,
  doc: 'The brokers to ask first; one that answers is enough. Required. The port is 9092 where it is left out.',
  aliases: ['bootstrap.servers'],
}

const alwaysAsked = { use: 'deprecated', why: 'brokers are always asked for their API versions' } as const
const systemChooses = {
  use: 'native',
  why: 'a JavaScript socket has no such setting: the system chooses',
} as const

export const connectionProperties = {
  'metadata.broker.list': servers,
  'client.dns.lookup': choice('use_all_dns_ips', ['use_all_dns_ips', 'resolve_canonical_bootstrap_servers_only'], {
    doc: 'Try every address a name resolves to, or turn bootstrap names into canonical ones first.',
    use: 'unbuilt',
  }),
  'broker.address.family': choice('any', ['any', 'v4', 'v6'], { doc: 'Which IP addresses are tried.' }),
  'broker.address.ttl': int(1000, 0, 86_400_000, {
    unit: 'ms',
    doc: 'How long a resolved address is remembered.',
    use: 'native',
    why: 'names are resolved anew for every connection',
  }),
  'socket.connection.setup.timeout.ms': int(30_000, 1000, largestInt, {
    unit: 'ms',
    doc: 'Limit for TCP, TLS and SASL together, until a connection can be used.',
  }),
  'socket.timeout.ms': int(60_000, 10, 300_000, {
    unit: 'ms',
    doc: 'How long a request waits for its answer; a Produce no longer than its messages have left.',
  }),
  'socket.max.fails': int(1, 0, 1_000_000, {
    doc: 'Requests without an answer before the connection is dropped; 0 keeps it.',
  }),
  'socket.keepalive.enable': flag(false, { doc: 'TCP keep-alive.' }),
  'socket.nagle.disable': flag(true, { doc: 'TCP_NODELAY: small writes leave at once.' }),
  'socket.send.buffer.bytes': int(0, 0, 100_000_000, {
    unit: 'bytes',
    doc: "The kernel's send buffer of a socket; 0 leaves it to the system.",
    ...systemChooses,
  }),
  'socket.receive.buffer.bytes': int(0, 0, 100_000_000, {
    unit: 'bytes',
    doc: "The kernel's receive buffer of a socket; 0 leaves it to the system.",
    ...systemChooses,
  }),
  'socket.blocking.max.ms': int(1000, 1, 60_000, {
    unit: 'ms',
    doc: 'Once the longest time a socket call blocked.',
    use: 'deprecated',
    why: 'no call blocks',
  }),
  'connections.max.idle.ms': int(0, 0, largestInt, {
    unit: 'ms',
    doc: 'Closes connections that were not used for so long; 0 never does. 230000 if a bootstrap server has azure in its name.',
  }),
  'reconnect.backoff.ms': int(100, 0, 3_600_000, {
    unit: 'ms',
    doc: 'Wait before the second attempt to connect; doubles with every further one, plus or minus 20 %. 0 does not wait.',
  }),
  'reconnect.backoff.max.ms': int(10_000, 0, 3_600_000, {
    unit: 'ms',
    doc: 'Longest wait between attempts to connect.',
  }),
  'reconnect.backoff.jitter.ms': int(0, 0, 3_600_000, {
    unit: 'ms',
    doc: 'Once the spread of the wait between attempts to connect.',
    use: 'deprecated',
    why: 'the spread is a share of reconnect.backoff.ms',
  }),
  'max.in.flight.requests.per.connection': int(1_000_000, 1, 1_000_000, {
    aliases: ['max.in.flight'],
    doc: 'Requests on one connection that wait for an answer. 5 by default, and at most, with idempotence.',
  }),
  'receive.message.max.bytes': int(100_000_000, 1000, largestInt, {
    unit: 'bytes',
    doc: 'Largest answer that is read; guards against lengths that are garbage.',
  }),
  'api.version.request': flag(true, {
    doc: 'Asking brokers for the API versions they know.',
    use: 'deprecated',
    why: 'brokers are always asked',
  }),
  'api.version.request.timeout.ms': int(10_000, 1, 300_000, {
    unit: 'ms',
    doc: 'How long a broker may take to tell its API versions.',
  }),
  'api.version.fallback.ms': int(0, 0, 604_800_000, {
    unit: 'ms',
    doc: 'How long broker.version.fallback was to be used.',
    ...alwaysAsked,
  }),
  'broker.version.fallback': text('0.10.0', {
    doc: 'The version assumed of a broker that does not tell its own.',
    ...alwaysAsked,
  }),
  'enable.sparse.connections': flag(true, {
    hidden: true,
    doc: 'Connecting only to brokers that are needed.',
    use: 'native',
    why: 'only brokers that are needed are connected to',
  }),
  'metadata.recovery.strategy': choice('rebootstrap', ['none', 'rebootstrap'], {
    doc: 'Whether to start over from the bootstrap servers when no known broker can be reached.',
    use: 'unbuilt',
  }),
  'metadata.recovery.rebootstrap.trigger.ms': int(300_000, 0, largestInt, {
    unit: 'ms',
    doc: 'Time without metadata after which to start over from the bootstrap servers.',
    use: 'native',
    why: 'the bootstrap servers are asked as soon as no known broker can be reached',
  }),
  'metadata.request.timeout.ms': int(60_000, 10, 900_000, {
    unit: 'ms',
    hidden: true,
    doc: 'Once the time a metadata request was given.',
    use: 'deprecated',
    why: 'every request is given socket.timeout.ms',
  }),
  'topic.metadata.refresh.interval.ms': int(300_000, -1, 3_600_000, {
    unit: 'ms',
    doc: 'Metadata is refreshed this often; -1 refreshes it only where something went wrong.',
  }),
  'metadata.max.age.ms': int(900_000, 1, 86_400_000, {
    unit: 'ms',
    doc: 'Metadata is refreshed this often at least, unless topic.metadata.refresh.interval.ms is -1. By default three times that.',
  }),
  'topic.metadata.refresh.fast.interval.ms': int(100, 1, 60_000, {
    unit: 'ms',
    doc: 'First wait between refreshes while a topic or leader is missing or none succeeds; doubles with every further one, up to retry.backoff.max.ms. By default retry.backoff.ms.',
  }),
  'topic.metadata.refresh.fast.cnt': int(10, 0, 1000, {
    doc: 'Once the number of refreshes while a leader is missing.',
    use: 'deprecated',
    why: 'refreshes go on until there is a leader',
  }),
  'topic.metadata.refresh.sparse': flag(true, {
    doc: 'Metadata of the topics in use only, not of all there are.',
    use: 'native',
    why: 'brokers are never asked for other topics than those in use',
  }),
  'topic.metadata.propagation.max.ms': int(30_000, 0, 3_600_000, {
    unit: 'ms',
    doc: 'How long a topic may be missing before it counts as one that does not exist; that is remembered until the next refresh.',
  }),
  'topic.blacklist': text(null, {
    doc: 'Regular expressions with commas between them. A topic is treated as one that does not exist if one of them matches a part of its name.',
  }),
  'allow.auto.create.topics': flag(true, {
    doc: 'Brokers may create a topic that is asked for, if they are set up to.',
    differs: {
      librdkafka: false,
      reason: 'the manual says false, which is for consumers: a librdkafka producer that does not set it gets true',
    },
  }),
}
