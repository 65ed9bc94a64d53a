// What vitest expects of Node 22 and newer and the oldest Node of this package lacks: without it, a failing test would
// bring down the reporter that is about to tell of it.

type Groups = Record<PropertyKey, unknown[]>

function define(target: object, name: string, value: unknown): void {
  if (!(name in target)) Object.defineProperty(target, name, { value, configurable: true, writable: true })
}

define(Map, 'groupBy', (items: Iterable<unknown>, keyOf: (item: unknown, index: number) => unknown) => {
  const groups = new Map<unknown, unknown[]>()
  let index = 0
  for (const item of items) {
    const key = keyOf(item, index++)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
})

define(Object, 'groupBy', (items: Iterable<unknown>, keyOf: (item: unknown, index: number) => PropertyKey) => {
  const groups: Groups = Object.create(null) as Groups
  let index = 0
  for (const item of items) {
    const key = keyOf(item, index++)
    groups[key] ??= []
    groups[key].push(item)
  }
  return groups
})

define(Promise, 'withResolvers', () => {
  let resolve: (value: unknown) => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<unknown>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
})
