/** How a client's driver is started, without its job's arguments; or, in words, why it cannot be. */
export type Program = { readonly command: readonly [program: string, ...args: string[]] } | { readonly missing: string }

/** Prepares the drivers of these clients, by their program's name, each only when missing or stale. */
export function preparePrograms<Name extends ProgramName>(
  names: readonly Name[],
  log: (line: string) => void,
): Promise<Readonly<Record<Name, Program>>>

export type ProgramName = 'odradek' | 'kafkajs' | 'platformatic' | 'node-rdkafka' | 'librdkafka' | 'franz-go' | 'java'
