import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FaultProxy } from './fault-proxy.ts'
import { type Loopback, listen } from './loopback.ts'

const produceFrame = Buffer.from('00000008' + '0000' + '0009' + '00000001', 'hex')
const metadataFrame = Buffer.from('00000008' + '0003' + '0009' + '00000002', 'hex')

let broker: Loopback
let proxy: FaultProxy
let client: Socket
let seen: number
let heard: string

beforeEach(async () => {
  seen = 0
  heard = ''
  // Answers every request with its own bytes.
  broker = await listen(socket =>
    socket.on('data', bytes => {
      seen += bytes.length
      socket.write(bytes)
    }),
  )
  proxy = await FaultProxy.start(broker.port)
  client = connect(proxy.port, '127.0.0.1').on('error', () => {})
  client.on('data', bytes => {
    heard += bytes.toString('hex')
  })
})

afterEach(async () => {
  client.destroy()
  await proxy.close()
  await broker.stop()
})

/** Resolves once the client has heard this many bytes. */
async function hear(bytes: number): Promise<void> {
  while (heard.length < 2 * bytes) await once(client, 'data')
}

test('without a fault everything passes as it is', async () => {
  client.write(produceFrame)
  client.write(metadataFrame)
  await hear(24)
  expect(heard).toBe(produceFrame.toString('hex') + metadataFrame.toString('hex'))
  expect(proxy.counts).toMatchObject({ connections: 1, produced: 1, held: 0, slivers: 0 })
})

test('a cut before the request hides it from the broker and leaves other requests alone', async () => {
  proxy.next('cutBeforeRequest')
  client.write(metadataFrame)
  await hear(12)
  client.write(produceFrame)
  await once(client, 'close')
  expect(seen).toBe(12)
  expect(proxy.counts.cutBeforeRequest).toBe(1)
  expect(proxy.pending).toBe(0)
})

test('a cut before the answer comes when the broker has taken the request', async () => {
  proxy.next('cutBeforeAnswer')
  client.write(metadataFrame)
  client.write(produceFrame)
  await once(client, 'close')
  expect(seen).toBe(24)
  expect(heard).toBe(metadataFrame.toString('hex'))
  expect(proxy.counts.cutBeforeAnswer).toBe(1)
})

test('a reset reaches the client as one', async () => {
  proxy.next('reset')
  const failed = once(client, 'error')
  client.write(produceFrame)
  const [error] = await failed.catch(thrown => [thrown])
  expect(error).toMatchObject({ code: 'ECONNRESET' })
})

test('slivers arrive one after the other and complete', async () => {
  proxy.slivers(5)
  client.write(produceFrame)
  await hear(12)
  expect(heard).toBe(produceFrame.toString('hex'))
  expect(proxy.counts.slivers).toBe(4)
})

test('a delay holds in both directions', async () => {
  proxy.delay(15)
  const start = performance.now()
  client.write(produceFrame)
  await hear(12)
  expect(performance.now() - start).toBeGreaterThan(28)
})

test('a black hole keeps what it swallowed and closes nothing', async () => {
  await once(client, 'connect')
  const light = proxy.blackHole(30)
  client.write(produceFrame)
  await light
  await hear(12)
  expect(heard).toBe(produceFrame.toString('hex'))
  expect(proxy.counts.held).toBe(1)
})

test('its end closes every connection', async () => {
  client.write(metadataFrame)
  await hear(12)
  const closed = once(client, 'close')
  await proxy.close()
  await closed
  await broker.quiet()
})
