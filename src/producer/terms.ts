// The topic properties that a view works with.

import { deriveProfile, type ProducerConfig, type TopicProfile } from './config/config.ts'
import type { ConfigWarning } from './config/findings.ts'
import type { TopicConfig } from './config/properties.ts'
import type { PreparedMessage } from './message.ts'

/** A message with the terms it is to be sent on. */
export interface Held {
  readonly message: PreparedMessage
  readonly terms: Terms
}

/** The topic properties that a view puts over those of the topic itself. */
export class Terms {
  readonly #config: ProducerConfig
  readonly #overrides: TopicConfig | null
  readonly #derived = new Map<TopicProfile, TopicProfile>()

  constructor(config: ProducerConfig, overrides: TopicConfig | null) {
    this.#config = config
    this.#overrides = overrides
  }

  profile(base: TopicProfile): TopicProfile {
    if (this.#overrides === null) return base
    let derived = this.#derived.get(base)
    if (derived === undefined) {
      derived = deriveProfile(base, this.#overrides, this.#config)
      this.#derived.set(base, derived)
    }
    return derived
  }

  /** These and then others over them; says which of those have no effect. Throws ConfigError for what may not be. */
  with(overrides: TopicConfig, warn: (warning: ConfigWarning) => void): Terms {
    const both = { ...this.#overrides, ...overrides }
    deriveProfile(this.#config.profile, both, this.#config, warning => {
      if (Object.hasOwn(overrides, warning.property)) warn(warning)
    })
    return new Terms(this.#config, both)
  }
}
