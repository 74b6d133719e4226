/** What was set as a goal before it was measured: ratios of speed, in rows against peers. */
import type { Row } from './harness.ts'

export interface Goal {
  readonly row: string
  readonly peer: string
  readonly atLeast: number
}

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
  { row: 'first message of an unknown signer', peer: 'libcrypto, with chain', atLeast: 0.87 },
  { row: 'first message of an unknown signer', peer: 'libcrypto, with chain and CRLs', atLeast: 0.87 },
  { row: 'verifyAll on all cores', peer: 'verifyMessage, one after the other', atLeast: 1.8 },
  { row: 'issuance, bulk', peer: 'bare key generation + sign', atLeast: 0.35 },
  { row: 'issuance, bulk', peer: 'cfssl', atLeast: 1 },
  { row: 'issuance, bulk', peer: 'step-ca', atLeast: 1 },
  { row: 'issuance, key and certificate alone', peer: '@peculiar/x509', atLeast: 30 },
  // At most 1.5 times as long.
  { row: 'cold signet verify', peer: 'node -e 0', atLeast: 0.667 },
  { row: 'batch of files', peer: 'the library', atLeast: 0.8 },
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
