// The topic properties that a view works with.

import { deriveProfile, type ProducerConfig, type TopicProfile } from './config/config.ts'
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

  /** Throws ConfigError for overrides that may not be. */
  constructor(config: ProducerConfig, overrides: TopicConfig | null) {
    this.#config = config
    this.#overrides = overrides
    this.profile(config.profile)
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

  /** These and then others over them. */
  with(overrides: TopicConfig): Terms {
    return new Terms(this.#config, { ...this.#overrides, ...overrides })
  }
}
