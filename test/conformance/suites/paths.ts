/**
 * Suites of certification paths. What a case asks is kept as octets, so that other programs can be asked the same.
 *
 * @module test/conformance/suites/paths
 */
import { type PathRequest, validatePath } from '../../../src/path/index.js'
import { parseCertificate, parseCrl } from '../../../src/x509/index.js'
import { attempt, type Case, type Loaded, skipped, type Suite, type Verdict } from '../suite.js'

/** What a case asks: {@link PathRequest} with everything in DER, as the suite has it. */
export interface PathInputs extends Omit<
  PathRequest,
  'anchors' | 'intermediates' | 'revocation' | 'nameConstraints' | 'strictness'
> {
  readonly target: Uint8Array
  readonly anchors: readonly Uint8Array[]
  readonly intermediates: readonly Uint8Array[]
  /** Without any, the case is not about revocation. */
  readonly crls?: readonly Uint8Array[]
  /** What signet is held to by the suite; other programs have their own. */
  readonly strictness: NonNullable<PathRequest['strictness']>
}

export interface PathCase extends Case {
  /** What is asked; or, in words, what signet has no answer to. */
  readonly inputs: () => PathInputs | string
}

export interface PathSuite extends Suite {
  readonly load: (corpora: string) => (Loaded & { readonly cases: readonly PathCase[] }) | undefined
}

/** A case of which signet validates a path. */
export function pathCase(id: string, expected: string, inputs: PathCase['inputs']): PathCase {
  const run = (): Verdict => {
    const asked = inputs()
    return typeof asked === 'string' ? skipped(asked) : validateInputs(asked)
  }
  return { id, expected, inputs, run }
}

/** What signet says. */
export function validateInputs({ target, anchors, intermediates, crls, ...request }: PathInputs): Verdict {
  return attempt(() => {
    const parse = (der: Uint8Array): ReturnType<typeof parseCertificate> => parseCertificate(der)
    validatePath(parse(target), {
      ...request,
      anchors: anchors.map(parse),
      intermediates: intermediates.map(parse),
      revocation: crls === undefined ? 'allow-unchecked' : { crls: crls.map((der) => parseCrl(der)) },
    })
  })
}
