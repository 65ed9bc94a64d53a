// From what a user wrote to what the producer runs on. Everything is checked here, before anything connects.

import { codecUnavailable as builtInUnavailable, type CodecName } from '../../compression/codecs.ts'
import { ConfigError } from '../../errors.ts'
import type { PartitionerFunction } from '../../partitioners/partitioner.ts'
import type { PartitionerName } from '../../partitioners/partitioners.ts'
import { parseServers, type ServerAddress } from './bootstrap.ts'
import { type ConfigWarning, Findings, mask } from './findings.ts'
import { type PlugIns, plugIns } from './options.ts'
import {
  defaultsOf,
  type GlobalProperties,
  globalProperties,
  type PropertyOptions,
  producerNames,
  type TopicConfig,
  topicNames,
} from './properties.ts'
import { consumerProperties } from './rows/consumer.ts'
import { topicProperties } from './rows/topic.ts'
import { checkTimeouts, rules } from './rules.ts'
import { securityRules } from './security-rules.ts'
import { suggest } from './suggest.ts'

/** What `new Producer()` takes: librdkafka's properties by any of their names, and camelCase options. */
export interface ProducerOptions extends PropertyOptions, PlugIns {}

/** The topic properties that hold for a message. Frozen; equal ones are mostly the same object. */
export interface TopicProfile {
  readonly 'request.required.acks': number
  readonly 'request.timeout.ms': number
  readonly 'message.timeout.ms': number
  readonly 'compression.codec': CodecName | 'none'
  readonly 'compression.level': number
  readonly partitioner: PartitionerName | PartitionerFunction
}

export interface ProducerConfig {
  /** Every global property under its canonical name, given or default. */
  readonly properties: GlobalProperties
  /** The topic properties of messages whose topic has none of its own. */
  readonly profile: TopicProfile
  readonly bootstrapServers: readonly ServerAddress[]
  /** Canonical names of what the user gave. */
  readonly given: ReadonlySet<string>
  readonly warnings: readonly ConfigWarning[]
  readonly options: PlugIns
  /** Why a codec cannot be used here, or null. */
  readonly codecUnavailable: (codec: CodecName) => string | null
}

/**
 * Checks `options` and completes them. `codecUnavailable` says why a codec cannot be used on this runtime, or null.
 * @throws {ConfigError} that names everything that is wrong; `property`, `value` and `allowed` are those of the first.
 */
export function resolveConfig(
  options: ProducerOptions,
  codecUnavailable: ProducerConfig['codecUnavailable'] = builtInUnavailable,
): ProducerConfig {
  const findings = new Findings()
  const global = defaultsOf(globalProperties)
  const topic = defaultsOf(topicProperties)
  const plugged: Record<string, unknown> = {}
  for (const [name, written] of entriesOf(options, 'options')) {
    const named = producerNames.get(name)
    if (named !== undefined) findings.read(named, name, written, named.scope === 'global' ? global : topic)
    else if (Object.hasOwn(plugIns, name)) readPlugIn(name as keyof PlugIns, written, plugged, findings)
    else if (consumerProperties.has(name)) findings.warn(name, 'has no effect: only consumers read it')
    else unknownName(name, written, [...producerNames.keys(), ...Object.keys(plugIns)], findings)
  }
  for (const rule of rules) rule.apply({ global, topic, findings })
  for (const rule of securityRules) rule.apply({ global, options: plugged, findings })
  const given = new Set(findings.given.keys())
  const unavailable = (codec: CodecName) =>
    Object.hasOwn(plugged.codecs ?? {}, codec) ? null : codecUnavailable(codec)
  checkCodec(global['compression.codec'], unavailable, findings)
  findings.throwFaults()
  return Object.freeze({
    properties: Object.freeze(global),
    profile: profileOf(topic, global['compression.codec']),
    bootstrapServers: Object.freeze(parseServers(global['metadata.broker.list']) ?? []),
    given,
    warnings: Object.freeze(findings.warnings),
    options: Object.freeze(plugged),
    codecUnavailable: unavailable,
  })
}

/**
 * `base` with other topic properties; `base` itself when nothing differs. `warn` is called for properties without effect.
 * @throws {ConfigError} as `resolveConfig`, and for `acks` where the producer is idempotent.
 */
export function deriveProfile(
  base: TopicProfile,
  overrides: TopicConfig,
  config: ProducerConfig,
  warn?: (warning: ConfigWarning) => void,
): TopicProfile {
  const findings = new Findings()
  const topic = { ...defaultsOf(topicProperties), ...base }
  for (const [name, written] of entriesOf(overrides, 'topicConfig')) {
    const named = topicNames.get(name)
    const elsewhere = producerNames.get(name)
    if (named !== undefined) findings.read(named, name, written, topic)
    else if (elsewhere !== undefined) {
      const value = elsewhere.property.secret ? mask : written
      findings.fault(name, value, 'nothing', 'is a property of the producer, not of a topic')
    } else unknownName(name, written, topicNames.keys(), findings)
  }
  const acks = findings.given.get('request.required.acks')
  if (acks !== undefined && config.properties['enable.idempotence']) {
    findings.fault(
      acks,
      topic['request.required.acks'],
      'nothing',
      'an idempotent producer has the same acks, all, for every topic',
    )
  }
  if (findings.given.has('message.timeout.ms') || findings.given.has('request.timeout.ms')) {
    const isGiven = (property: string) => findings.given.has(property) || config.given.has(property)
    checkTimeouts(topic, config.properties['queue.buffering.max.ms'], findings, isGiven)
  }
  const profile = profileOf(topic, config.properties['compression.codec'])
  checkCodec(profile['compression.codec'], config.codecUnavailable, findings)
  findings.throwFaults()
  if (warn !== undefined) findings.warnings.forEach(warn)
  return sameProfile(profile, base) ? base : knownProfile(profile, config)
}

function entriesOf(options: unknown, name: string): [string, unknown][] {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError(name, options, 'an object', `${name}: expected an object`)
  }
  return Object.entries(options).filter(([, written]) => written !== undefined)
}

function readPlugIn(name: keyof PlugIns, written: unknown, plugged: Record<string, unknown>, findings: Findings): void {
  const { allowed, use, secret, accepts } = plugIns[name]
  if (use === 'unbuilt') findings.fault(name, written, 'nothing', 'is not built yet')
  else if (!accepts(written)) findings.fault(name, secret ? mask : written, allowed, `expected ${allowed}`)
  else plugged[name] = Array.isArray(written) ? Object.freeze([...written]) : written
}

function unknownName(name: string, written: unknown, known: Iterable<string>, findings: Findings): void {
  const better = suggest(name, known)
  const hint = better === undefined ? '' : `; did you mean ${better}?`
  const isSecret =
    producerNames.get(better ?? '')?.property.secret ||
    typeof written === 'object' || // such as { username, password }
    /pass|secret|key|token|jaas|credential|auth|connection/i.test(name)
  findings.fault(name, isSecret ? mask : written, better ?? 'nothing', `there is no such property${hint}`)
}

function checkCodec(
  codec: CodecName | 'none',
  unavailable: ProducerConfig['codecUnavailable'],
  findings: Findings,
): void {
  const reason = codec === 'none' ? null : unavailable(codec)
  if (reason === null) return
  findings.fault(findings.given.get('compression.codec') ?? 'compression.codec', codec, 'another codec', reason)
}

function profileOf(
  topic: Omit<TopicProfile, 'compression.codec'> & { readonly 'compression.codec': CodecName | 'none' | 'inherit' },
  producerCodec: CodecName | 'none',
): TopicProfile {
  const codec = topic['compression.codec']
  return Object.freeze({
    'request.required.acks': topic['request.required.acks'],
    'request.timeout.ms': topic['request.timeout.ms'],
    'message.timeout.ms': topic['message.timeout.ms'],
    'compression.codec': codec === 'inherit' ? producerCodec : codec,
    'compression.level': topic['compression.level'],
    partitioner: topic.partitioner,
  })
}

const profileKeys = Object.keys(profileOf(defaultsOf(topicProperties), 'none')) as (keyof TopicProfile)[]

const sameProfile = (a: TopicProfile, b: TopicProfile) => profileKeys.every(key => a[key] === b[key])

// Equal profiles share batches if they are the same object. A program that never stops making new ones is not remembered.
const knownProfiles = new WeakMap<ProducerConfig, TopicProfile[]>()
const mostKnownProfiles = 100

function knownProfile(profile: TopicProfile, config: ProducerConfig): TopicProfile {
  const known = knownProfiles.get(config) ?? [config.profile]
  knownProfiles.set(config, known)
  const same = known.find(other => sameProfile(other, profile))
  if (same !== undefined) return same
  if (known.length < mostKnownProfiles) known.push(profile)
  return profile
}
