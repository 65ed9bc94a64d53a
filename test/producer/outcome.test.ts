import { describe, expect, test } from 'vitest'
import { ConnectionError, ProtocolError } from '../../src/errors.ts'
import { judgeCode, judgeFault } from '../../src/producer/outcome.ts'

describe('the fault policy', () => {
  test('fails what it does not list, and codes that nobody knows', () => {
    for (const code of [-1, 17, 29, 42, 9999]) {
      expect(judgeCode(code)).toEqual({ action: 'fail', uncertain: false, counts: false })
    }
  })

  test.each([new ConnectionError(-195, 'gone'), new ProtocolError('odd')])(
    'holds a batch for uncertain once it is written, whatever ended the wait: %s',
    error => {
      expect(judgeFault(error, true)).toEqual({ action: 'refresh', uncertain: true, counts: true })
    },
  )

  test('sends again what a connection never took, without counting it', () => {
    const error = new ConnectionError(-195, 'gone')
    expect(judgeFault(error, false)).toEqual({ action: 'refresh', uncertain: false, counts: false })
  })

  test('fails what could not be encoded', () => {
    expect(judgeFault(new ProtocolError('odd'), false).action).toBe('fail')
  })
})
