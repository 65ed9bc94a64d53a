// The client as a whole: its name, its log, its statistics, and what only a C library has.

import { flag, int, largestInt, pointer, text, words } from '../property.ts'

const softwareName = {
  hidden: true,
  pattern: /^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$/,
  allowed: 'letters, digits, dots and dashes, with a letter or digit at both ends',
} as const

// Source: librdkafka `debug`.
const debugContexts = [
  ...['generic', 'broker', 'topic', 'metadata', 'feature', 'queue', 'msg', 'protocol', 'cgrp', 'security', 'fetch'],
  ...['interceptor', 'plugin', 'consumer', 'admin', 'eos', 'mock', 'assignor', 'conf', 'telemetry', 'all'],
]

const nothingLogged = { use: 'native', why: 'nothing is logged: listen to events' } as const
const transport = { use: 'refused', why: 'give the option transport' } as const

export const clientProperties = {
  'client.id': text('odradek', {
    doc: 'The name in every request; brokers log it and count quotas by it.',
    differs: { librdkafka: 'rdkafka', reason: 'a broker log should name the client that is really there' },
  }),
  'client.software.name': text('odradek', { ...softwareName, doc: 'The name of this library as brokers see it.' }),
  'client.software.version': text('0.1.0', { ...softwareName, doc: 'The version of this library as brokers see it.' }),
  'client.rack': text(null, {
    doc: 'Where this client runs.',
    use: 'accepted',
    why: 'producing does not depend on it',
  }),
  'statistics.interval.ms': int(0, 0, 86_400_000, {
    unit: 'ms',
    doc: 'How often the event statistics.emitted comes, in whole seconds; 0 never.',
    use: 'unbuilt',
  }),
  'enable.metrics.push': flag(true, {
    doc: 'Sending metrics to brokers that ask for them (KIP-714).',
    use: 'accepted',
    why: 'no metrics are sent: brokers that ask for them go without',
  }),
  debug: words(debugContexts, {
    doc: 'What to log in detail.',
    ...nothingLogged,
  }),
  log_level: int(6, 0, 7, {
    doc: 'The least severe level to log, as in syslog: 3 error, 4 warn, 6 info, 7 debug.',
    ...nothingLogged,
  }),
  'log.connection.close': flag(true, {
    doc: 'Log connections that brokers close.',
    use: 'native',
    why: 'nothing is logged: listen to the event broker.disconnected',
  }),
  'log.queue': flag(false, {
    doc: 'Log lines through the queue that the application polls.',
    use: 'native',
    why: 'there is no queue to poll, and nothing is logged: listen to events',
  }),
  'log.thread.name': flag(true, {
    doc: 'The name of the thread in log lines.',
    use: 'native',
    why: 'there is one thread',
  }),
  'builtin.features': text(null, {
    doc: 'What the C library was built with.',
    use: 'native',
    why: 'it describes a build of the C library',
  }),
  'enable.random.seed': flag(true, {
    doc: 'Seeding the random numbers of C.',
    use: 'native',
    why: 'random numbers come from the runtime',
  }),
  enabled_events: int(0, 0, largestInt, {
    doc: "Which events of the C library's event queue to build.",
    use: 'native',
    why: 'an event is built if somebody listens to it',
  }),
  'internal.termination.signal': int(0, 0, 128, {
    doc: 'The signal that wakes native threads.',
    use: 'native',
    why: 'there are no threads to wake',
  }),
  enable_sasl_queue: flag(false, {
    hidden: true,
    doc: 'A queue of its own for SASL callbacks.',
    use: 'native',
    why: 'there is no queue to poll',
  }),
  'plugin.library.paths': text(null, {
    doc: 'Native libraries to load.',
    use: 'native',
    why: 'native libraries are not loaded',
  }),
  'test.mock.num.brokers': int(0, 0, 10_000, {
    hidden: true,
    doc: 'Brokers of a built-in mock cluster.',
    use: 'refused',
    why: 'start a MockCluster (odradek/mock) and give its bootstrapServers',
  }),
  'test.mock.broker.rtt': int(0, 0, 3_600_000, {
    unit: 'ms',
    hidden: true,
    doc: 'Delay of the answers of a built-in mock cluster.',
    use: 'refused',
    why: 'start a MockCluster (odradek/mock) and slow it down there',
  }),
  interceptors: pointer({ doc: 'A chain of hooks.', use: 'refused', why: 'use producer.use(fn) and events' }),
  error_cb: pointer({ doc: 'Called with errors.', use: 'refused', why: 'listen to the event error.occurred' }),
  throttle_cb: pointer({ doc: 'Called when throttled.', use: 'refused', why: 'listen to the event throttled' }),
  stats_cb: pointer({ doc: 'Called with statistics.', use: 'refused', why: 'listen to statistics.emitted' }),
  log_cb: pointer({ doc: 'Called with log lines.', use: 'refused', why: 'listen to events' }),
  socket_cb: pointer({ doc: 'Makes sockets.', ...transport }),
  connect_cb: pointer({ doc: 'Connects sockets.', ...transport }),
  resolve_cb: pointer({ doc: 'Resolves names.', ...transport }),
  closesocket_cb: pointer({ doc: 'Closes sockets.', use: 'native', why: 'a transport closes its own sockets' }),
  open_cb: pointer({ doc: 'Opens files.', use: 'native', why: 'nothing is opened through it' }),
  background_event_cb: pointer({
    doc: 'Called with events on a thread of its own.',
    use: 'native',
    why: 'there is one thread: listen to events',
  }),
  opaque: pointer({ doc: 'Handed to callbacks.', use: 'refused', why: 'give a message its opaque' }),
  default_topic_conf: pointer({
    doc: 'Properties of topics that have none of their own.',
    use: 'refused',
    why: 'give topic properties to the producer: they are the defaults of every topic',
  }),
  ut_handle_ProduceResponse: pointer({
    hidden: true,
    doc: "A hook of the C library's own tests.",
    use: 'refused',
    why: 'use the fault verbs of a MockCluster (odradek/mock)',
  }),
}
