// A life cycle as a table: from each state, the states that may follow. One method moves, and it checks.

export interface StateMachine<State extends string> {
  readonly state: State
  /** Moves to `next`; throws a plain Error when the table does not allow it, which is a bug of ours. */
  to(next: State): void
  /** Whether the table allows `next` from here. */
  can(next: State): boolean
  /** Whether the present state is one of these. */
  is(...states: State[]): boolean
}

export function stateMachine<State extends string>(
  name: string,
  table: Readonly<Record<State, readonly NoInfer<State>[]>>,
  initial: NoInfer<State>,
): StateMachine<State> {
  // A plain field, no getter: the producer looks at its state with every message.
  const machine = {
    state: initial as State,
    can: (next: State) => table[machine.state].includes(next),
    is: (...states: State[]) => states.includes(machine.state),
    to(next: State) {
      if (!machine.can(next)) throw new Error(`${name}: no way from ${machine.state} to ${next}`)
      machine.state = next
    },
  }
  return machine
}
