import { describe, expect, it } from 'vitest'
import { parseRegistryLine, type RegistryDocument, registryParts } from '../../src/identity/index.js'
import { expectCodeAsync } from '../support/expect-code.js'

const LINES = [
  '{"scope": "region-one", "kind": "region"}',
  '{"role": "worker", "implies": []}',
  '{"entity": "worker", "kind": "node"}',
  '{"entity": "b", "kind": "service", "scope": "region-one", "state": "retired"}',
]

async function partsOf(text: string | Uint8Array): Promise<readonly RegistryDocument[]> {
  const parts: RegistryDocument[] = []
  for await (const part of registryParts([Buffer.from(text)], 'the text')) parts.push(part)
  return parts
}

const many = (count: number): string =>
  Array.from({ length: count }, (_, index) => `{"entity": "n-${index}", "kind": "node"}\n`).join('')

describe('registryParts', () => {
  it('reads what the lines say; empty ones say nothing', async () => {
    const [part, ...others] = await partsOf(`\n${LINES.join('\r\n  \n')}`)
    expect(others).toEqual([])
    expect([...(part?.scopes.keys() ?? [])]).toEqual(['region-one'])
    expect([...(part?.roles.keys() ?? [])]).toEqual(['worker'])
    expect([...(part?.entities.keys() ?? [])]).toEqual(['worker', 'b'])
    expect(part?.entities.get('b')).toEqual(parseRegistryLine(LINES[3] ?? '', 4).entities.get('b'))
  })

  it.each([0, 1, 249, 250, 251, 5000])('cuts %i lines into parts, and leaves none out', async (count) => {
    const parts = await partsOf(many(count))
    expect(parts.every(({ entities }) => entities.size > 0)).toBe(true)
    const ids = parts.flatMap(({ entities }) => [...entities.keys()])
    expect(ids).toEqual(Array.from({ length: count }, (_, index) => `n-${index}`))
    expect(parts).toHaveLength(Math.ceil(count / 250))
  })

  it.each([
    ['the next line', `${LINES.join('\n')}\n${LINES[3]}`, '5'],
    ['a line far away', `${many(3000)}{"entity": "n-7", "kind": "node"}`, '3001'],
    ['a role', `${LINES[1]}\n${many(3000)}${LINES[1]}`, '3002'],
    ['a scope', `${LINES[0]}\n\n${LINES[0]}`, '3'],
  ])('refuses what is there twice, also in %s', async (_, text, line) => {
    const error = await expectCodeAsync('ERR_REGISTRY_DOCUMENT', () => partsOf(text))
    expect(error.details['line']).toBe(line)
  })

  it.each(['{', '{"entity": "a"}x', '[]', '{"entity": "a", "entity": "b", "kind": "node"}', '7'])(
    'refuses the line %j, and says which it is',
    async (line) => {
      const error = await expectCodeAsync('ERR_REGISTRY_DOCUMENT', () => partsOf(`${LINES.join('\n')}\n\n${line}\n`))
      expect(error.message).toMatch(/^line 6/)
    },
  )

  it.each([
    ['octets that are no text', Uint8Array.of(0x7b, 0xff, 0x0a), 'ERR_DER_STRING'],
    ['NUL', '{"role": "a\0", "implies": []}', 'ERR_DER_STRING'],
    ['a line that is too long', `{"role": "a", "implies": ["${'x'.repeat(2 ** 20)}"]}`, 'ERR_LIMIT_EXCEEDED'],
  ] as const)('refuses %s', async (_, text, code) => {
    await expectCodeAsync(code, () => partsOf(text))
  })
})
