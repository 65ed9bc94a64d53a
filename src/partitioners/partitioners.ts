// The table of partitioners: a name is what the configuration property `partitioner` takes.

import { consistent } from './consistent.ts'
import { consistentRandom } from './consistent-random.ts'
import { fnv1a } from './fnv1a.ts'
import { fnv1aRandom } from './fnv1a-random.ts'
import { java } from './java.ts'
import { kafkajsLegacy } from './kafkajs-legacy.ts'
import { md5 } from './md5.ts'
import { murmur2 } from './murmur2.ts'
import { murmur2Random } from './murmur2-random.ts'
import type { PartitionerFactory } from './partitioner.ts'
import { random } from './random.ts'
import { roundRobin } from './round-robin.ts'
import { sarama } from './sarama.ts'

export const partitioners = {
  consistent,
  consistent_random: consistentRandom,
  fnv1a,
  fnv1a_random: fnv1aRandom,
  java,
  kafkajs_legacy: kafkajsLegacy,
  md5,
  murmur2,
  murmur2_random: murmur2Random,
  random,
  round_robin: roundRobin,
  sarama,
} as const satisfies Readonly<Record<string, PartitionerFactory>>

export type PartitionerName = keyof typeof partitioners
