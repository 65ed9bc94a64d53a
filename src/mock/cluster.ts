// The cluster as a test or a program has it in its hands: start and stop, what came in, what goes wrong, who leads.

import { systemClock } from '../clock.ts'
import type { Transport } from '../transport.ts'
import type { World } from './broker.ts'
import { type ControlFor, Controls } from './controls.ts'
import { TransactionCoordinator } from './coordinator.ts'
import { codeOf } from './endpoint.ts'
import { endpointsFor, type MockApiName } from './endpoints.ts'
import { Evidence } from './evidence.ts'
import { MemoryTransport } from './memory-transport.ts'
import { Nodes } from './nodes.ts'
import type { MockClusterOptions, MockTopicOptions } from './options.ts'
import type { PartitionFailure } from './partition-log.ts'
import { SaslAuthority } from './sasl-authority.ts'
import { type ConsumerGroup, Topology } from './topology.ts'
import type { CoordinatorKind } from './transaction-endpoints.ts'
import { newestRelease, OfferedVersions } from './versions.ts'

// Source: Kafka broker property `socket.request.max.bytes`.
const maxRequestBytes = 100 * 1024 * 1024

/** A Kafka cluster in this process, over TCP and in memory, that checks what a real one checks. */
export class MockCluster extends Evidence {
  /** Reaches the brokers in memory, at the addresses of `bootstrapServers`. */
  readonly transport: Transport
  readonly #topology: Topology
  readonly #transactions: TransactionCoordinator
  readonly #versions: OfferedVersions
  readonly #controls: Controls
  readonly #sasl: SaslAuthority | null
  readonly #nodes: Nodes
  #throttle: { readonly ms: number; readonly api: MockApiName | '*' } = { ms: 0, api: '*' }
  readonly #faults: unknown[] = []
  #stopped: Promise<void> | null = null

  private constructor(options: MockClusterOptions) {
    const { clock = systemClock, autoCreateTopics = false, defaultPartitions = 1, recordRequests = true } = options
    const topology = new Topology(options.clusterId ?? 'odradek-mock-cluster')
    const transactions = new TransactionCoordinator(topology, clock)
    super({ clock, topology, transactions })
    this.#topology = topology
    this.#transactions = transactions
    transactions.expired = () => this.changed()
    this.#versions = new OfferedVersions(options.kafkaVersion ?? newestRelease, options.like ?? null)
    for (const [api, range] of Object.entries(options.apiVersions ?? {})) {
      this.#versions.set(api as MockApiName, range ?? null)
    }
    const level = options.features?.['transaction.version']
    if (level !== undefined) this.#versions.transactionVersion = level
    const endpoints = endpointsFor({ autoCreateTopics, defaultPartitions })
    this.#controls = new Controls(Object.keys(endpoints))
    this.#sasl = options.sasl === undefined ? null : new SaslAuthority(options.sasl, clock)
    const world: World = {
      clock,
      topology,
      transactions,
      endpoints,
      versions: this.#versions,
      controls: this.#controls,
      sasl: this.#sasl,
      maxRequestBytes,
      received: request => {
        if (recordRequests) this.remember(request)
      },
      served: () => this.changed(),
      throttleMs: api => (this.#throttle.api === '*' || this.#throttle.api === api ? this.#throttle.ms : 0),
      failed: error => {
        this.#faults.push(error)
      },
    }
    const { transport = 'tcp', host = '127.0.0.1', ports = [], tls = null } = options
    this.#nodes = new Nodes({ transport, host, ports, tls }, world)
    this.transport = new MemoryTransport(clock, (host, port) => this.#nodes.at(host, port), tls !== null)
  }

  /** Resolves when all brokers take connections. Rejects if a port cannot be had, or with a TypeError on a bad option. */
  static async start(options: MockClusterOptions = {}): Promise<MockCluster> {
    const cluster = new MockCluster(options)
    try {
      for (let i = 0; i < (options.brokers ?? 1); i++) await cluster.addBroker()
    } catch (error) {
      await cluster.stop()
      throw error
    }
    for (const [name, { partitions = 1, topicId, config }] of Object.entries(options.topics ?? {})) {
      cluster.#topology.createTopic(name, partitions, config, topicId)
    }
    return cluster
  }

  /** `host:port` of every broker, separated by commas. */
  get bootstrapServers(): string {
    return [...this.#topology.brokers.values()].map(({ host, port }) => `${host}:${port}`).join()
  }

  /** How many clients are connected now. */
  get connections(): number {
    return this.#nodes.brokers.reduce((sum, { connections }) => sum + connections, 0)
  }

  /**
   * Resolves when all sockets and timers are gone. Rejects with what a control function has thrown, if one has.
   * A second call gives the first one's promise.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    this.#transactions.stop()
    await this.#nodes.removeAll()
    if (this.#faults.length > 0) throw this.#faults[0]
  }

  // What goes wrong

  /**
   * Puts `fn` between the requests of an API (`*`: all) and the brokers. It is gone after `times` verdicts, 1 if not given;
   * `undefined` is none. Controls are asked in the order in which they were added. The returned function removes it.
   */
  control<Name extends MockApiName>(
    api: Name | '*',
    fn: ControlFor<Name>,
    { times = 1 }: { readonly times?: number } = {},
  ): () => void {
    return this.#controls.add(api, fn, times)
  }

  /** Answers the next requests of an API with these errors, one each. `_TRANSPORT` closes the connection instead. */
  failNext(api: MockApiName, ...errors: string[]): void {
    for (const error of errors) this.#fail(api, error, undefined)
  }

  /** As `failNext`, for requests to one broker. */
  failNextOn(broker: number, api: MockApiName, ...errors: string[]): void {
    this.#nodes.broker(broker)
    for (const error of errors) this.#fail(api, error, broker)
  }

  #fail(api: MockApiName, error: string, broker: number | undefined): void {
    const verdict = error === '_TRANSPORT' ? { drop: true as const } : { error }
    if ('error' in verdict) codeOf(error)
    this.#controls.add(api, (_request, at) => (broker === undefined || at.broker === broker ? verdict : undefined), 1)
  }

  /** Refuses the next batches for one partition with these errors, one each. */
  failPartition(topic: string, partition: number, ...errors: string[]): void {
    const log = this.partition(topic, partition)
    for (const error of errors) log.failures.push({ errorCode: codeOf(error) })
  }

  /** Refuses the next batch for a partition and names records in it as the reason. Source: KIP-467. */
  perRecordErrors(
    topic: string,
    partition: number,
    records: readonly { readonly index: number; readonly message?: string }[],
    { error = 'INVALID_RECORD', message }: { readonly error?: string; readonly message?: string } = {},
  ): void {
    const failure: PartitionFailure = {
      errorCode: codeOf(error),
      errorMessage: message ?? null,
      recordErrors: records.map(({ index, message = null }) => ({
        batchIndex: index,
        batchIndexErrorMessage: message,
      })),
    }
    this.partition(topic, partition).failures.push(failure)
  }

  /** Closes the connection at the next request of an API: unseen, or when its work is done but not answered. */
  disconnectNext(api: MockApiName, when: 'beforeProcessing' | 'afterProcessing' = 'beforeProcessing'): void {
    this.control(api, async (_request, { process }) => {
      if (when === 'afterProcessing') await process()
      return { drop: true }
    })
  }

  /** Never answers the next request of an API, nor what follows it on that connection. */
  hangNext(api: MockApiName): void {
    this.control(api, () => ({ hang: true }))
  }

  /** Delays the answers of all brokers, or of one, by so many milliseconds. Requests on their way overlap. */
  rtt(ms: number): void
  rtt(broker: number, ms: number): void
  rtt(first: number, ms?: number): void {
    const brokers = ms === undefined ? this.#nodes.brokers : [this.#nodes.broker(first)]
    for (const broker of brokers) broker.roundTripMs = ms ?? first
  }

  /** From now on every answer (of `api`, if given) throttles its client; 0 ends it. Source: KIP-219. */
  throttle(ms: number, { api = '*' }: { readonly api?: MockApiName | '*' } = {}): void {
    this.#throttle = { ms, api }
  }

  /** The next answers to Metadata show who led before the last change, 1 of them if not given. */
  staleMetadataOnce(times = 1): void {
    this.#topology.staleAnswers += times
  }

  /** The next answer to Metadata about this topic leaves the partition out. */
  omitPartitionOnce(topic: string, partition: number): void {
    this.partition(topic, partition)
    this.#topology.omitted.push({ topic, partition })
  }

  /** Forgets which sequences came, as after `producer.id.expiration.ms`; of all partitions if none is given. */
  expireProducerState(topic?: string, partition?: number): void {
    const topics = topic === undefined ? this.#topology.topics : [this.topic(topic)]
    const logs = topics.flatMap(({ partitions }) => partitions)
    for (const log of logs) if (partition === undefined || log.index === partition) log.forgetProducers()
  }

  /** Offers these versions of an API from now on, none with -1, -1; on all brokers if none is given. */
  setApiVersion(api: MockApiName, min: number, max: number, broker?: number): void {
    this.#versions.set(api, max < 0 ? null : { min, max }, broker)
  }

  // Who leads

  /** The broker that leads a partition, -1 if none does. */
  leader(topic: string, partition: number): number {
    return this.partition(topic, partition).leadership.leader
  }

  moveLeader(topic: string, partition: number, broker: number): void {
    this.#nodes.broker(broker)
    this.partition(topic, partition).lead(broker)
  }

  /** Nobody leads the partition until `moveLeader`. */
  leaderless(topic: string, partition: number): void {
    this.partition(topic, partition).lead(-1)
  }

  /** Makes a broker coordinate a group or a transactional id; the others say that they do not. */
  moveCoordinator(kind: CoordinatorKind, key: string, broker: number): void {
    this.#nodes.broker(broker)
    this.#topology.placeCoordinator(kind, key, broker)
  }

  /** Says who is in a consumer group: offsets that a transaction commits are compared with it. */
  setGroup(groupId: string, group: ConsumerGroup): void {
    this.#topology.groups.set(groupId, group)
  }

  /** Gives a user of the option `sasl` this password from now on, or takes the user away: null. */
  setUser(name: string, password: string | null): void {
    if (this.#sasl === null) throw new RangeError('there are no users: the cluster was started without sasl')
    this.#sasl.setUser(name, password)
  }

  /** Closes a broker's connections and takes no more. It goes on to be listed, and to lead what it leads. */
  brokerDown(id: number): void {
    void this.#nodes.down(id)
    this.#topology.down.add(id)
  }

  /** Resolves when the broker takes connections again, at the address that it had. */
  async brokerUp(id: number): Promise<void> {
    await this.#nodes.up(id)
    this.#topology.down.delete(id)
  }

  /** Resolves to the new broker's id, which no broker had before, when it takes connections. It leads nothing yet. */
  async addBroker(): Promise<number> {
    const { id, host, port } = await this.#nodes.add()
    this.#topology.brokers.set(id, { nodeId: id, host, port, rack: null })
    return id
  }

  /** Takes a broker out of the cluster: another one leads what it led. */
  async removeBroker(id: number): Promise<void> {
    const gone = this.#nodes.remove(id)
    this.#topology.removeBroker(id)
    await gone
  }

  /** Creates a topic; one of that name is replaced. */
  createTopic(name: string, { partitions = 1, topicId, config }: MockTopicOptions = {}): void {
    this.#topology.createTopic(name, partitions, config, topicId)
  }

  /** Gives a topic `count` more partitions. */
  addPartitions(topic: string, count: number): void {
    this.#topology.addPartitions(this.topic(topic), count)
  }

  /** Deletes a topic and creates it again: same name and configuration, empty, another id. */
  recreateTopic(topic: string, partitions?: number): void {
    const { name, config, partitions: old } = this.topic(topic)
    this.#topology.createTopic(name, partitions ?? old.length, config)
  }

  /** Moves the start of a log; the records before `offset` are gone. */
  deleteRecords(topic: string, partition: number, offset: bigint | number): void {
    this.partition(topic, partition).deleteRecordsBefore(Number(offset))
  }
}
