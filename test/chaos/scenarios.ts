// What is done to the cluster while somebody produces to it.

import { setTimeout as wait } from 'node:timers/promises'
import type { Stand } from './stand.ts'

export interface Scenario {
  readonly name: string
  /** The producer reaches the brokers through the proxies. */
  readonly proxied?: true
  /** In sync replicas that an append needs, 2 if not given. */
  readonly minInSync?: number
  /** The topic is made anew in between, and all that was in it is gone. */
  readonly recreates?: true
  /** How long it is felt is compared with the Java producer. */
  readonly recovery?: true
  /** Part of the short form. */
  readonly short?: true
  /** Peers go through it too. */
  readonly peers?: true
  /** Breaks things and mends them; `short` takes less time over it. */
  run(stand: Stand, topic: string, short: boolean): Promise<void>
}

async function strike(
  stand: Stand,
  faults: number,
  kinds: readonly ('cutBeforeRequest' | 'cutBeforeAnswer' | 'reset')[],
) {
  for (let i = 0; i < faults; i++) {
    const proxy = stand.proxies[i % stand.proxies.length]
    const kind = kinds[i % kinds.length]
    if (proxy === undefined || kind === undefined) continue
    proxy.next(kind)
    while (proxy.pending > 0) await wait(20)
    await wait(200)
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'nothing happens',
    peers: true,
    run: () => wait(5_000),
  },
  {
    name: 'leader killed -9, back after 5 s',
    peers: true,
    recovery: true,
    short: true,
    async run(stand, _, short) {
      const leader = await stand.leaderOnly()
      await leader.kill()
      await wait(short ? 1_000 : 5_000)
      await leader.start()
    },
  },
  {
    name: 'rolling restart',
    peers: true,
    async run({ brokers }) {
      for (const broker of brokers) {
        await broker.stop()
        await broker.start()
        await wait(1_000)
      }
    },
  },
  {
    name: 'broker frozen for 8 s',
    async run(stand) {
      const leader = await stand.leaderOnly()
      await leader.kill('SIGSTOP')
      await wait(8_000)
      await leader.kill('SIGCONT')
      await wait(3_000)
    },
  },
  {
    name: '20 connections cut after the write, before the answer',
    peers: true,
    recovery: true,
    proxied: true,
    short: true,
    run: (stand, _, short) => strike(stand, short ? 8 : 20, ['cutBeforeAnswer']),
  },
  {
    name: '20 connections cut before the write or reset after it',
    proxied: true,
    run: stand => strike(stand, 20, ['cutBeforeRequest', 'reset']),
  },
  {
    name: 'black hole for 5 s',
    proxied: true,
    async run({ proxies }) {
      await Promise.all(proxies.map(proxy => proxy.blackHole(5_000)))
    },
  },
  {
    name: 'everything 500 ms late for 5 s',
    proxied: true,
    async run({ proxies }) {
      for (const proxy of proxies) proxy.delay(500)
      await wait(5_000)
      for (const proxy of proxies) proxy.delay(0)
    },
  },
  {
    name: 'bytes in slivers for 10 s',
    proxied: true,
    async run({ proxies }) {
      for (const proxy of proxies) proxy.slivers(29)
      await wait(10_000)
      for (const proxy of proxies) proxy.slivers(Number.POSITIVE_INFINITY)
    },
  },
  {
    name: 'all brokers killed -9, back after 8 s',
    peers: true,
    short: true,
    async run({ brokers }, _, short) {
      await Promise.all(brokers.map(broker => broker.kill()))
      await wait(short ? 2_000 : 8_000)
      await Promise.all(brokers.map(broker => broker.start()))
    },
  },
  {
    name: 'leadership moved three times',
    async run(stand, topic) {
      for (const turns of [1, 2, 3]) await stand.moveLeaders(topic, turns)
    },
  },
  {
    name: 'partitions added',
    async run(stand, topic) {
      await stand.addPartitions(topic, 12)
      await wait(3_000)
    },
  },
  {
    name: 'topic deleted and re-created',
    peers: true,
    recreates: true,
    short: true,
    async run(stand, topic) {
      await stand.deleteTopic(topic)
      await stand.createTopic(topic, 2)
    },
  },
  {
    name: 'too few replicas until a broker returns',
    minInSync: 3,
    async run(stand) {
      const leader = await stand.leaderOnly()
      await leader.kill()
      await wait(5_000)
      await leader.start()
    },
  },
]
