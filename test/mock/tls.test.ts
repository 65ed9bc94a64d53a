import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Producer, type ProducerOptions } from '../../src/index.ts'
import { MockCluster, type MockClusterOptions } from '../../src/mock/index.ts'
import { certificateAuthority } from '../support/certificates.ts'
import { certificate, openSockets } from '../support/loopback.ts'
import { Rig } from '../support/rig.ts'

const clusters: MockCluster[] = []
afterEach(async () => {
  await Promise.all(clusters.splice(0).map(cluster => cluster.stop()))
})

async function start(options: MockClusterOptions = {}): Promise<MockCluster> {
  const cluster = await MockCluster.start({ topics: { t: {} }, tls: certificate, ...options })
  clusters.push(cluster)
  return cluster
}

/** The status of a message that was delivered, or why it was not. */
async function deliver(cluster: MockCluster, options: ProducerOptions = {}): Promise<string> {
  const producer = new Producer({
    'bootstrap.servers': cluster.bootstrapServers,
    'security.protocol': 'ssl',
    'message.timeout.ms': 5000,
    ...options,
  })
  try {
    await producer.connect()
    return (await producer.send({ topic: 't', value: 'v' })).status
  } catch (error) {
    return (error as Error).message
  } finally {
    await producer.close({ timeoutMs: 0 })
  }
}

const trusting = { 'ssl.ca.pem': certificate.cert }

describe('a cluster with a certificate', () => {
  test('takes messages over TLS, from all brokers', async () => {
    const cluster = await start({ brokers: 3, topics: { t: { partitions: 3 } } })
    const producer = new Producer({
      'bootstrap.servers': cluster.bootstrapServers,
      'security.protocol': 'ssl',
      ...trusting,
    })
    const sent = [0, 1, 2].map(partition => ({ topic: 't', partition, value: 'v'.repeat(100_000) }))
    expect((await producer.sendMany(sent)).map(({ status }) => status)).toEqual(Array(3).fill('persisted'))
    await producer.close()
  })

  test('is not believed by those who do not trust it', async () => {
    expect(await deliver(await start())).toMatch(/127\.0\.0\.1:\d+: the TLS handshake failed.*check ssl\.ca\.location/)
  })

  test('does not speak to clients without TLS, who are told what it may be', async () => {
    expect(await deliver(await start(), { 'security.protocol': 'plaintext' })).toMatch(/does this port want TLS\?/)
  })

  test('may want certificates of its clients', async () => {
    const authority = await certificateAuthority()
    const ann = await authority.issue('ann')
    const cluster = await start({ tls: { ...certificate, ca: authority.ca, requestCert: true } })
    expect(await deliver(cluster, trusting)).toMatch(/wants a client certificate/)
    const own = { 'ssl.certificate.pem': ann.cert, 'ssl.key.pem': ann.key }
    expect(await deliver(cluster, { ...trusting, ...own })).toBe('persisted')
    await authority.remove()
  })

  test('may want SASL as well', async () => {
    const cluster = await start({ sasl: { users: { ann: 'secret' } } })
    const sasl = {
      'security.protocol': 'sasl_ssl',
      'sasl.mechanisms': 'SCRAM-SHA-512',
      'sasl.username': 'ann',
    } as const
    expect(await deliver(cluster, { ...trusting, ...sasl, 'sasl.password': 'secret' })).toBe('persisted')
    expect(await deliver(cluster, { ...trusting, ...sasl, 'sasl.password': 'wr0ng' })).toMatch(/SCRAM-SHA-512.*refused/)
  })

  test('stops, and can be taken down and up, with clients that never end their handshake', async () => {
    const before = openSockets()
    const cluster = await start()
    const [host, port] = cluster.bootstrapServers.split(':')
    const dial = async () => {
      const socket = connectTcp(Number(port), host).on('error', () => {})
      const closed = new Promise(resolve => socket.once('close', resolve))
      await once(socket, 'connect')
      return { socket, closed }
    }
    const [silent, strange] = [await dial(), await dial()]
    strange.socket.write('this is no TLS')
    cluster.brokerDown(1)
    await Promise.all([silent.closed, strange.closed])
    await cluster.brokerUp(1)
    expect(await deliver(cluster, trusting)).toBe('persisted')
    const last = await dial()
    await cluster.stop()
    await last.closed
    await vi.waitFor(() => expect(openSockets()).toBe(before))
  })

  test('is not started with a key that is none', async () => {
    await expect(start({ tls: { ...certificate, key: 'x' } })).rejects.toThrow()
  })
})

describe('in memory', () => {
  const secure = { tls: {}, producer: { 'security.protocol': 'ssl' } } as const

  test('TLS is what both sides agree on: nothing is encrypted, no certificate is needed', async () => {
    const rig = await Rig.connected(secure)
    expect((await rig.until(rig.producer.send({ topic: 't', value: 'v' }))).status).toBe('persisted')
  })

  test('a client without TLS is refused as on a real port', async () => {
    const rig = await Rig.start({ tls: {} })
    const error = await rig.failure(rig.producer.connect(), 11_000, 100)
    expect(error).toMatchObject({ code: -195, message: expect.stringContaining('does this port want TLS?') })
  })

  test('a client with TLS is refused by a cluster without', async () => {
    const rig = await Rig.start({ producer: secure.producer })
    expect(await rig.failure(rig.producer.connect(), 11_000, 100)).toMatchObject({ code: -181 })
  })
})
