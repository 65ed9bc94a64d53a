import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deque } from '../src/deque.ts'

interface Step {
  readonly name: string
  readonly onDeque: (deque: Deque<number>) => unknown
  readonly onArray: (array: number[]) => unknown
}

// The model is an array: each step is done to both, and both have to say the same.
const value = fc.nat(20)
const step: fc.Arbitrary<Step> = fc.oneof(
  value.map((v): Step => ({ name: `push ${v}`, onDeque: d => d.push(v), onArray: a => void a.push(v) })),
  value.map((v): Step => ({ name: `unshift ${v}`, onDeque: d => d.unshift(v), onArray: a => void a.unshift(v) })),
  fc.constant<Step>({ name: 'shift', onDeque: d => d.shift(), onArray: a => a.shift() }),
  fc.constant<Step>({ name: 'pop', onDeque: d => d.pop(), onArray: a => a.pop() }),
  fc.constant<Step>({ name: 'first', onDeque: d => d.first(), onArray: a => a[0] }),
  fc.constant<Step>({ name: 'last', onDeque: d => d.last(), onArray: a => a.at(-1) }),
  value.map(
    (v): Step => ({
      name: `remove ${v}`,
      onDeque: d => d.remove(v),
      onArray: a => a.includes(v) && a.splice(a.indexOf(v), 1).length === 1,
    }),
  ),
  fc.tuple(fc.nat(30), fc.array(value)).map(
    ([at, values]): Step => ({
      name: `insert ${values} at ${at}`,
      onDeque: d => d.insert(Math.min(at, d.size), values),
      onArray: a => void a.splice(at, 0, ...values),
    }),
  ),
)
const rareClear = fc.constant<Step>({
  name: 'clear',
  onDeque: d => d.clear(),
  onArray: a => {
    a.length = 0
  },
})
const steps = fc.array(fc.oneof({ weight: 30, arbitrary: step }, { weight: 1, arbitrary: rareClear }), {
  maxLength: 150,
})

test('a deque does what an array does', () => {
  fc.assert(
    fc.property(steps, all => {
      const deque = new Deque<number>()
      const array: number[] = []
      for (const { onDeque, onArray } of all) {
        expect(onDeque(deque)).toBe(onArray(array))
        expect([...deque]).toEqual(array)
        expect(deque.size).toBe(array.length)
        for (let i = -1; i <= array.length; i++) expect(deque.at(i)).toBe(i < 0 ? undefined : array[i])
      }
    }),
  )
})

test('a deque keeps its order while it grows and its front moves round', () => {
  const deque = new Deque<number>()
  let next = 0
  let expected = 0
  for (let round = 0; round < 500; round++) {
    for (let i = 0; i < 3; i++) deque.push(next++)
    for (let i = 0; i < 2; i++) expect(deque.shift()).toBe(expected++)
  }
  expect(deque.size).toBe(500)
  while (deque.size > 0) expect(deque.shift()).toBe(expected++)
  expect(expected).toBe(1500)
})

test('an empty deque has nothing to give', () => {
  const deque = new Deque<string>()
  expect([deque.first(), deque.last(), deque.shift(), deque.pop(), deque.at(0), deque.remove('x')]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    false,
  ])
  expect(deque.size).toBe(0)
})

test('a deque that held many goes on from the beginning once it is empty', () => {
  const deque = new Deque<number>()
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 5000; i++) deque.push(i)
    for (let i = 0; i < 5000; i++) expect(deque.shift()).toBe(i)
    expect([deque.size, deque.first(), deque.shift()]).toEqual([0, undefined, undefined])
    deque.unshift(7)
    expect([...deque]).toEqual([7])
    deque.shift()
  }
})
