// From dispatch() and send() to the socket: CPU per message beside the floor, which writes batches encoded beforehand
// to the same sink. Run it with `npm run bench accumulator`.

import { Buffer } from 'node:buffer'
import { connect } from 'node:net'
import { Producer } from '../src/index.ts'
import { produce } from '../src/protocol/apis/produce.ts'
import { FrameSplitter } from '../src/protocol/frame.ts'
import { encodeRequest } from '../src/protocol/header.ts'
import {
  batchHeaderBytes,
  type RecordInput,
  recordBodyBytes,
  writeBatchHeader,
  writeRecord,
} from '../src/protocol/record-batch.ts'
import { type Contender, compare } from './support/measure.ts'
import { isSink, runSink, startSink } from './support/sink.ts'

const value = 'x'.repeat(100)
const perBatch = 9000

/** One Produce request with a full batch. */
function encodedRequest(): Buffer {
  const record: RecordInput = {
    key: Buffer.alloc(0),
    keyLength: -1,
    value,
    valueLength: value.length,
    headers: Buffer.from([0]),
    headersLength: 1,
  }
  const records = Buffer.alloc(2_000_000)
  let at = 0
  for (let i = 0; i < perBatch; i++) at = writeRecord(records, at, record, 0, i, recordBodyBytes(record, 0, i))
  const header = Buffer.alloc(batchHeaderBytes)
  const payload = [records.subarray(0, at)]
  const now = Date.now()
  writeBatchHeader(
    header,
    {
      attributes: 0,
      recordCount: perBatch,
      baseTimestamp: now,
      maxTimestamp: now,
      producerId: 1n,
      producerEpoch: 0,
      baseSequence: 0,
    },
    payload,
  )
  return Buffer.concat(
    encodeRequest(produce, 9, 1, 'bench', {
      transactionalId: null,
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: 't1', partitionData: [{ index: 0, records: [header, ...payload] }] }],
    }),
  )
}

async function floor(port: number, messages: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const request = encodedRequest()
  let left = Math.ceil(messages / perBatch)
  let inFlight = 0
  await new Promise<void>((resolve, reject) => {
    const answers = new FrameSplitter(1000, () => {
      inFlight--
    })
    const fill = (): void => {
      while (left > 0 && inFlight < 5) {
        left--
        inFlight++
        socket.write(request)
      }
      if (inFlight === 0) resolve()
    }
    socket.on('error', reject)
    socket.on('connect', fill)
    socket.on('data', bytes => {
      answers.push(bytes)
      fill()
    })
  })
  socket.destroy()
}

async function main(): Promise<void> {
  const sink = await startSink()
  const producerOf = () =>
    new Producer({ 'bootstrap.servers': `127.0.0.1:${sink.port}`, 'queue.buffering.max.messages': 0 })
  const producer = producerOf()
  // Spread evenly by hand: without a key the partitioner would stay on one partition for a while.
  const dispatch = (partitions: number) => async (messages: number) => {
    const topic = `t${partitions}`
    for (let i = 0; i < messages; i++) {
      producer.dispatch({ topic, value, partition: i % partitions })
      if (i % 50_000 === 49_999) await new Promise(setImmediate)
    }
    await producer.flush()
  }
  const send = (partitions: number) => async (messages: number) => {
    const topic = `t${partitions}`
    const reports: Promise<unknown>[] = []
    for (let i = 0; i < messages; i++) {
      reports.push(producer.send({ topic, value, partition: i % partitions }))
      if (i % 10_000 === 9_999) for (const report of reports.splice(0)) await report
    }
    for (const report of reports) await report
  }
  const sendMany = (topic: string) => async (messages: number) => {
    const batch = Array.from({ length: 10_000 }, () => ({ topic, value }))
    for (let i = 0; i < messages; i += batch.length) await producer.sendMany(batch)
  }
  const only = process.env.ONLY
  const contenders: Contender[] = [
    { name: 'floor: encoded beforehand', run: messages => floor(sink.port, messages) },
    { name: 'dispatch, 1 partition', run: dispatch(1) },
    { name: 'dispatch, 12 partitions', run: dispatch(12) },
    { name: 'dispatch, 1,000 partitions', run: dispatch(1000) },
    { name: 'send, 1 partition', run: send(1) },
    { name: 'send, 12 partitions', run: send(12) },
    { name: 'send, 1,000 partitions', run: send(1000) },
    { name: 'sendMany of 10,000, 12 partitions', run: sendMany('t12') },
  ]
  await compare(
    contenders.filter(({ name }) => only === undefined || name.includes(only)),
    Number(process.env.MESSAGES ?? 500_000),
  )
  await producer.close()
  sink.stop()
}

if (isSink) runSink()
else await main()
