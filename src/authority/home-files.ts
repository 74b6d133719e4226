/**
 * What is where in the home of an authority.
 *
 * @module authority/home-files (floor 7)
 */

/** Names of the files of a home. */
export const HOME_FILES = {
  deployment: 'deployment.json',
  mapping: 'mapping.yaml',
  root: 'root.pem',
  issuing: 'issuing-ca.pem',
  publisher: 'trust-publisher.pem',
  issuingKey: 'issuing-ca.key.pem',
  publisherKey: 'trust-publisher.key.pem',
  database: 'store.db',
  head: 'store.head',
} as const

/** Certificate and key of an issuing CA after the first: their numbers tell them apart, and no file ever changes. */
export function issuingCaFiles(number: number): { readonly certificate: string; readonly key: string } {
  if (number === 1) return { certificate: HOME_FILES.issuing, key: HOME_FILES.issuingKey }
  return { certificate: `issuing-ca-${number}.pem`, key: `issuing-ca-${number}.key.pem` }
}
