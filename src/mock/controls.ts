// Functions that a test puts between a request and the broker, and the queue in which they wait for theirs.

import type { MockApiName, MockRequest, MockResponse } from './endpoints.ts'

/**
 * What is to happen with a request: `respond` sends this instead of the broker's own answer, `error` answers with nothing
 * but that error (Kafka's name for it), `drop` closes the connection, `hang` never answers, nor what comes after it on
 * that connection. Nothing (`undefined`) leaves it to the next control and at last to the broker.
 */
export type ControlVerdict<Response = unknown> =
  | { readonly respond: Response }
  | { readonly error: string }
  | { readonly drop: true }
  | { readonly hang: true }
  | undefined

export interface ControlContext<Response = unknown> {
  readonly api: MockApiName
  readonly version: number
  /** The broker that was asked. */
  readonly broker: number
  readonly clientId: string | null
  /** Lets the broker do its work now and gives what it would answer. */
  process(): Promise<Response>
}

export type ControlFunction<Request = unknown, Response = unknown> = (
  request: Request,
  context: ControlContext<Response>,
) => ControlVerdict<Response> | Promise<ControlVerdict<Response>>

export type ControlFor<Name extends MockApiName> = ControlFunction<MockRequest<Name>, MockResponse<Name>>

interface Control {
  readonly api: MockApiName | '*'
  decide(request: unknown, context: ControlContext): ReturnType<ControlFunction>
  remaining: number
}

export class Controls {
  readonly #controls = new Set<Control>()
  readonly #apis: readonly string[]

  constructor(apis: readonly string[]) {
    this.#apis = apis
  }

  /** Adds one that is gone after `times` verdicts; the returned function takes it away before. */
  add<Name extends MockApiName>(api: Name | '*', fn: ControlFor<Name>, times: number): () => void {
    if (api !== '*' && !this.#apis.includes(api)) {
      throw new TypeError(`'${api}' is not an API of the mock, there are ${this.#apis.join(', ')}`)
    }
    const control: Control = {
      api,
      remaining: times,
      decide: (request, context) => fn(request as MockRequest<Name>, context as ControlContext<MockResponse<Name>>),
    }
    this.#controls.add(control)
    return () => {
      this.#controls.delete(control)
    }
  }

  /** The first verdict, in the order in which the controls were added. */
  async judge(request: unknown, context: ControlContext): Promise<ControlVerdict> {
    for (const control of [...this.#controls]) {
      if ((control.api !== '*' && control.api !== context.api) || control.remaining === 0) continue
      control.remaining-- // taken while it thinks, so that no other request gets it too
      const given = control.decide(request, context)
      // A verdict that is there at once is not awaited: the next request finds the control taken, or free again.
      const verdict = given instanceof Promise ? await given : given
      if (verdict === undefined) control.remaining++
      if (control.remaining === 0) this.#controls.delete(control)
      if (verdict !== undefined) return verdict
    }
    return undefined
  }
}
