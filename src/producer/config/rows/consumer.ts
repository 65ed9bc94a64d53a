// Properties that only a consumer reads. A configuration shared with one is accepted; each of these gets a warning.

// Source: librdkafka CONFIGURATION.md, the rows marked C.
export const consumerProperties: ReadonlySet<string> = new Set([
  ...['group.id', 'group.instance.id', 'group.protocol', 'group.protocol.type', 'group.remote.assignor'],
  ...['partition.assignment.strategy', 'session.timeout.ms', 'heartbeat.interval.ms', 'max.poll.interval.ms'],
  ...['coordinator.query.interval.ms', 'enable.auto.commit', 'auto.commit.enable', 'auto.commit.interval.ms'],
  ...['enable.auto.offset.store', 'queued.min.messages', 'queued.max.messages.kbytes', 'fetch.wait.max.ms'],
  ...['fetch.queue.backoff.ms', 'fetch.message.max.bytes', 'max.partition.fetch.bytes', 'fetch.max.bytes'],
  ...['fetch.min.bytes', 'fetch.error.backoff.ms', 'offset.store.method', 'offset.store.path'],
  ...['offset.store.sync.interval.ms', 'isolation.level', 'consume_cb', 'rebalance_cb', 'offset_commit_cb'],
  ...['enable.partition.eof', 'check.crcs', 'auto.offset.reset', 'consume.callback.max.messages'],
])
