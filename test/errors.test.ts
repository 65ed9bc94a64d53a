import { describe, expect, test, vi } from 'vitest'
import * as errors from '../src/errors.ts'

const { brokerError, errnoOf, KafkaError } = errors

// Another copy of the module, as there is one when two versions of the package are installed.
vi.resetModules()
const otherCopy = await import('../src/errors.ts')

interface Row {
  readonly name: string
  readonly make: (from: typeof errors) => errors.KafkaError
  readonly code: number
  readonly codeName: string
  readonly errno?: string
  readonly retriable?: boolean
}

const rows: Row[] = [
  {
    name: 'ConfigError',
    make: from => new from.ConfigError('acks', 'two', '-1 to 1000', "acks: 'two' is not a number"),
    code: -186,
    codeName: '_INVALID_ARG',
    errno: 'EINVAL',
  },
  {
    name: 'InvalidMessageError',
    make: from => new from.InvalidMessageError('value', 'value: a number'),
    code: -186,
    codeName: '_INVALID_ARG',
    errno: 'EINVAL',
  },
  {
    name: 'StateError',
    make: from => new from.StateError('closed', 'the producer is closed'),
    code: -172,
    codeName: '_STATE',
    errno: 'ENOEXEC',
  },
  {
    name: 'QueueFullError',
    make: from => new from.QueueFullError('queue.buffering.max.messages', 10, 'the queue is full'),
    code: -184,
    codeName: '_QUEUE_FULL',
    errno: 'ENOBUFS',
    retriable: true,
  },
  {
    name: 'MessageTooLargeError',
    make: from => new from.MessageTooLargeError('2 MB'),
    code: 10,
    codeName: 'MESSAGE_TOO_LARGE',
    errno: 'EMSGSIZE',
  },
  {
    name: 'UnknownTopicError',
    make: from => new from.UnknownTopicError('t'),
    code: -188,
    codeName: '_UNKNOWN_TOPIC',
    errno: 'ENOENT',
  },
  {
    name: 'UnknownPartitionError',
    make: from => new from.UnknownPartitionError('t', 7, 3),
    code: -190,
    codeName: '_UNKNOWN_PARTITION',
    errno: 'ESRCH',
  },
  {
    name: 'WaitTimeoutError',
    make: from => new from.WaitTimeoutError('5 ms are over'),
    code: -185,
    codeName: '_TIMED_OUT',
    errno: 'ETIMEDOUT',
    retriable: true,
  },
  {
    name: 'FlushTimeoutError',
    make: from => new from.FlushTimeoutError(3, 5),
    code: -185,
    codeName: '_TIMED_OUT',
    errno: 'ETIMEDOUT',
    retriable: true,
  },
  {
    name: 'ConnectionError',
    make: from => new from.ConnectionError(-195, 'refused'),
    code: -195,
    codeName: '_TRANSPORT',
    retriable: true,
  },
  {
    name: 'AuthenticationError',
    make: from => new from.AuthenticationError('wrong password'),
    code: -169,
    codeName: '_AUTHENTICATION',
  },
  { name: 'ProtocolError', make: from => new from.ProtocolError('not Kafka'), code: -199, codeName: '_BAD_MSG' },
  {
    name: 'BrokerError',
    make: from => new from.BrokerError(19, 'too few replicas'),
    code: 19,
    codeName: 'NOT_ENOUGH_REPLICAS',
    retriable: true,
  },
  {
    name: 'DeliveryError',
    make: from => new from.DeliveryError(-192, 'given up'),
    code: -192,
    codeName: '_MSG_TIMED_OUT',
    errno: 'ETIMEDOUT',
  },
  {
    name: 'FatalError',
    make: from => new from.FatalError('fenced'),
    code: -150,
    codeName: '_FATAL',
    errno: 'ECANCELED',
  },
  {
    name: 'ProduceManyError',
    make: from => new from.ProduceManyError('1 of 2 failed', { reports: [] }),
    code: -196,
    codeName: '_FAIL',
  },
]

type ErrorClass = abstract new (...parameters: never[]) => errors.KafkaError
const isClass = (value: unknown): value is ErrorClass => typeof value === 'function' && /^class/.test(`${value}`)

/** The names of the exported classes of which `error` is an instance; of all of them without one. */
function classes(from: typeof errors, error?: errors.KafkaError): string[] {
  const all = Object.entries(from).filter(([, value]) => isClass(value) && (!error || error instanceof value))
  return all.map(([name]) => name).sort()
}

test('every class is in the table of this test', () => {
  expect(classes(errors)).toEqual(['KafkaError', ...rows.map(({ name }) => name)].sort())
})

describe.each(rows)('$name', ({ name, make, code, codeName, errno, retriable = false }) => {
  test('has its code, its name and its errno', () => {
    const error = make(errors)
    expect(error).toMatchObject({ name, code, codeName, retriable, fatal: name === 'FatalError', abortable: false })
    expect(error.errno).toBe(errno)
    expect(`${error}`).toBe(`${name}: ${error.message}`)
  })

  test.each([
    ['this copy', errors],
    ['another copy', otherCopy],
  ])('of this copy or another is known to %s, as itself and as KafkaError only', (_which, from) => {
    for (const error of [make(errors), make(otherCopy)]) {
      expect(classes(from, error)).toEqual(['KafkaError', name].sort())
      expect(error).toBeInstanceOf(Error)
    }
  })
})

describe('what is not ours', () => {
  test('is no KafkaError', () => {
    for (const value of [new Error('x'), new TypeError('x'), {}, null, undefined, 'ProtocolError', 7]) {
      expect(value instanceof KafkaError).toBe(false)
      expect(value instanceof errors.ProtocolError).toBe(false)
    }
  })
})

describe("a user's own subclass", () => {
  class Refused extends errors.BrokerError {}

  test('is itself and what it extends, and its parent is not it', () => {
    const refused = new Refused(10, 'too large')
    expect(refused).toBeInstanceOf(Refused)
    expect(refused).toBeInstanceOf(errors.BrokerError)
    expect(refused).toBeInstanceOf(otherCopy.KafkaError)
    expect(new errors.BrokerError(10, 'too large')).not.toBeInstanceOf(Refused)
  })
})

describe('errno', () => {
  test.each([
    ['QueueFullError', 105],
    ['MessageTooLargeError', 90],
    ['UnknownPartitionError', 3],
    ['UnknownTopicError', 2],
    ['ConfigError', 22],
    ['StateError', 8],
    ['WaitTimeoutError', 110],
    ['FatalError', 125],
    ['ProtocolError', 0],
  ])('of %s is %d on Linux', (name, number) => {
    const row = rows.find(row => row.name === name)
    expect(row && errnoOf(row.make(errors))).toBe(number)
  })

  test('of a purged message is ECANCELED, in the queue or in flight', () => {
    expect(errnoOf(new errors.DeliveryError(-152, 'purged'))).toBe(125)
    expect(errnoOf(new errors.DeliveryError(-151, 'purged'))).toBe(125)
  })
})

describe('the context of an error', () => {
  test('is on it where it was given', () => {
    const cause = new Error('deeper')
    const error = new errors.MessageTooLargeError('too large', { topic: 't', partition: 0, broker: 'b:1', cause })
    expect(error).toMatchObject({ topic: 't', partition: 0, broker: 'b:1', cause })
  })

  test('is undefined where it was not', () => {
    const error = new errors.MessageTooLargeError('too large', { topic: undefined })
    expect([error.topic, error.partition, error.broker]).toEqual([undefined, undefined, undefined])
    expect('cause' in error).toBe(false)
  })

  test('may overrule whether it is worth trying again', () => {
    expect(new errors.BrokerError(19, 'x', { retriable: false }).retriable).toBe(false)
    expect(new errors.ConnectionError(-181, 'bad certificate', { retriable: false }).retriable).toBe(false)
  })

  test('of special classes says what went wrong', () => {
    expect(new errors.ConfigError('acks', 7, '0', 'm')).toMatchObject({ property: 'acks', value: 7, allowed: '0' })
    expect(new errors.InvalidMessageError('value', 'no', { index: 3 })).toMatchObject({
      field: 'value',
      index: 3,
      message: 'message 3: no',
    })
    expect(new errors.StateError('closed', 'm').state).toBe('closed')
    expect(new errors.QueueFullError('x', 10, 'm')).toMatchObject({ limit: 'x', used: 10 })
    expect(new errors.FlushTimeoutError(3, 5)).toMatchObject({
      remaining: 3,
      message: expect.stringMatching(/3.*5 ms/),
    })
    expect(new errors.UnknownTopicError('t').message).toBe("topic 't' does not exist")
    expect(new errors.UnknownPartitionError('t', 7, 3)).toMatchObject({
      topic: 't',
      partition: 7,
      message: "partition 7 of topic 't' does not exist: it has 3 (0 to 2)",
    })
    expect(new errors.ProduceManyError('m', { reports: [1], dispatched: [2], cause: 'c' })).toMatchObject({
      reports: [1],
      dispatched: [2],
      cause: 'c',
    })
    expect(new errors.ProduceManyError('m', {})).toMatchObject({ reports: [], dispatched: [] })
  })
})

describe("a broker's verdict", () => {
  test('names topic, partition, code and broker', () => {
    const error = brokerError(6, { topic: 't', partition: 2, broker: 'b:9092/1' })
    expect(error.message).toBe('t[2]: NOT_LEADER_OR_FOLLOWER (6), broker b:9092/1')
    expect(error).toMatchObject({ code: 6, retriable: true, topic: 't', partition: 2, broker: 'b:9092/1' })
  })

  test('adds what the broker said, and leaves out what is not known', () => {
    expect(brokerError(87, { topic: 't', detail: 'no key' }).message).toBe('t: INVALID_RECORD (87): no key')
    expect(brokerError(87, { detail: null }).message).toBe('INVALID_RECORD (87)')
    const shouted = `no\r\n\u001b[31mFATAL\u202e${'x'.repeat(100_000)}`
    expect(brokerError(87, { detail: shouted }).message).toMatch(/^INVALID_RECORD \(87\): no \[31mFATAL x{285,300}…$/)
  })

  test('may be given by name; a name that does not exist is an unknown server error', () => {
    expect(brokerError('PRODUCER_FENCED').code).toBe(90)
    expect(brokerError('NO_SUCH_NAME').code).toBe(-1)
  })

  test('of a code that is not known here keeps its number', () => {
    expect(brokerError(9999)).toMatchObject({ code: 9999, codeName: 'UNKNOWN_CODE_9999', retriable: false })
  })
})
