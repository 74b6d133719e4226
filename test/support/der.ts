/** Changing one thing in a DER value, for mutation tables. Independent of the reader under test. */
import { encodeValue } from '../../src/asn1/index.js'

/** Where a value is: the number of the child at each level. `[]` is the whole. */
export type DerPath = readonly number[]

/** Header and content of one value that is known to be well-formed, with a low tag number. */
function split(element: Uint8Array): { readonly tag: number; readonly content: Uint8Array; readonly total: number } {
  const [tag = 0, first = 0] = element
  if (first < 0x80) return { tag, content: element.subarray(2, 2 + first), total: 2 + first }
  const start = 2 + (first & 0x7f)
  const length = element.subarray(2, start).reduce((sum, octet) => sum * 256 + octet, 0)
  return { tag, content: element.subarray(start, start + length), total: start + length }
}

/** The content octets of a value. */
export function contentOf(element: Uint8Array): Uint8Array {
  return split(element).content
}

/** The values in a constructed value. */
export function childrenOf(element: Uint8Array): Uint8Array[] {
  const children: Uint8Array[] = []
  let rest = contentOf(element)
  while (rest.length > 0) {
    const { total } = split(rest)
    children.push(rest.subarray(0, total))
    rest = rest.subarray(total)
  }
  return children
}

/** The value at a path. */
export function elementAt(der: Uint8Array, path: DerPath): Uint8Array {
  return path.reduce((element, index) => {
    const child = childrenOf(element)[index]
    if (child === undefined) throw new Error(`there is no value at ${path.join('.')}`)
    return child
  }, der)
}

/** Replace the value at a path by any number of others; the lengths around it follow. */
export function editDer(
  der: Uint8Array,
  path: DerPath,
  replace: (element: Uint8Array) => Uint8Array | readonly Uint8Array[],
): Uint8Array {
  const [index, ...rest] = path
  if (index === undefined) return joined(replace(der))
  const children = childrenOf(der)
  const child = children[index]
  if (child === undefined) throw new Error(`there is no value at ${path.join('.')}`)
  const changed = rest.length === 0 ? joined(replace(child)) : editDer(child, rest, replace)
  return encodeValue(split(der).tag, ...children.slice(0, index), changed, ...children.slice(index + 1))
}

/** Replace the content octets of the value at a path. */
export function editContent(der: Uint8Array, path: DerPath, replace: (content: Uint8Array) => Uint8Array): Uint8Array {
  return editDer(der, path, (element) => encodeValue(split(element).tag, replace(contentOf(element))))
}

/** The paths of every value in a DER value, the whole included. */
export function allPaths(der: Uint8Array, path: DerPath = []): DerPath[] {
  if ((split(der).tag & 0x20) === 0) return [path]
  return [path, ...childrenOf(der).flatMap((child, index) => allPaths(child, [...path, index]))]
}

/** A value inside so many values with this tag; made in time linear in its size. */
export function nested(tag: number, levels: number, inner: Uint8Array = Uint8Array.of(5, 0)): Uint8Array {
  const headers: Uint8Array[] = []
  let length = inner.length
  for (let level = 0; level < levels; level++) {
    const header = headerOf(tag, length)
    headers.push(header)
    length += header.length
  }
  return new Uint8Array(Buffer.concat([...headers.reverse(), inner]))
}

function headerOf(tag: number, length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(tag, length)
  const octets = length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4
  const header = Buffer.alloc(2 + octets)
  header[0] = tag
  header[1] = 0x80 | octets
  header.writeUIntBE(length, 2, octets)
  return header
}

function joined(parts: Uint8Array | readonly Uint8Array[]): Uint8Array {
  return parts instanceof Uint8Array ? parts : new Uint8Array(Buffer.concat(parts))
}

/** Bytes from hexadecimal, with spaces for the eye. */
export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
