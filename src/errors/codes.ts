/**
 * The one table of error codes. Library, command line and `--json` all speak it.
 *
 * A code is `ERR_<AREA>_<FACT>`; codes are only ever added. The category decides the exit code; exit codes are
 * never renumbered.
 *
 * @module errors/codes (floor 0)
 */

/** Exit codes of the command line, by category. 0 means done or verified, and only that. */
export const EXIT_CODES = {
  internal: 1,
  usage: 2,
  encoding: 3,
  untrusted: 4,
  denied: 5,
  stale: 6,
  state: 7,
  store: 8,
  limit: 9,
} as const

/** What kind of refusal an error is. */
export type ErrorCategory = keyof typeof EXIT_CODES

export const ERROR_CODES = {
  ERR_INTERNAL: { category: 'internal', summary: 'a broken invariant: a bug in signet' },
  ERR_ISSUE_TBS_MISMATCH: { category: 'internal', summary: 'the signed certificate is not the one that was approved' },

  ERR_USAGE: { category: 'usage', summary: 'the command line is wrong' },
  ERR_CONFIG_INVALID: {
    category: 'usage',
    summary: 'an option or a configuration file has a value that is not allowed',
  },
  ERR_RUNTIME_UNSUPPORTED: { category: 'usage', summary: 'this version of Node.js is too old' },
  ERR_PASSPHRASE_REQUIRED: { category: 'usage', summary: 'a passphrase is needed and none was given' },
  ERR_TRUST_NO_ANCHOR: { category: 'usage', summary: 'no trust anchor was given' },
  ERR_TRUST_NO_PIN: { category: 'usage', summary: 'no fingerprint was given to check the trust directory against' },
  ERR_KEYSTONE_WHITELIST: { category: 'usage', summary: 'a whitelist of a Keystone mapping keeps nobody out' },
  ERR_KEYSTONE_CONDITION: { category: 'usage', summary: 'a condition of a Keystone mapping compares with nothing' },
  ERR_KEYSTONE_PATTERN: {
    category: 'usage',
    summary: 'a pattern of a Keystone mapping is loose, or may take exponentially long',
  },
  ERR_KEYSTONE_TEMPLATE: { category: 'usage', summary: 'a text of a Keystone mapping is more than positions' },
  ERR_KEYSTONE_ATTRIBUTE: { category: 'usage', summary: 'a Keystone mapping believes what clients send' },
  ERR_KEYSTONE_GROUPS: { category: 'usage', summary: 'groups of a Keystone mapping are no plain list with a domain' },
  ERR_KEYSTONE_DOMAIN: { category: 'usage', summary: 'a user of a Keystone mapping gets the domain of another object' },
  ERR_KEYSTONE_USER: { category: 'usage', summary: 'a Keystone mapping names no user' },
  ERR_REGISTRY_DOCUMENT: { category: 'usage', summary: 'a document of the registry is not valid' },
  ERR_POLICY_INVALID: { category: 'usage', summary: 'a policy is not valid' },
  ERR_POLICY_CASES: {
    category: 'usage',
    summary: 'a policy does not decide as its cases say, or they leave rules out',
  },
  ERR_POLICY_LINT: { category: 'usage', summary: 'a policy has something in it that is never meant' },
  ERR_BROKER_NAME: {
    category: 'usage',
    summary: 'a broker cannot keep the permissions of an entity apart by its name',
  },
  ERR_BROKER_PATTERN: { category: 'usage', summary: 'a broker cannot hold a pattern of addresses exactly' },
  ERR_POLICY_OSLO: { category: 'usage', summary: 'a policy of oslo.policy has a rule that is not safe, or is no rule' },
  ERR_MAPPING_INVALID: { category: 'usage', summary: 'the identity mapping file is not valid' },
  ERR_MAPPING_LINT: { category: 'usage', summary: 'the identity mapping says what it can hardly mean' },

  ERR_INPUT_EMPTY: { category: 'encoding', summary: 'the input is empty' },
  ERR_DER_TRUNCATED: { category: 'encoding', summary: 'a DER value ends after the input does' },
  ERR_DER_TAG: { category: 'encoding', summary: 'a DER value has another tag than the one expected' },
  ERR_DER_LENGTH: { category: 'encoding', summary: 'a DER length is indefinite, or longer than any input may be' },
  ERR_DER_NON_CANONICAL: { category: 'encoding', summary: 'a value is not in its one DER form' },
  ERR_DER_TRAILING_DATA: { category: 'encoding', summary: 'bytes follow the end of a DER value' },
  ERR_DER_OID: { category: 'encoding', summary: 'an object identifier is malformed' },
  ERR_DER_TIME: { category: 'encoding', summary: 'a time is malformed' },
  ERR_DER_STRING: { category: 'encoding', summary: 'a string has characters that its type does not allow' },
  ERR_BER_UNSUPPORTED: { category: 'encoding', summary: 'a BER document cannot be brought into DER' },
  ERR_PEM_MALFORMED: { category: 'encoding', summary: 'PEM text is malformed' },
  ERR_PEM_LABEL: { category: 'encoding', summary: 'a PEM block has another label than the one expected' },
  ERR_JSON_MALFORMED: { category: 'encoding', summary: 'JSON is malformed, or an object names a key twice' },
  ERR_YAML_MALFORMED: { category: 'encoding', summary: 'YAML is malformed, or more than plain values' },
  ERR_KEY_MALFORMED: { category: 'encoding', summary: 'a key is malformed' },
  ERR_NAME_MALFORMED: { category: 'encoding', summary: 'a distinguished name or general name is malformed' },
  ERR_CERTIFICATE_MALFORMED: { category: 'encoding', summary: 'a certificate is malformed' },
  ERR_EXTENSION_MALFORMED: { category: 'encoding', summary: 'an extension is malformed' },
  ERR_EXTENSION_DUPLICATE: { category: 'encoding', summary: 'an extension occurs twice' },
  ERR_CRL_MALFORMED: { category: 'encoding', summary: 'a CRL is malformed' },
  ERR_CSR_MALFORMED: { category: 'encoding', summary: 'a certification request is malformed' },
  ERR_OCSP_MALFORMED: { category: 'encoding', summary: 'an OCSP request or response is malformed' },
  ERR_CMS_MALFORMED: { category: 'encoding', summary: 'a CMS document is malformed' },
  ERR_CMS_ATTRIBUTE_MALFORMED: { category: 'encoding', summary: 'a CMS attribute is malformed' },
  ERR_CMS_ATTRIBUTE_DUPLICATE: { category: 'encoding', summary: 'a CMS attribute occurs twice or has several values' },
  ERR_MESSAGE_HEADER: { category: 'encoding', summary: 'the signature in the header of a message is malformed' },
  ERR_OSLO_MESSAGE: {
    category: 'encoding',
    summary: 'a message of oslo.messaging is malformed, or of another version',
  },
  ERR_MESSAGE_CONTEXT_MALFORMED: { category: 'encoding', summary: 'the context of a message is malformed' },
  ERR_TRUST_DIRECTORY_MALFORMED: { category: 'encoding', summary: 'a trust directory is malformed' },
  ERR_CREDENTIAL_MALFORMED: { category: 'encoding', summary: 'a credential directory holds something malformed' },
  ERR_SERIAL_MALFORMED: {
    category: 'encoding',
    summary: 'a serial number, key identifier or fingerprint is malformed',
  },

  ERR_ALGORITHM_NOT_ALLOWED: { category: 'untrusted', summary: 'an algorithm is not on the allow-list' },
  ERR_ALGORITHM_MISMATCH: { category: 'untrusted', summary: 'two algorithm fields, or algorithm and key, disagree' },
  ERR_KEY_NOT_ALLOWED: {
    category: 'untrusted',
    summary: 'a public key is of a kind, size or form that is not allowed',
  },
  ERR_CSR_SIGNATURE: { category: 'untrusted', summary: 'a certification request does not prove possession of its key' },
  ERR_PATH_NOT_FOUND: { category: 'untrusted', summary: 'no path leads from the certificate to a trust anchor' },
  ERR_PATH_SIGNATURE: { category: 'untrusted', summary: 'a certificate of the path is not signed by its issuer' },
  ERR_PATH_EXPIRED: { category: 'untrusted', summary: 'a certificate of the path is past notAfter' },
  ERR_PATH_NOT_YET_VALID: { category: 'untrusted', summary: 'a certificate of the path is before notBefore' },
  ERR_PATH_NOT_CA: { category: 'untrusted', summary: 'a certificate that is not a CA issued one of the path' },
  ERR_PATH_LENGTH: { category: 'untrusted', summary: 'the path is longer than a pathLenConstraint allows' },
  ERR_PATH_KEY_USAGE: { category: 'untrusted', summary: 'a key of the path is used for what its keyUsage excludes' },
  ERR_PATH_PURPOSE: { category: 'untrusted', summary: 'a certificate of the path is not for this purpose' },
  ERR_PATH_NAME_CONSTRAINT: { category: 'untrusted', summary: 'a name breaks a name constraint of the path' },
  ERR_PATH_POLICY: {
    category: 'untrusted',
    summary: 'the path is not valid for any acceptable certificate policy',
  },
  ERR_PATH_FORM: { category: 'untrusted', summary: 'a certificate of the path has not the form that is demanded' },
  ERR_PATH_CRITICAL_EXTENSION: { category: 'untrusted', summary: 'a critical extension is not understood' },
  ERR_PATH_HOST_NAME: { category: 'untrusted', summary: 'the certificate is for another host name or address' },
  ERR_PATH_IDENTITY: { category: 'untrusted', summary: 'the certificate is for another URI or mailbox' },
  ERR_REVOKED: { category: 'untrusted', summary: 'a certificate of the path is revoked' },
  ERR_REVOCATION_UNKNOWN: { category: 'untrusted', summary: 'nothing current says whether a certificate is revoked' },
  ERR_OCSP_RESPONDER: {
    category: 'untrusted',
    summary: 'an OCSP response is not signed by somebody who may answer for the CA',
  },
  ERR_OCSP_NO_ANSWER: { category: 'untrusted', summary: 'an OCSP responder gave an error instead of an answer' },
  ERR_OCSP_NONCE: { category: 'untrusted', summary: 'an OCSP response does not repeat the nonce of the request' },
  ERR_CMS_TYPE_UNSUPPORTED: { category: 'untrusted', summary: 'a CMS document is of another type than wanted' },
  ERR_CMS_NO_SIGNERS: { category: 'untrusted', summary: 'nobody signed the document' },
  ERR_CMS_SIGNER_COUNT: { category: 'untrusted', summary: 'a document has another number of signers than wanted' },
  ERR_CMS_SIGNER_UNKNOWN: { category: 'untrusted', summary: "the signer's certificate is not known here" },
  ERR_CMS_SIGNER_AMBIGUOUS: { category: 'untrusted', summary: 'several certificates fit a signer identifier' },
  ERR_CMS_SIGNATURE: { category: 'untrusted', summary: 'a CMS signature does not verify' },
  ERR_CMS_DIGEST_MISMATCH: { category: 'untrusted', summary: 'the content is not the content that was signed' },
  ERR_CMS_SIGNED_ATTRIBUTES: { category: 'untrusted', summary: 'a required signed attribute is missing' },
  ERR_CMS_UNSIGNED_ATTRIBUTE: { category: 'untrusted', summary: 'an unsigned attribute is not allowed here' },
  ERR_CMS_CONTENT_TYPE: { category: 'untrusted', summary: 'the content is of another type than signed or wanted' },
  ERR_CMS_CONTENT_MISSING: { category: 'untrusted', summary: 'a detached signature needs its content' },
  ERR_CMS_CONTENT_CONFLICT: {
    category: 'untrusted',
    summary: 'the document has content of its own beside the one given',
  },
  ERR_CMS_ESS_MISMATCH: { category: 'untrusted', summary: 'signingCertificateV2 names another certificate' },
  ERR_CMS_DECRYPT: {
    category: 'untrusted',
    summary: 'a document is not encrypted for this key, or was changed; which of them, nobody is told',
  },
  ERR_SECOND_OPINION: { category: 'untrusted', summary: 'an independent implementation disagrees' },
  ERR_TRUST_PIN_MISMATCH: {
    category: 'untrusted',
    summary: 'nothing in the trust directory has the pinned fingerprint',
  },
  ERR_TRUST_DIRECTORY_FORK: {
    category: 'untrusted',
    summary: 'two different trust directories have one sequence number',
  },

  ERR_IDENTITY_UNMAPPED: { category: 'denied', summary: 'no rule maps the certificate to an identity' },
  ERR_IDENTITY_INVALID: { category: 'denied', summary: 'a certificate or entity has no well-formed identity' },
  ERR_KEYSTONE_REFUSED: { category: 'denied', summary: 'a Keystone mapping yields no identity' },
  ERR_KEYSTONE_DISAGREES: { category: 'denied', summary: 'Keystone would map a certificate to somebody else' },
  ERR_KEYSTONE_OTHER_USER: { category: 'denied', summary: 'a certificate maps to another user than the one who asks' },
  ERR_KEYSTONE_VALUES: {
    category: 'denied',
    summary: 'an attribute has several values, or none, where a Keystone mapping wants one',
  },
  ERR_KEYSTONE_CONFLICT: { category: 'denied', summary: 'two rules of a Keystone mapping contradict each other' },
  ERR_KEYSTONE_SEPARATOR: { category: 'denied', summary: 'an attribute has a semicolon, at which Keystone splits it' },
  ERR_KEYSTONE_GROUP_NAME: { category: 'denied', summary: 'a group has a name that Keystone takes for something else' },
  ERR_KEYSTONE_CHARACTER: { category: 'denied', summary: 'an attribute is empty, or has characters that nobody sees' },
  ERR_KEYSTONE_UNSUPPORTED: {
    category: 'denied',
    summary: 'a Keystone mapping asks for what only Python can do',
  },
  ERR_IDENTITY_MISMATCH: { category: 'denied', summary: 'the signer is not one of those that are wanted' },
  ERR_SCOPE_INVALID: { category: 'denied', summary: 'a scope is malformed, or cannot be where it shall be' },
  ERR_ROLE_INVALID: { category: 'denied', summary: 'a role is malformed, or implies itself or an unknown one' },
  ERR_ENTITY_INACTIVE: { category: 'denied', summary: 'the entity is quarantined or retired' },
  ERR_POLICY_DENIED: { category: 'denied', summary: 'the policy does not let this sender send this message there' },
  ERR_POLICY_WIDER: { category: 'denied', summary: 'a policy allows more than the one that it is compared with' },
  ERR_MESSAGE_UNSIGNED: { category: 'denied', summary: 'what should be a signed message is not one' },
  ERR_MESSAGE_DESTINATION: { category: 'denied', summary: 'the message is for another destination' },
  ERR_MESSAGE_TYPE: { category: 'denied', summary: 'the message is of a type that is not wanted here' },
  ERR_MESSAGE_SOURCE: { category: 'denied', summary: 'the source in the message is not its signer' },
  ERR_CMS_RECIPIENT: {
    category: 'denied',
    summary: 'a document cannot be encrypted: for nobody, for somebody twice, or for a key that cannot decrypt',
  },
  ERR_MESSAGE_RECIPIENTS: {
    category: 'denied',
    summary: 'a message is to be encrypted for nobody named, or was signed for others than it was encrypted for',
  },
  ERR_MESSAGE_PROTECTION: { category: 'denied', summary: 'a message is protected less than its type has to be' },
  ERR_MESSAGE_ADDRESS: { category: 'denied', summary: 'a broker says something else of a message than was signed' },
  ERR_MESSAGE_CONTENT: { category: 'denied', summary: 'the content of a message is not what its signed type says' },
  ERR_MESSAGE_BINDING: { category: 'denied', summary: 'a field of the message contradicts the identity of its signer' },
  ERR_CSR_EXTENSION: {
    category: 'denied',
    summary: 'a certification request asks for what the profile does not grant',
  },
  ERR_ISSUE_NAME: { category: 'denied', summary: 'a name may not be certified by this authority' },
  ERR_ISSUE_VALIDITY: { category: 'denied', summary: 'a certificate would outlive its issuer, or have no life at all' },
  ERR_ISSUE_KEY: {
    category: 'denied',
    summary: 'a public key may not be certified: it is in use, revoked or a CA key',
  },
  ERR_ISSUE_PROFILE: { category: 'denied', summary: 'a profile may not be issued this way' },
  ERR_CRL_FOREIGN: { category: 'denied', summary: 'a CRL is not one of this authority' },
  ERR_RENEW_DENIED: { category: 'denied', summary: 'a certificate may not be renewed' },

  ERR_MESSAGE_REPLAYED: { category: 'stale', summary: 'the message was accepted before' },
  ERR_MESSAGE_EXPIRED: { category: 'stale', summary: 'the message is past its lifetime or older than allowed' },
  ERR_MESSAGE_FROM_FUTURE: { category: 'stale', summary: 'the message was signed later than now' },
  ERR_TRUST_DIRECTORY_EXPIRED: { category: 'stale', summary: 'the trust directory is past nextUpdate' },
  ERR_TRUST_DIRECTORY_FROM_FUTURE: { category: 'stale', summary: 'the trust directory was issued later than now' },
  ERR_TRUST_DIRECTORY_ROLLBACK: { category: 'stale', summary: 'the trust directory is older than one seen before' },

  ERR_HOME_MISSING: { category: 'state', summary: 'there is no signet home here' },
  ERR_HOME_EXISTS: { category: 'state', summary: 'there is a signet home here already' },
  ERR_ENTITY_UNKNOWN: { category: 'state', summary: 'no such entity is registered' },
  ERR_ENTITY_EXISTS: { category: 'state', summary: 'an entity with this id or identity is registered already' },
  ERR_ENTITY_STATE: { category: 'state', summary: 'an entity cannot go from its state to the one asked for' },
  ERR_ENTITY_IDENTITY: { category: 'state', summary: 'an entity cannot become another identity' },
  ERR_SCOPE_UNKNOWN: { category: 'state', summary: 'no such scope is registered' },
  ERR_SCOPE_EXISTS: { category: 'state', summary: 'a scope with this path is registered already' },
  ERR_SCOPE_IN_USE: { category: 'state', summary: 'a scope contains something, or a role is held there' },
  ERR_ROLE_UNKNOWN: { category: 'state', summary: 'no such role is registered' },
  ERR_ROLE_IN_USE: { category: 'state', summary: 'a role is held by an entity or implied by another' },
  ERR_CERTIFICATE_UNKNOWN: { category: 'state', summary: 'this authority issued no such certificate' },
  ERR_ALREADY_REVOKED: { category: 'state', summary: 'the certificate is revoked already' },
  ERR_OUTPUT_EXISTS: { category: 'state', summary: 'the output exists already' },
  ERR_CRL_ROLLBACK: {
    category: 'state',
    summary: 'a CRL would be older than one published before, or would list less',
  },
  ERR_BROKER_CLIENT: { category: 'state', summary: 'the client of a broker is closed, or was refused' },
  ERR_CRL_NO_BASE: { category: 'state', summary: 'there is no current full CRL for a delta CRL to change' },

  ERR_FILE_READ: { category: 'store', summary: 'a file cannot be read' },
  ERR_FILE_WRITE: { category: 'store', summary: 'a file cannot be written' },
  ERR_KEY_PERMISSIONS: { category: 'store', summary: 'a secret file can be read by others' },
  ERR_KEY_PATH_UNSAFE: { category: 'store', summary: 'a secret file is a link, or not a regular file' },
  ERR_KEY_PASSPHRASE: { category: 'store', summary: 'a passphrase is wrong' },
  ERR_KEY_FORMAT_WEAK: { category: 'store', summary: 'a private key is encrypted in a weak, old way' },
  ERR_KEY_CERT_MISMATCH: { category: 'store', summary: 'a private key and a certificate do not belong together' },
  ERR_KEY_PROVIDER: { category: 'store', summary: 'the program that keeps a key did not do its work' },
  ERR_STORE_OPEN: { category: 'store', summary: 'the store cannot be opened' },
  ERR_STORE_WRITE: { category: 'store', summary: 'the store cannot be written' },
  ERR_STORE_LOCKED: { category: 'store', summary: 'another process keeps the store locked' },
  ERR_STORE_ROLLBACK: { category: 'store', summary: 'the store is older than the last use of it' },
  ERR_AUDIT_CHAIN: { category: 'store', summary: 'the issuance log was changed' },
  ERR_REPLAY_STORE: { category: 'store', summary: 'the replay memory cannot be used' },
  ERR_CLOCK_SUSPECT: { category: 'store', summary: 'the clock is before a time that has certainly passed' },

  ERR_LIMIT_EXCEEDED: { category: 'limit', summary: 'an input is larger than the documented limit' },
  ERR_DER_DEPTH: { category: 'limit', summary: 'DER values are nested too deep' },
  ERR_KDF_COST: { category: 'limit', summary: 'an encrypted key asks for more work than allowed' },
} as const satisfies Record<string, { category: ErrorCategory; summary: string }>

/** A stable error code. */
export type ErrorCode = keyof typeof ERROR_CODES

/** The codes of one category. */
export type CodeIn<K extends ErrorCategory> = {
  [C in ErrorCode]: (typeof ERROR_CODES)[C]['category'] extends K ? C : never
}[ErrorCode]
