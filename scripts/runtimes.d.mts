/** Resolves with the program's path, fetched once; with null and the reason on the console where it cannot be had. */
export function runtime(title: 'Node 20' | 'Node 22' | 'Node 24' | 'Bun' | 'Deno'): Promise<string | null>
