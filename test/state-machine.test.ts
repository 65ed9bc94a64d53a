import { describe, expect, test } from 'vitest'
import { stateMachine } from '../src/state-machine.ts'

const table = { open: ['closing', 'closed'], closing: ['closed'], closed: [] } as const
const door = () => stateMachine<keyof typeof table>('door', table, 'open')

describe('a state machine', () => {
  test('starts where it is told to', () => {
    expect(door().state).toBe('open')
  })

  test('moves along the table', () => {
    const machine = door()
    machine.to('closing')
    expect(machine.state).toBe('closing')
    machine.to('closed')
    expect(machine.state).toBe('closed')
  })

  test('refuses a move that is not in the table, naming it, and stays', () => {
    const machine = door()
    machine.to('closed')
    expect(() => machine.to('open')).toThrow('door: no way from closed to open')
    expect(machine.state).toBe('closed')
  })

  test('refuses to stay in a state unless the table says so', () => {
    expect(() => door().to('open')).toThrow('door: no way from open to open')
  })

  test('says where it could go without going there', () => {
    const machine = door()
    expect([machine.can('closing'), machine.can('closed'), machine.can('open')]).toEqual([true, true, false])
    expect(machine.state).toBe('open')
  })

  test('says whether it is in one of some states', () => {
    const machine = door()
    expect(machine.is('closing', 'open')).toBe(true)
    expect(machine.is('closing', 'closed')).toBe(false)
    expect(machine.is()).toBe(false)
  })
})
