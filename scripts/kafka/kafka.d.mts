/** A node of the cluster, broker and controller in one. */
export interface KafkaBroker {
  readonly id: number
  readonly port: number
  /** Ports of the further listeners, by name. */
  readonly listeners: Readonly<Record<string, number>>
  /** Of the running process, null while there is none. */
  readonly pid: number | null
  /** Where its partitions lie, one folder each. */
  readonly logDir: string
  /** Resolves when the broker takes requests and is part of the cluster. */
  start(): Promise<void>
  /** Stops it as an operator would, by force after 10 s; the data stays. */
  stop(): Promise<void>
  /** Sends a signal (SIGKILL if none is given) and waits for the end of the process, if the signal means that. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

export interface KafkaCluster {
  /** `host:port` of every broker, separated by commas. */
  readonly bootstrapServers: string
  readonly brokers: readonly KafkaBroker[]
  readonly runTool: typeof runTool
  /** By default one partition with a replica on every broker. */
  createTopic(
    name: string,
    partitions?: number,
    replication?: number,
    configs?: Readonly<Record<string, string | number | boolean>>,
  ): Promise<void>
  /** Ends every broker and removes the data. */
  stop(): Promise<void>
}

export interface KafkaOptions {
  /** 1 if not given. */
  brokers?: 1 | 3
  /** Lines for every broker's server.properties; they win over the defaults. */
  properties?: Readonly<Record<string, string | number | boolean>>
  /** System properties of the brokers' Java. */
  systemProperties?: Readonly<Record<string, string>>
  /** Further listeners of every broker, by name, each with its security protocol. They say they are on `localhost`. */
  listeners?: Readonly<Record<string, 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'>>
  /**
   * Gives every broker a second listener, which sends its clients to another port: called with the listener's port,
   * resolves with the one to be advertised. `bootstrapServers` stay those of the first listener.
   */
  proxy?: (port: number) => Promise<number>
  /** Called with what is going on, one line each. */
  log?: (line: string) => void
}

/**
 * Starts Apache Kafka in KRaft mode on free ports of 127.0.0.1, its data in the system's folder for temporary files.
 * Resolves when every broker takes requests. The brokers end with this process at the latest.
 */
export function startKafka(options?: KafkaOptions): Promise<KafkaCluster>

/** What this machine lacks to run Kafka, in words; null when nothing is missing. */
export function missingForKafka(): Promise<string | null>

/** The class path with Kafka and its tools. The first call fetches 54 MB. */
export function kafkaClassPath(log?: (line: string) => void): Promise<string>

/** Runs one of Kafka's own tools. Resolves with what it printed; rejects with that if it failed. */
export function runTool(mainClass: string, args: readonly string[], options?: { input?: string }): Promise<string>
