/**
 * The folder from which a web server hands out the trust directory and its deltas: {@link SITE_FILES}.
 *
 * @module authority/trust-site (floor 7)
 */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import {
  lookAt,
  makeDirectory,
  PUBLIC_DIRECTORY_MODE,
  PUBLIC_MODE,
  readFileBytes,
  writeFileAtomic,
} from '../files/index.js'
import {
  deltaName,
  encodeSiteIndex,
  MAX_SITE_DELTAS,
  openPastTrustDirectory,
  parseSiteIndex,
  SITE_FILES,
  type SiteDelta,
  type TrustDirectory,
} from '../trust/index.js'
import type { TrustPublication } from './publish-trust.js'

/** What a site has: nothing, where it is new. */
export interface TrustSite {
  readonly directory: TrustDirectory | undefined
  readonly deltas: readonly SiteDelta[]
}

/**
 * Read what a site hands out now.
 *
 * @throws what there is and cannot be read, or is not of this deployment: it is not replaced
 */
export function readTrustSite(folder: string, pin: string): TrustSite {
  const path = join(folder, SITE_FILES.directory)
  if (lookAt(path) === undefined) return { directory: undefined, deltas: [] }
  const directory = openPastTrustDirectory(readFileBytes(path, { maxBytes: TRUST_DIRECTORY_LIMITS.maxBytes }), pin)
  const index = join(folder, SITE_FILES.index)
  return { directory, deltas: lookAt(index) === undefined ? [] : parseSiteIndex(readFileBytes(index)).deltas }
}

/**
 * Put a publication into a site. Each file is replaced in one step, and the index last: whoever comes meanwhile finds
 * what it names.
 *
 * @param delta - From the directory of the site to the new one; none where there was nothing.
 * @returns Where the files are that were written.
 * @throws {@link StoreError} `ERR_FILE_WRITE`
 */
export function writeTrustSite(
  folder: string,
  { directory, deltas }: TrustSite,
  publication: TrustPublication,
  delta: Uint8Array | undefined,
): readonly string[] {
  makeDirectory(join(folder, SITE_FILES.deltas), PUBLIC_DIRECTORY_MODE)
  const { sequence } = publication.directory
  const written: string[] = []
  const write = (name: string, content: Uint8Array | string): void => {
    const path = join(folder, name)
    writeFileAtomic(path, content, { mode: PUBLIC_MODE, existing: 'replace' })
    written.push(path)
  }
  const added: readonly SiteDelta[] =
    directory === undefined || delta === undefined ? [] : [[directory.sequence, sequence]]
  const kept = [...deltas, ...added].slice(-MAX_SITE_DELTAS)
  for (const item of added) write(deltaName(item), delta ?? new Uint8Array())
  write(SITE_FILES.directory, publication.der)
  write(SITE_FILES.index, encodeSiteIndex({ sequence, deltas: kept }))
  removeOthers(folder, kept)
  return written
}

/** Deltas that the index no longer names. */
function removeOthers(folder: string, kept: readonly SiteDelta[]): void {
  const names = new Set(kept.map(deltaName))
  for (const name of readdirSync(join(folder, SITE_FILES.deltas))) {
    const path = `${SITE_FILES.deltas}/${name}`
    if (/^\d+-\d+\.p7$/.test(name) && !names.has(path)) rmSync(join(folder, path), { force: true })
  }
}
