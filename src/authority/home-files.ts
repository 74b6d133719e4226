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
