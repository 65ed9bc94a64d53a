import { describe, expect, test } from 'vitest'
import { InvalidMessageError } from '../../src/errors.ts'
import { type EventName, Events, eventNames } from '../../src/producer/events.ts'

describe('events', () => {
  test('go to their listeners, in the order they were added', () => {
    const events = new Events()
    const heard: unknown[] = []
    events.add('buffer.flushed', event => heard.push(['first', event]), false)
    events.add('buffer.flushed', event => heard.push(['second', event]), false)
    events.add('closed', () => heard.push('other'), false)
    events.emit('buffer.flushed', { count: 1 })
    expect(heard).toEqual([
      ['first', { count: 1 }],
      ['second', { count: 1 }],
    ])
  })

  test('has() is true only while somebody listens', () => {
    const events = new Events()
    const fn = () => {}
    expect(events.has('closed')).toBe(false)
    events.add('closed', fn, false)
    expect(events.has('closed')).toBe(true)
    events.remove('closed', fn)
    expect(events.has('closed')).toBe(false)
    events.add('closed', fn, true)
    events.emit('closed', {})
    expect(events.has('closed')).toBe(false)
  })

  test('a listener may be removed and added while one runs', () => {
    const events = new Events()
    const heard: string[] = []
    const late = () => heard.push('late')
    events.add(
      'closed',
      () => {
        heard.push('first')
        events.add('closed', late, false)
      },
      true,
    )
    events.emit('closed', {})
    expect(heard).toEqual(['first'])
    events.emit('closed', {})
    expect(heard).toEqual(['first', 'late'])
    events.remove('closed', late)
    events.emit('closed', {})
    expect(heard).toHaveLength(2)
  })

  test('a listener added once hears once, though one before it sets off the same event again', () => {
    const events = new Events()
    const heard: string[] = []
    events.add(
      'closed',
      () => {
        heard.push('first')
        if (heard.length === 1) events.emit('closed', {})
      },
      false,
    )
    events.add('closed', () => heard.push('once'), true)
    events.emit('closed', {})
    expect(heard).toEqual(['first', 'first', 'once'])
  })

  test('a listener that throws does not keep others from hearing', () => {
    const events = new Events()
    const heard: unknown[] = []
    const bang = new Error('bang')
    events.add(
      'closed',
      () => {
        throw bang
      },
      false,
    )
    events.add('closed', () => heard.push('second'), false)
    events.add('error.occurred', event => heard.push(event), false)
    events.emit('closed', {})
    expect(heard).toEqual([{ type: 'listener of closed', error: bang }, 'second'])
  })

  test('every name of the contract exists, and no other', () => {
    expect([...eventNames].sort()).toEqual(
      [
        'connected',
        'disconnected',
        'closing',
        'closed',
        'message.acknowledged',
        'message.failed',
        'message.purged',
        'buffer.flushed',
        'queue.full',
        'config.warning',
        'metadata.updated',
        'broker.connected',
        'broker.disconnected',
        'throttled',
        'producer.reload',
        'transaction.started',
        'transaction.committed',
        'transaction.aborted',
        'transaction.finished',
        'statistics.emitted',
        'error.occurred',
      ].sort(),
    )
    const events = new Events()
    for (const name of ['toString', '__proto__', '', 'close'] as unknown as EventName[]) {
      expect(() => events.add(name, () => {}, false)).toThrow(InvalidMessageError)
      expect(() => events.remove(name, () => {})).toThrow(InvalidMessageError)
    }
  })
})
