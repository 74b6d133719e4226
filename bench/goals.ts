/** What was set as a goal before it was measured: ratios of speed, in rows against peers. */
import type { Row } from './harness.ts'

export interface Goal {
  readonly row: string
  readonly peer: string
  readonly atLeast: number
  /** What stands in the way, where it is missed. */
  readonly why?: string
}

const FIRST_WHY =
  'half of it are two signatures, of the message and of the certificate; the rest is code and data that nothing kept in the ' +
  "processor's caches, while libcrypto has its certificates parsed and its keys ready"

export const GOALS: readonly Goal[] = [
  { row: 'verifyMessage p256', peer: 'bare crypto.verify', atLeast: 0.92 },
  { row: 'verifyMessage p256', peer: 'libcrypto, with chain', atLeast: 2.8 },
  { row: 'verifyMessage p256', peer: 'pkijs, with chain', atLeast: 30 },
  { row: 'verifyMessage p256', peer: 'Bouncy Castle, with chain', atLeast: 1 },
  { row: 'verifyMessage p256', peer: 'Go pkcs7, with chain', atLeast: 1 },
  { row: 'verifyMessage ed25519', peer: 'bare crypto.verify', atLeast: 0.92 },
  { row: 'verifyMessage rsa2048', peer: 'bare crypto.verify', atLeast: 0.8 },
  { row: 'verifyMessage ml-dsa-65', peer: 'bare crypto.verify', atLeast: 0.92 },
  { row: 'signMessage p256', peer: 'bare crypto.sign', atLeast: 0.88 },
  { row: 'signMessage p256', peer: 'libcrypto', atLeast: 1.3 },
  // At most 1.15 times as long.
  { row: 'first message of an unknown signer', peer: 'libcrypto, with chain', atLeast: 0.87, why: FIRST_WHY },
  { row: 'first message of an unknown signer', peer: 'libcrypto, with chain and CRLs', atLeast: 0.87, why: FIRST_WHY },
  {
    row: 'verifyAll on all cores',
    peer: 'verifyMessage, one after the other',
    atLeast: 1.8,
    why:
      'bare signatures on both processors, with nothing between them, are in the same row; what is left to them is one thread that ' +
      'prepares and judges, and the collection of its garbage, for which V8 takes threads of its own',
  },
  {
    row: 'issuance, bulk',
    peer: 'bare key generation + sign',
    atLeast: 0.35,
    why:
      'a certificate is verified again by somebody who knows only what others will know, which takes as long as bare key and signature ' +
      'together and more; with the log and the database it is more processor time than two processors have, see below under ' +
      '“Issuing for long”',
  },
  { row: 'issuance, bulk', peer: 'cfssl', atLeast: 1 },
  { row: 'issuance, bulk', peer: 'step-ca', atLeast: 1 },
  { row: 'issuance, key and certificate alone', peer: '@peculiar/x509', atLeast: 30 },
  // At most 1.5 times as long.
  {
    row: 'cold signet verify',
    peer: 'node -e 0',
    atLeast: 0.667,
    why:
      'see below, “A cold signet verify”: Node.js itself and its node:crypto are most of it, and code that runs once is not compiled; ' +
      'for many messages there is `--batch`',
  },
  {
    row: 'batch of files',
    peer: 'the library',
    atLeast: 0.8,
    why: 'two files are opened, read and closed for each message, which the library has in memory; lines carry both in them',
  },
  { row: 'batch of lines', peer: 'the library', atLeast: 0.8 },
]

export interface JudgedGoal extends Goal {
  /** `undefined` where it was not measured. */
  readonly measured: number | undefined
  readonly verdict: 'reached' | 'missed' | 'not measured'
}

export function judgeGoals(rows: readonly Row[], goals: readonly Goal[] = GOALS): readonly JudgedGoal[] {
  return goals.map((goal) => {
    const measured = rows.find(({ name }) => name === goal.row)?.ratios[goal.peer]
    const verdict = measured === undefined ? 'not measured' : measured >= goal.atLeast ? 'reached' : 'missed'
    return { ...goal, measured, verdict }
  })
}
