/**
 * BoringSSL: which names are the same (RFC 5280 §7.1), and which lie in the subtree of another (§4.2.1.10).
 *
 * A file is called `prefix-type-change[-addition].pem`. What must become of two names follows from how their files are
 * called: a change of case or spacing is none, a string type other than T61String makes no difference, an addition does.
 *
 * @module test/conformance/suites/boringssl-verify-name-match
 */
import { join } from 'node:path'
import { DerReader, KEY_LIMITS } from '../../../src/asn1/index.js'
import { Name } from '../../../src/x509/index.js'
import { filesIn, pemBlock, readPemBlocks } from '../files.js'
import { attempt, type Case, type Suite, type Verdict } from '../suite.js'
import { corruptions } from './boringssl-verify-name-match-corruptions.js'

interface NameFile {
  readonly file: string
  readonly prefix: string
  readonly type: string
  /** `unmangled`, `case_swap`, `normalized`, … */
  readonly change: string
  /** `extra_attr`, `extra_rdn`, `dupe_attr`, or nothing. */
  readonly addition: string
}

export const boringsslVerifyNameMatch: Suite = {
  name: 'boringssl-verify-name-match',
  title: 'equal names, and names within names',
  peers: '',
  load(corpora) {
    const folder = join(corpora, 'boringssl', 'verify_name_match_unittest', 'names')
    const files = filesIn(folder, '.pem')
    if (files === undefined) return undefined
    const derOf = (file: string): Uint8Array => pemBlock(readPemBlocks(folder, file), 'NAME')
    const names = files.map(describe)
    const good = names.filter(({ prefix }) => prefix !== 'invalid')
    const cases: Case[] = []
    for (const { file, prefix } of names) {
      const expected = prefix === 'invalid' ? 'reject' : 'same'
      cases.push({ id: `${file} itself`, expected, run: () => compare(derOf(file), derOf(file)) })
      for (const { what, ders } of prefix === 'invalid' ? [] : corruptions(derOf(file))) {
        cases.push({ id: `${file} with ${what}`, expected: 'reject', run: () => mostLenient(ders) })
      }
    }
    for (const a of good) {
      for (const b of good) {
        const [same, within] = a === b ? [undefined, undefined] : [isSame(a, b), isWithin(a, b)]
        const run = (method: 'equals' | 'isWithin') => () => compare(derOf(a.file), derOf(b.file), method)
        if (same !== undefined) cases.push({ id: `${a.file} = ${b.file}`, expected: word(same), run: run('equals') })
        if (within !== undefined)
          cases.push({ id: `${a.file} within ${b.file}`, expected: word(within), run: run('isWithin') })
      }
    }
    return { cases }
  },
}

function describe(file: string): NameFile {
  const [prefix = '', type = '', change = '', addition = ''] = file.replace(/\.pem$/, '').split('-')
  return { file, prefix, type, change, addition }
}

const word = (same: boolean): string => (same ? 'same' : 'different')

function read(der: Uint8Array): Name {
  const reader = DerReader.over(der, KEY_LIMITS)
  const name = Name.read(reader)
  reader.finish()
  return name
}

function compare(a: Uint8Array, b: Uint8Array, method: 'equals' | 'isWithin' = 'equals'): Verdict {
  return { got: word(read(a)[method](read(b))) }
}

/** What becomes of several names that must all be refused: the first one that is not. */
function mostLenient(ders: readonly Uint8Array[]): Verdict {
  const verdicts = ders.map((der) => attempt(() => read(der)))
  return verdicts.find(({ got }) => got !== 'reject') ?? verdicts[0] ?? { got: 'reject' }
}

/** Whether the string types of two names can hold the same text (RFC 5280 §7.1: T61String has no mapping of its own). */
function comparable(a: NameFile, b: NameFile): boolean {
  return a.type === b.type || !(a.type === 'T61STRING' || b.type === 'T61STRING')
}

/** Whether two names are the same; `undefined` where their files do not say. */
function isSame(a: NameFile, b: NameFile): boolean | undefined {
  if (isEmpty(a) || isEmpty(b)) return isPlain(a) || isPlain(b) ? false : undefined
  if (a.prefix !== b.prefix) return undefined
  if (a.addition !== b.addition) return a.type === b.type && a.change === b.change ? false : undefined
  if (a.addition !== '') return undefined
  // `rdn_sorting_1` and `rdn_sorting_2` are one name, its attributes in two orders; `normalized` and not are one, too.
  const [kind, other] = [a, b].map(({ change }) => change.replace(/_\d+$|^un(?=normalized)/, ''))
  if (a.type === b.type && a.change !== b.change && kind === other) return true
  if (!CHANGES.has(a.change) || !CHANGES.has(b.change)) return undefined
  if (!comparable(a, b)) return isPlain(a) && isPlain(b) ? false : undefined
  return a.type === 'T61STRING' ? a.change === b.change : true
}

const CHANGES: ReadonlySet<string> = new Set(['unmangled', 'case_swap', 'extra_whitespace'])

/** Whether `a` lies in the subtree of `b`; `undefined` where their files do not say. */
function isWithin(a: NameFile, b: NameFile): boolean | undefined {
  if (isEmpty(a) || isEmpty(b)) return isPlain(a) || isPlain(b) ? isEmpty(b) : undefined
  if (a.prefix !== b.prefix || a.change !== 'unmangled' || b.change !== 'unmangled') return undefined
  if ([a, b].some(({ addition }) => addition === 'dupe_attr')) return undefined
  // One more RDN at its end leaves a name inside; one more attribute in an RDN makes it another.
  if (comparable(a, b) && b.addition === '') return a.addition !== 'extra_attr'
  return comparable(a, b) && a.addition === b.addition
}

const isEmpty = ({ prefix, change }: NameFile): boolean => prefix === 'valid' && change === 'empty'
const isPlain = ({ change, addition }: NameFile): boolean => change === 'unmangled' && addition === ''
