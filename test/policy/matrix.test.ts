import { describe, expect, it } from 'vitest'
import { type Matrix, matrixHtml, matrixOf, matrixSvg, matrixText, parsePolicy } from '../../src/policy/index.js'
import { CLOUD, read, ROLES } from './policies.js'

const matrix = matrixOf(read())
const HOSTILE = `<script>alert("&'")</script>`

describe('matrixOf', () => {
  it('has a row for each message, and a cell for each role', () => {
    expect(matrix.roles).toEqual(ROLES)
    expect(matrix.rows.map(({ type }) => type)).toEqual(Object.keys(CLOUD.messages))
    for (const { cells } of matrix.rows) expect(cells).toHaveLength(ROLES.length)
  })

  it('says who may send what, where, and on which terms', () => {
    expect(matrixText(matrix)).toEqual([
      ['type', ...ROLES],
      ['rpc.scheduler.update_instance_info', '○', '·', '·', '·'],
      ['rpc.conductor.ping', '●', '·', '·', '●'],
      ['rpc.compute.build_and_run_instance', '·', '●', '●', '·'],
      ['rpc.compute.live_migration', '·', '●', '·', '·'],
      ['notify.*', '○', '·', '·', '·'],
    ])
    expect(matrix.rows[0]?.cells[0]).toEqual({
      may: 'bound',
      to: [{ destination: 'scheduler', ways: [['args.host_name == node']] }],
    })
  })

  it('requirement 40: shows that only the conductor moves machines', () => {
    const row = matrix.rows.find(({ type }) => type === 'rpc.compute.live_migration')
    expect(ROLES.filter((_, index) => row?.cells[index]?.may !== 'never')).toEqual(['conductor'])
  })
})

describe('matrixSvg and matrixHtml', () => {
  it('draw a mark for every cell that is not empty', () => {
    const svg = matrixSvg(matrix)
    // One more of each is in the legend.
    expect(svg.match(/<circle class="always"/g)).toHaveLength(6)
    expect(svg.match(/<circle class="bound"/g)).toHaveLength(3)
    expect(svg).toContain('<title>compute → scheduler: args.host_name == node</title>')
    expect(svg).not.toMatch(/NaN|Infinity|undefined/)
    expect(matrixHtml(matrix, 'Who may')).toContain(svg)
    expect(matrixHtml(matrix, 'Who may').match(/<td class="never"><\/td>/g)).toHaveLength(13)
  })

  it('let nothing through that means something to a browser', () => {
    const hostile: Matrix = {
      roles: [HOSTILE],
      rows: [
        {
          type: HOSTILE,
          cells: [{ may: 'bound', to: [{ destination: HOSTILE, ways: [[HOSTILE]] }] }],
        },
      ],
    }
    for (const text of [matrixSvg(hostile), matrixHtml(hostile, HOSTILE)]) {
      expect(text).not.toContain('<script')
      expect(text).not.toContain('alert("')
      expect(text).toContain('&#60;script&#62;alert(&#34;&#38;&#39;&#34;)&#60;/script&#62;')
    }
  })

  it('let a policy say nothing to a browser: of what it names, only fields may hold anything', () => {
    const field = `"<img/src=x/onerror=alert('1')>"`
    const rule = { ...CLOUD.rules[0], bind: [`${field} == node`] }
    const policy = read({ messages: { [CLOUD.rules[0].send[0]]: [field] }, rules: [rule] })
    const html = matrixHtml(matrixOf(policy), 'a')
    expect(html).toContain('&#60;img/src=x')
    expect(html).not.toContain('<img')
  })

  it('draw more types than a call may have arguments', { timeout: 60_000 }, () => {
    const row = matrix.rows[0]
    if (row === undefined) throw new Error('there is no row')
    const rows = Array.from({ length: 200_000 }, () => ({ ...row, cells: [] }))
    expect(matrixSvg({ roles: [], rows })).toMatch(/^<svg /)
  })

  it('have room for a policy of one role', () => {
    const policy = parsePolicy(
      JSON.stringify({
        version: 1,
        roles: ['a'],
        messages: { b: null },
        destinations: { c: null },
        rules: [{ name: 'd', deny: '*', send: 'b', to: 'c' }],
      }),
    )
    expect(matrixText(matrixOf(policy))).toEqual([
      ['type', 'a'],
      ['b', '·'],
    ])
    expect(matrixSvg(matrixOf(policy))).not.toMatch(/NaN|Infinity/)
  })
})
