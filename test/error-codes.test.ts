import { describe, expect, test } from 'vitest'
import { describeErrorCode, errorCodeOf, errorCodes } from '../src/error-codes.ts'

const rows = errorCodes()
const codes = rows.map(({ code }) => code)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('the table', () => {
  test('has every code of Kafka from -1 to 136 and every local one from -199 to -137', () => {
    expect(codes.filter(code => code >= -1)).toEqual(range(-1, 136))
    expect(codes.filter(code => code < -1)).toEqual(range(-199, -137))
  })

  test('has every name once', () => {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  })

  test('has an underscore before local names and no other', () => {
    for (const { code, name } of rows) expect(name).toMatch(code < -1 ? /^_[A-Z0-9_]+$/ : /^[A-Z][A-Z0-9_]+$/)
  })

  test('cannot be changed', () => {
    expect(rows.every(row => Object.isFrozen(row))).toBe(true)
  })

  test('never calls metadata stale where trying again is no use', () => {
    expect(rows.filter(row => row.staleMetadata && !row.retriable)).toEqual([])
  })

  test('has the codes after which a producer refreshes its metadata', () => {
    const stale = rows.filter(row => row.staleMetadata).map(({ code }) => code)
    expect(stale).toEqual([3, 5, 6, 9, 13, 56, 72, 74, 80, 83, 84, 100, 103])
  })
})

describe('a code', () => {
  test.each([
    [-1, 'UNKNOWN_SERVER_ERROR', false],
    [0, 'NONE', false],
    [3, 'UNKNOWN_TOPIC_OR_PARTITION', true],
    [10, 'MESSAGE_TOO_LARGE', false],
    [19, 'NOT_ENOUGH_REPLICAS', true],
    [45, 'OUT_OF_ORDER_SEQUENCE_NUMBER', false],
    [90, 'PRODUCER_FENCED', false],
    [-184, '_QUEUE_FULL', true],
    [-192, '_MSG_TIMED_OUT', false],
  ])('%d is %s', (code, name, retriable) => {
    expect(describeErrorCode(code)).toMatchObject({ code, name, retriable })
    expect(errorCodeOf(name)).toBe(code)
  })

  test('that is unknown is named after its number and not tried again', () => {
    expect(describeErrorCode(9999)).toEqual({
      code: 9999,
      name: 'UNKNOWN_CODE_9999',
      retriable: false,
      staleMetadata: false,
    })
    expect(errorCodeOf('NO_SUCH_NAME')).toBeUndefined()
  })
})
