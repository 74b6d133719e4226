import { describe, expect, it } from 'vitest'
import { destinationOf } from '../../src/policy/index.js'
import { Destinations, exampleOf, isDestination, parseDestination } from '../../src/policy/destination.js'
import { expectCode } from '../support/expect-code.js'
import { somebody } from './policies.js'

const parse = (name: string) => parseDestination(name, [], undefined)

describe('parseDestination', () => {
  it.each([
    ['scheduler', ['scheduler'], undefined],
    ['a.b_c.d-e', ['a', 'b_c', 'd-e'], undefined],
    ['compute.{node}', ['compute'], 'node'],
    ['{entity}', [], 'entity'],
    ['a.b.{service}', ['a', 'b'], 'service'],
  ])('reads %s', (name, segments, capture) => {
    expect(parse(name)).toMatchObject({ name, segments, capture })
  })

  it.each(['', '.', 'a.', '.a', 'a..b', 'a b', '*', 'a.*', '{node}.a', 'a.{scope}', 'a.{uri}', 'x{node}'])(
    'refuses %j',
    (name) => {
      expectCode('ERR_POLICY_INVALID', () => parse(name))
    },
  )

  it('refuses one that is longer than the context of a message allows', () => {
    expect(parse('a'.repeat(255)).segments).toHaveLength(1)
    expectCode('ERR_POLICY_INVALID', () => parse('a'.repeat(256)))
  })
})

describe('isDestination', () => {
  it.each([
    ['scheduler', 'scheduler', true],
    ['scheduler', 'Scheduler', false],
    ['scheduler', 'scheduler.a', false],
    ['compute.{node}', 'compute.compute-07', true],
    ['compute.{node}', 'compute.a.b', true],
    ['compute.{node}', 'compute.', false],
    ['compute.{node}', 'compute', false],
    ['compute.{node}', 'compute.{node}', false],
    ['compute.{node}', 'compute.*', false],
    ['compute.{node}', 'compute.a/b', false],
    ['compute.{node}', 'compute..a', false],
    ['compute.{node}', 'computer.a', false],
    ['compute.{node}', 'xcompute.a', false],
    ['compute.{node}', `compute.${'a'.repeat(65)}`, false],
    ['{node}', 'anything', true],
  ])('of %s says of %j: %s', (name, text, is) => {
    expect(isDestination(parse(name), text)).toBe(is)
  })

  it('of a receiver is one of its destination', () => {
    const receiver = somebody([], { node: 'c7' })
    expect(destinationOf(parse('compute.{node}'), receiver)).toBe('compute.c7')
    expect(destinationOf(parse('compute.{service}'), receiver)).toBe('compute.nova-compute')
    expect(destinationOf(parse('scheduler'), receiver)).toBe('scheduler')
    expect(isDestination(parse('compute.{node}'), destinationOf(parse('compute.{node}'), receiver))).toBe(true)
  })
})

describe('Destinations', () => {
  const names = ['{entity}', 'compute.{node}', 'compute.special', 'compute.cell.{node}']

  it.each([
    ['compute.special', 'compute.special'],
    ['compute.c7', 'compute.{node}'],
    ['compute.cell.c7', 'compute.cell.{node}'],
    ['compute.cell', 'compute.{node}'],
    ['scheduler', '{entity}'],
    ['constructor', '{entity}'],
    ['_', undefined],
  ])('of %s finds the one that says most, in whatever order they stand: %s', (text, name) => {
    for (const order of [names, [...names].reverse()]) {
      expect(new Destinations(order.map(parse)).find(text)?.name).toBe(name)
    }
  })

  it('refuses two that have the same names', () => {
    expectCode('ERR_POLICY_INVALID', () => new Destinations(['a.{node}', 'b', 'a.{entity}'].map(parse)))
    expectCode('ERR_POLICY_INVALID', () => new Destinations(['{node}', '{service}'].map(parse)))
  })

  it('knows them by what they were declared as', () => {
    const all = new Destinations(names.map(parse))
    expect(all.named('compute.{node}')?.capture).toBe('node')
    expect(all.named('compute.c7')).toBeUndefined()
  })
})

describe('exampleOf', () => {
  it('is a name of the destination, and none of the others', () => {
    expect(exampleOf(parse('scheduler'), new Set(['scheduler']))).toBe('scheduler')
    expect(exampleOf(parse('compute.{node}'), new Set(['compute.0', 'compute.1']))).toBe('compute.2')
  })
})
