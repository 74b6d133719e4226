/**
 * Whether keys that a configuration names may be read by others.
 *
 * @module servers/lint-modes (floor 7.2)
 */
import type { ConfigFinding } from './finding.js'
import type { ConfigTexts } from './server.js'

/** What lies at a path. */
export interface LookedAt {
  readonly mode: number
  /** Whether it holds a private key. */
  readonly hasKey: boolean
}

/**
 * Look at every file that a configuration names by an absolute path. What is not there is not looked at.
 *
 * @param look - Follows links. `undefined` where there is no file.
 */
export function lintModes(texts: ConfigTexts, look: (path: string) => LookedAt | undefined): readonly ConfigFinding[] {
  const findings: ConfigFinding[] = []
  const seen = new Set<string>()
  for (const [file, text] of texts) {
    for (const { 0: path, index } of text.matchAll(/(?<![\w./-])\/[\w.-]+(?:\/[\w.-]+)*/g)) {
      const found = seen.has(path) ? undefined : look(path)
      seen.add(path)
      if (found?.hasKey !== true || (found.mode & 0o007) === 0) continue
      const line = text.slice(0, index).split('\n').length
      const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
      findings.push({
        code: 'mode',
        severity: 'hole',
        file,
        line,
        message: `${path} holds a private key, and everybody may read it (${mode})`,
        hint: 'chmod 0600, or 0640 with the group of the server; then issue it again, because it was read',
      })
    }
  }
  return findings
}
