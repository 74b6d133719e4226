/** What the suites of one run share: a folder that goes with it, one deployment, one signer of each algorithm. */
import { type Algorithm, type Deployment, makeDeployment, makeSigner, type Signer } from './deployment.ts'
import type { Row } from './harness.ts'

export interface BenchContext {
  readonly folder: string
  /** Batches of each contender, at most. */
  readonly rounds: number
  /** Strangers whose names match. */
  readonly peers: RegExp
  readonly deployment: () => Promise<Deployment>
  readonly signer: (algorithm: Algorithm) => Promise<Signer>
}

/** Rows by name. */
export type Rows = Readonly<Record<string, (context: BenchContext, name: string) => Promise<Row>>>

export function makeContext({
  folder,
  rounds,
  peers,
}: Pick<BenchContext, 'folder' | 'rounds' | 'peers'>): BenchContext {
  let made: Promise<Deployment> | undefined
  const deployment = (): Promise<Deployment> => (made ??= makeDeployment(folder))
  const signers = new Map<Algorithm, Promise<Signer>>()
  const signer = async (algorithm: Algorithm): Promise<Signer> => {
    const found = signers.get(algorithm) ?? makeSigner(await deployment(), `node-${algorithm}`, algorithm)
    signers.set(algorithm, found)
    return found
  }
  return { folder, rounds, peers, deployment, signer }
}
