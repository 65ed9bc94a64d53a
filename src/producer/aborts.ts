// What is to run when a signal aborts. One listener per signal serves all calls: a signal looks through its listeners
// for each one that is added, and Node takes many of them for a leak.

interface Listening {
  readonly fns: Set<() => void>
  readonly listener: () => void
}

const listeningTo = new WeakMap<AbortSignal, Listening>()

/** Runs `fn` when the signal aborts, unless the function that is returned was called before. */
export function onAbort(signal: AbortSignal, fn: () => void): () => void {
  const { fns, listener } = listeningTo.get(signal) ?? listen(signal)
  fns.add(fn)
  return () => {
    if (!fns.delete(fn) || fns.size > 0) return
    listeningTo.delete(signal)
    signal.removeEventListener('abort', listener)
  }
}

function listen(signal: AbortSignal): Listening {
  const fns = new Set<() => void>()
  const listener = (): void => {
    for (const fn of fns) fn()
  }
  const listening = { fns, listener }
  listeningTo.set(signal, listening)
  signal.addEventListener('abort', listener)
  return listening
}
