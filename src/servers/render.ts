/**
 * What configurations of several kinds have in common.
 *
 * @module servers/render (floor 7.2)
 */
import { isIPv6 } from 'node:net'
import type { GeneratedFile } from './server.js'
import type { ServerPlan } from './plan.js'

/** The files of a credential directory, behind `current`: a renewal swaps all of them together. */
export interface CredentialFiles {
  readonly directory: string
  readonly fullchain: string
  readonly key: string
  /** Key, certificate and CAs in one file. */
  readonly combined: string
  readonly caBundle: string
  readonly crls: string
  /** A folder with one file for each CRL, named as OpenSSL looks for them. */
  readonly crlFolder: string
}

export function credentialFilesOf(directory: string): CredentialFiles {
  const file = (name: string): string => `${directory}/current/${name}`
  return {
    directory,
    fullchain: file('fullchain.pem'),
    key: file('key.pem'),
    combined: file('combined.pem'),
    caBundle: file('ca-bundle.pem'),
    crls: file('crls.pem'),
    crlFolder: file('crls'),
  }
}

/** `10.0.0.1:8443`, `[::1]:8443`. */
export function hostPort(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** A file of the plan's directory that anybody may read. */
export function publicFile({ directory }: ServerPlan, name: string, content: string): GeneratedFile {
  return { path: `${directory}/${name}`, content, mode: 0o644, owner: 'root', group: 'root' }
}

/** A file of the plan's directory that only root and the server may read. */
export function secretFile({ directory, group }: ServerPlan, name: string, content: string): GeneratedFile {
  return { path: `${directory}/${name}`, content, mode: 0o640, owner: 'root', group }
}

/** Octal as people write modes: `0640`. */
export function modeText(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

/** Each line behind some spaces. */
export function indented(text: string, spaces: number): string {
  return text.replaceAll(/^(?=.)/gm, ' '.repeat(spaces))
}

/**
 * The headers by which a proxy tells its backend who asks. Whatever a client sends under these names, or under names that
 * some servers take for the same, is taken away.
 */
export const IDENTITY_HEADERS = {
  entity: 'X-Signet-Entity',
  uri: 'X-Signet-Identity',
  roles: 'X-Signet-Roles',
} as const
