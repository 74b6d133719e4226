import { describe, expect, it } from 'vitest'
import { type Matrix, matrixHtml, matrixOf, matrixSvg, matrixText, parsePolicy } from '../../src/policy/index.js'

const POLICY = `version: 1
roles: [compute, conductor, observer]
messages:
  hello: [name]
  rpc.scheduler.update: [args.host]
  rpc.scheduler.ask:
  rpc.scheduler.deep.look:
  rpc.scheduler.deep.dive:
  notify.instance.update: [publisher_id]
  notify.instance.*: [publisher_id]
destinations:
  scheduler: { receivers: [observer] }
  scheduler.{node}: { receivers: [observer] }
rules:
  - { name: one, allow: [compute], send: [rpc.scheduler.update], to: [scheduler], bind: [args.host == node] }
  - { name: two, allow: [conductor], send: [rpc.scheduler.*], at: destination, to: '*' }
  - { name: three, allow: [conductor], send: [notify.instance.update], to: [scheduler] }
  - { name: four, allow: [conductor], send: [notify.instance.*], to: [scheduler], bind: [publisher_id == service:node] }
  - { name: five, deny: [observer], send: [rpc.*, notify.*], to: '*' }
  - { name: six, allow: [compute], send: [hello], to: [scheduler] }
`
const matrix = matrixOf(parsePolicy(POLICY))

function mayOf(type: string): string {
  const row = matrix.rows.find((item) => item.type === type)
  return matrix.roles.map((role, index) => `${role} ${row?.cells[index]?.may ?? ''}`).join(', ')
}

/** As many types as wanted, in one group. */
function long(count: number): Matrix {
  const types = Array.from({ length: count }, (_, index) => `rpc.long.t${index}`)
  return matrixOf(
    parsePolicy(`version: 1
roles: [a, b]
messages: { ${types.join(': , ')}: }
destinations: { d: { receivers: [b] } }
rules: [{ name: one, allow: [a], send: ['rpc.*'], to: [d] }]`),
  )
}

describe('matrixOf', () => {
  it('tells whose role suffices from who may only where more holds', () => {
    expect(mayOf('rpc.scheduler.update')).toBe('compute bound, conductor always, observer never')
    expect(mayOf('hello')).toBe('compute always, conductor never, observer never')
  })

  it('says of a kind of messages what holds for it, and not what holds for a part that is a kind of its own', () => {
    expect(mayOf('notify.instance.update')).toBe('compute never, conductor always, observer never')
    expect(mayOf('notify.instance.*')).toBe('compute never, conductor bound, observer never')
  })

  it('says where to, and by which checks', () => {
    expect(matrix.rows.find(({ type }) => type === 'rpc.scheduler.update')?.cells[0]?.to).toEqual([
      { destination: 'scheduler', ways: [['args.host == node']] },
    ])
  })
})

describe('matrixText', () => {
  it('groups types by what they begin with, with the roles as steps above their columns', () => {
    expect(matrixText(matrix)).toBe(
      [
        '          compute',
        '          │  conductor',
        '          │  │  observer',
        '  hello   ●  ·  ·',
        'rpc.scheduler.',
        '  update  ○  ●  ·',
        '  ask     ·  ●  ·',
        'rpc.scheduler.deep.',
        '  look    ·  ●  ·',
        '  dive    ·  ●  ·',
        'notify.instance.',
        '  update  ·  ●  ·',
        '  *       ·  ○  ·',
        '',
        '7 types: ● may, ○ only where more holds, · may not',
      ].join('\n'),
    )
  })
})

describe('matrixSvg', () => {
  const numbers = (svg: string, pattern: RegExp): readonly number[] =>
    [...svg.matchAll(pattern)].map(([, value]) => Number(value))

  it('has a mark for whatever is allowed, which says more', () => {
    const svg = matrixSvg(matrix)
    // One of each is in the legend.
    expect(svg.match(/<circle class="always"/g)).toHaveLength(7)
    expect(svg.match(/<circle class="bound"/g)).toHaveLength(3)
    expect(svg).toContain('<title>compute → scheduler: args.host == node</title>')
    expect(svg).toContain('<title>conductor → scheduler, scheduler.{node}: role conductor at the destination</title>')
  })

  it('is drawn on white, and no name leaves the picture', () => {
    for (const svg of [matrixSvg(matrix), matrixSvg(long(60))]) {
      const [width = 0] = numbers(svg, /<svg [^>]*viewBox="0 0 (\d+) /g)
      expect(svg).toContain(`<rect class="page" width="${width}"`)
      expect(svg).toContain('.page { fill: #fff }')
      const [start = 0] = numbers(svg, /<g transform="translate\((\d+) /g).slice(-1)
      const [last = 0] = numbers(svg, /<text transform="translate\((\d+) /g).slice(-1)
      expect(start + last).toBeLessThan(width)
    }
  })

  it('stands in two halves where it would be too high, and repeats what a cut group begins with', () => {
    const heads = (svg: string): number => (svg.match(/rotate\(-45\)">a</g) ?? []).length
    expect(heads(matrixSvg(long(40)))).toBe(1)
    const svg = matrixSvg(long(60))
    expect(heads(svg)).toBe(2)
    expect([...svg.matchAll(/class="title"[^>]*>([^<]*)</g)].map(([, title]) => title)).toEqual([
      'rpc.long.',
      'rpc.long. …',
    ])
  })
})

describe('matrixHtml', () => {
  it('has the picture, and every cell in words, and nothing of it is markup', () => {
    const page = matrixHtml(matrix, 'who & <what>')
    expect(page).toContain('<h1>who &#38; &#60;what&#62;</h1>')
    expect(page).toContain('<svg ')
    expect(page).toContain('<td class="bound">scheduler: args.host == node</td>')
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)/)
  })
})
