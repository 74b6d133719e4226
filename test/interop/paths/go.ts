/**
 * Go's crypto/x509, one process for all paths: go/verify-paths.go.
 *
 * @module test/interop/paths/go
 */
import { fileURLToPath } from 'node:url'
import { OID } from '../../../src/asn1/index.js'
import type { PathInputs } from '../../conformance/suites/paths.js'
import { type Answer, checkingAnchors, type Peer, rejected } from './peer.js'
import { start } from './process.js'

export const go: Peer = {
  name: 'go',
  program: 'go',
  // It reads every extension that it knows.
  strictnessOf: (inputs) => ({ ...checkingAnchors(inputs), forms: ['extensions-well-formed'] }),
  async ask(questions) {
    const program = fileURLToPath(new URL('../go/verify-paths.go', import.meta.url))
    const { code, stdout, stderr } = await start('go', ['run', program], JSON.stringify(questions.map(questionOf)))
    if (code !== 0) throw new Error(`verify-paths.go ended with ${String(code)}: ${stderr}`)
    const answers = stdout.trimEnd().split('\n').map(answerOf)
    if (answers.length !== questions.length) throw new Error('verify-paths.go answers every question with one line')
    return answers
  },
}

/** What verify-paths.go reads. */
function questionOf({ policies, ...inputs }: PathInputs): unknown {
  const base64 = (der: Uint8Array): string => Buffer.from(der).toString('base64')
  const wanted = policies?.userInitialPolicySet ?? [OID.anyPolicy]
  return {
    target: base64(inputs.target),
    anchors: inputs.anchors.map(base64),
    intermediates: inputs.intermediates.map(base64),
    at: inputs.at.toISOString(),
    purpose: inputs.purpose,
    host: inputs.hostName ?? '',
    policies: wanted.includes(OID.anyPolicy) ? [] : wanted,
    requireExplicitPolicy: policies?.initialExplicitPolicy === 'required',
    inhibitPolicyMapping: policies?.initialPolicyMapping === 'inhibited',
    inhibitAnyPolicy: policies?.initialAnyPolicy === 'inhibited',
  }
}

function answerOf(line: string): Answer {
  const [word, ...rest] = line.split(': ')
  const words = rest.join(': ')
  if (line === 'ok') return { got: 'accept' }
  if (word === 'refused') return rejected(words)
  if (word === 'cannot') return { got: 'not asked', words }
  throw new Error(`verify-paths.go said ${line}`)
}
