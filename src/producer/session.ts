// Everything between the first use of a producer and its disconnection: the queue, the cluster, and what joins them.

import type { Clock } from '../clock.ts'
import { formatAddress } from '../cluster/addresses.ts'
import { BrokerPool } from '../cluster/broker-pool.ts'
import { Metadata } from '../cluster/metadata.ts'
import { nodeTransport } from '../cluster/node-transport.ts'
import type { ClusterSnapshot } from '../cluster/snapshot.ts'
import {
  AuthenticationError,
  ConnectionError,
  FatalError,
  type KafkaError,
  ProtocolError,
  UnknownTopicError,
} from '../errors.ts'
import { Accumulator } from './accumulator.ts'
import type { Batch } from './batch.ts'
import type { ProducerConfig, TopicProfile } from './config/config.ts'
import { topicBlacklist } from './config/topic-blacklist.ts'
import type { Events } from './events.ts'
import { Idempotence } from './idempotence.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { DeliveryReport } from './report.ts'
import type { Security } from './security.ts'
import { Sender } from './sender.ts'
import { Settlement } from './settlement.ts'
import { finalTopicCodes, Topics, topicFault } from './topics.ts'

export interface SessionOptions {
  readonly config: ProducerConfig
  readonly security: Security
  readonly clock: Clock
  readonly random: () => number
  readonly events: Events
  /** What holds for a topic by itself. */
  readonly profileOf: (topic: string) => TopicProfile
  readonly on: {
    /** Brokers and topics are known for the first time. */
    connected(): void
    /** What waited for its topic to become known may have found its partition. */
    updated(): void
    published(batch: Batch): void
    reports(failed: boolean): ((report: DeliveryReport) => void) | null
    fatal(error: FatalError): void
  }
}

/** What a producer asks of its session. `RecordingProducer` has one that is none of a cluster's. */
export type OpenSession = Pick<Session, 'accumulator' | 'calledAt' | 'lastFault' | 'prepared' | 'purge' | 'stop'> & {
  readonly sender: Pick<Sender, 'inFlight'>
  readonly metadata: Pick<Metadata, 'next'>
}

export class Session {
  readonly accumulator: Accumulator
  readonly sender: Sender
  readonly metadata: Metadata
  /** When the call that is being served was made (monotonic milliseconds). */
  calledAt = 0
  /** What last stood in the way of knowing the cluster. */
  lastFault: KafkaError | undefined
  readonly #options: SessionOptions
  readonly #pool: BrokerPool
  readonly #settlement: Settlement
  readonly #idempotence: Idempotence | null
  readonly #topics: Topics
  #connected = false

  constructor(options: SessionOptions) {
    const { config, security, clock, random, events, on } = options
    const { properties } = config
    this.#options = options
    const hidden = topicBlacklist(properties['topic.blacklist'])
    const retryBackoffMs = properties['retry.backoff.ms']
    const retryBackoffMaxMs = properties['retry.backoff.max.ms']
    this.#settlement = new Settlement({
      published: batch => on.published(batch),
      reports: failed => on.reports(failed),
    })
    this.accumulator = new Accumulator(
      {
        lingerMs: properties['queue.buffering.max.ms'],
        maxRecords: properties['batch.num.messages'],
        maxBatchBytes: Math.min(properties['batch.size'], properties['message.max.bytes']),
      },
      clock,
      topic => {
        if (hidden(topic)) throw new UnknownTopicError(topic, `topic '${topic}' is hidden by topic.blacklist`)
        return options.profileOf(topic)
      },
      {
        random,
        now: () => this.calledAt,
        stickyLingerMs: properties['sticky.partitioning.linger.ms'],
        batchSizeBytes: properties['batch.size'],
        nullKey: config.options.nullKey ?? 'refuse',
      },
      {
        topicAdded: topic => this.metadata.want(topic),
        opened: () => this.sender.arm(),
        held: () => this.metadata.refresh(),
        sealed: (queue, batch) => this.sender.sealed(queue, batch),
        due: queue => this.sender.due(queue),
        awaited: queue => this.sender.awaited(queue),
      },
    )
    this.#pool = new BrokerPool({
      bootstrapServers: config.bootstrapServers,
      connection: {
        clientId: properties['client.id'],
        transport:
          config.options.transport ??
          nodeTransport({
            family: properties['broker.address.family'],
            keepAlive: properties['socket.keepalive.enable'],
            noDelay: properties['socket.nagle.disable'],
          }),
        clock,
        tls: security.tls,
        authenticate: security.authenticate,
        setupTimeoutMs: properties['socket.connection.setup.timeout.ms'],
        apiVersionTimeoutMs: properties['api.version.request.timeout.ms'],
        maxResponseBytes: properties['receive.message.max.bytes'],
        maxTimeouts: properties['socket.max.fails'],
        softwareName: properties['client.software.name'],
        softwareVersion: properties['client.software.version'],
      },
      random,
      reconnectBackoffMs: properties['reconnect.backoff.ms'],
      reconnectBackoffMaxMs: properties['reconnect.backoff.max.ms'],
      connectionsMaxIdleMs: properties['connections.max.idle.ms'],
      on: {
        ready: nodeId => this.sender.available(nodeId),
        drained: nodeId => this.sender.available(nodeId),
        connected: ({ host, port }) => events.emit('broker.connected', { broker: formatAddress(host, port) }),
        disconnected: ({ nodeId, host, port }, error) => {
          // What waited for a pause or a full socket to end will not hear of it any more.
          this.sender.available(nodeId)
          const broker = formatAddress(host, port)
          events.emit('broker.disconnected', { broker, ...(error === undefined ? {} : { error }) })
          if (error === undefined) return
          this.#blame(error, ({ leader }) => leader >= 0 && leader === nodeId)
          // A leader that cannot be reached may lead no more; with acks 0 this is all that it says about it.
          this.metadata.refresh()
        },
        throttled: ({ host, port }, ms) => events.emit('throttled', { broker: formatAddress(host, port), ms }),
      },
    })
    this.metadata = new Metadata({
      pool: this.#pool,
      clock,
      random,
      refreshIntervalMs: properties['topic.metadata.refresh.interval.ms'],
      maxAgeMs: properties['metadata.max.age.ms'],
      retryBackoffMs: properties['topic.metadata.refresh.fast.interval.ms'],
      retryBackoffMaxMs: Math.max(properties['topic.metadata.refresh.fast.interval.ms'], retryBackoffMaxMs),
      requestTimeoutMs: properties['socket.timeout.ms'],
      allowAutoTopicCreation: properties['allow.auto.create.topics'],
      on: { updated: snapshot => this.#updated(snapshot), failed: error => this.#metadataFailed(error) },
    })
    this.#idempotence = properties['enable.idempotence']
      ? new Idempotence({
          pool: this.#pool,
          clock,
          random,
          requestTimeoutMs: properties['socket.timeout.ms'],
          retryBackoffMs,
          retryBackoffMaxMs,
          on: {
            ready: () => this.sender.available(),
            failed: error => this.#hindered('idempotence', error),
            fatal: error => this.#fatal(error),
          },
        })
      : null
    this.sender = new Sender({
      limits: {
        maxInFlight: properties['max.in.flight.requests.per.connection'],
        maxRequestBytes: properties['max.request.size'],
        maxRetries: properties['message.send.max.retries'],
        retryBackoffMs,
        retryBackoffMaxMs,
        socketTimeoutMs: properties['socket.timeout.ms'],
      },
      clock,
      random,
      accumulator: this.accumulator,
      pool: this.#pool,
      metadata: this.metadata,
      settlement: this.#settlement,
      codecs: config.options.codecs ?? {},
      idempotence: this.#idempotence,
      fatal: error => this.#fatal(error),
    })
    this.#topics = new Topics({
      accumulator: this.accumulator,
      metadata: this.metadata,
      settlement: this.#settlement,
      idempotence: this.#idempotence,
      clock,
      graceMs: properties['topic.metadata.propagation.max.ms'],
      fail: (queue, batch, error) => this.#fail(queue, batch, error),
    })
    for (const topic of config.options.topics ?? []) if (!hidden(topic)) this.accumulator.topic(topic)
    this.metadata.refresh()
  }

  /** Resolves once the cluster and all of `topics` are known; rejects with the fault of the broker or topic. */
  async prepared(topics: readonly string[]): Promise<void> {
    for (;;) {
      for (const topic of topics) this.accumulator.topic(topic)
      const snapshot = await this.metadata.next()
      const faulty = topics.find(topic => snapshot.topics.get(topic)?.partitions.length === 0)
      const open = topics.find(topic => snapshot.topics.get(topic) === undefined)
      const errorCode = faulty === undefined ? 0 : (snapshot.topics.get(faulty)?.errorCode ?? 0)
      if (faulty !== undefined) {
        this.lastFault = topicFault(faulty, errorCode)
        if (finalTopicCodes.has(errorCode) || this.accumulator.topics.get(faulty)?.missing) throw this.lastFault
      } else if (open === undefined) return
    }
  }

  /** Gives up queued messages, those in flight, or both; says how many. */
  purge(queued: boolean, inFlight: boolean): number {
    let count = 0
    this.#endAll(
      batch => (batch.state === 'inFlight' ? inFlight : queued),
      (queue, batch) => {
        count += batch.count
        this.sender.forsake(batch)
        this.#settlement.purge(queue, batch)
      },
    )
    return count
  }

  /** Fails everything that is queued. */
  failAll(error: KafkaError): void {
    this.#endAll(
      () => true,
      (queue, batch) => this.#fail(queue, batch, error),
    )
  }

  /** Closes every connection and ends every timer. */
  stop(): void {
    this.sender.stop()
    this.#idempotence?.stop()
    this.metadata.stop()
    this.#pool.close()
  }

  #fail(queue: PartitionQueue, batch: Batch, error: KafkaError): void {
    this.sender.forsake(batch)
    this.#settlement.fail(queue, batch, error)
  }

  #endAll(which: (batch: Batch) => boolean, end: (queue: PartitionQueue, batch: Batch) => void): void {
    // A listener that hears of one batch may end others.
    for (const { queue, batch } of [...this.accumulator.alive()]) {
      if (batch.state !== 'done' && which(batch)) end(queue, batch)
    }
  }

  #updated(snapshot: ClusterSnapshot): void {
    this.#options.events.emit('metadata.updated', { version: snapshot.version })
    this.#topics.updated(snapshot)
    this.accumulator.chunks.endPeriod()
    if (!this.#connected) {
      this.#connected = true
      this.#options.on.connected()
    }
    this.#options.on.updated()
    if (this.#isWaiting()) this.metadata.refresh()
    this.sender.wake()
  }

  #metadataFailed(error: KafkaError): void {
    this.lastFault = error
    const everywhere =
      (error instanceof AuthenticationError && !error.retriable) ||
      (error instanceof ProtocolError && !error.retriable) ||
      (error instanceof ConnectionError && error.code === -181)
    this.#hindered('metadata', error)
    if (everywhere && !this.#connected) this.failAll(error)
  }

  #hindered(type: string, error: KafkaError): void {
    this.#options.events.emit('error.occurred', { type, error })
    this.#blame(error, () => true)
  }

  // What waits in these queues waits because of this.
  #blame(error: KafkaError, of: (queue: PartitionQueue) => boolean): void {
    for (const { queue } of this.accumulator.alive()) if (of(queue)) queue.lastError = error
  }

  #fatal(cause: KafkaError): void {
    const error = new FatalError(`the producer cannot go on: ${cause.message}`, { cause })
    this.#options.on.fatal(error)
    this.failAll(error)
    this.stop()
  }

  // Something is queued for which there is no leader.
  #isWaiting(): boolean {
    for (const { holder, partitions } of this.accumulator.topics.values()) {
      if (holder.batches.size > 0) return true
      for (const { leader, waiting } of partitions) if (leader < 0 && waiting) return true
    }
    return false
  }
}
