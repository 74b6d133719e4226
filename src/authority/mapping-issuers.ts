/**
 * Rules of a mapping that name the key of one issuing CA, changed to name that of another, too: in the text, so that
 * comments and order stay.
 *
 * @module authority/mapping-issuers (floor 7)
 */
import { UsageError } from '../errors/index.js'
import { type Mapping, parseMapping } from '../identity/index.js'

/**
 * Have every rule that names one key name another, too.
 *
 * @param known - SHA-256 of a public key, as `issuerKey` has it.
 * @returns The text as it is, where nothing is to be changed.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` where the text is written so that a person has to do it
 * @throws {@link EncodingError} what parsing the mapping throws
 */
export function addIssuerKey(text: string, known: string, added: string): string {
  if (rulesWithout(text, known, added) === 0) return text
  const scalar = new RegExp(`^(\\s*(?:- )?issuerKey:\\s*)(["']?)${known}\\2(\\s*(?:#.*)?)$`, 'gm')
  const listed = new RegExp(`(["']?)${known}\\1(?=\\s*[,\\]])`, 'g')
  const item = new RegExp(`^(\\s*- )(["']?)${known}\\2(\\s*(?:#.*)?)$`, 'gm')
  const changed = text
    .replace(scalar, `$1[${known}, ${added}]$3`)
    // A list in brackets, but not one that was just made.
    .replace(listed, (whole: string, _quote: string, offset: number, all: string) =>
      all.startsWith(`, ${added}`, offset + whole.length) ? whole : `${whole}, ${added}`,
    )
    .replace(item, `$1$2${known}$2$3\n$1${added}`)
  if (rulesWithout(changed, known, added) === 0) return changed
  throw new UsageError('ERR_CONFIG_INVALID', 'the mapping is written so that a person has to change it', {
    details: { issuerKey: known, add: added },
    hint: 'have every rule with the first issuerKey name the second, too: issuerKey: [FIRST, SECOND]; then try again',
  })
}

/**
 * Have no rule name a key that is named beside others. Where it is the only one, it stays: it matches nothing any more.
 *
 * @throws {@link EncodingError} what parsing the mapping throws
 */
export function removeIssuerKey(text: string, gone: string): string {
  const changed = text
    .replace(new RegExp(`\\[\\s*(["']?)${gone}\\1\\s*,\\s*`, 'g'), '[')
    .replace(new RegExp(`\\s*,\\s*(["']?)${gone}\\1(?=\\s*[,\\]])`, 'g'), '')
    .replace(/(issuerKey:\s*)\[\s*([0-9a-f]{64})\s*\]/g, '$1$2')
  parseMapping(changed)
  return changed
}

/** How many rules name the one key and not the other. */
function rulesWithout(text: string, known: string, added: string): number {
  const mapping: Mapping = parseMapping(text)
  return mapping.rules.filter(({ predicates }) =>
    predicates.some((one) => one.kind === 'issuerKey' && one.digests.has(known) && !one.digests.has(added)),
  ).length
}
