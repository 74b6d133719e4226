/**
 * Every suite, in the order in which they run.
 *
 * @module test/conformance/suites
 */
import type { Suite } from '../suite.js'
import { bettertls } from './bettertls.js'
import { boringsslCertificatePolicies } from './boringssl-certificate-policies.js'
import { boringsslChain } from './boringssl-chain.js'
import { boringsslCrl } from './boringssl-crl.js'
import { boringsslNameConstraints } from './boringssl-name-constraints.js'
import { boringsslOcsp } from './boringssl-ocsp.js'
import { boringsslParseCertificate } from './boringssl-parse-certificate.js'
import { boringsslVerifyNameMatch } from './boringssl-verify-name-match.js'
import { boringsslVerifySignedData } from './boringssl-verify-signed-data.js'
import { keystoneMapping, keystoneMappingStrict } from './keystone-mapping.js'
import { kiteVectors } from './kite-vectors.js'
import { malformed } from './malformed.js'
import { mlDsa } from './ml-dsa.js'
import { opensslOcsp } from './openssl-ocsp.js'
import { opensslVerify } from './openssl-verify.js'
import { osloPolicyParser, osloPolicyRules, osloPolicySemantics } from './oslo-policy.js'
import { pkits } from './pkits.js'
import { wycheproof } from './wycheproof.js'
import { x509Limbo } from './x509-limbo.js'

export const SUITES: readonly Suite[] = [
  pkits,
  x509Limbo,
  bettertls,
  opensslVerify,
  opensslOcsp,
  boringsslChain,
  boringsslCrl,
  boringsslOcsp,
  boringsslParseCertificate,
  boringsslVerifyNameMatch,
  boringsslNameConstraints,
  boringsslCertificatePolicies,
  boringsslVerifySignedData,
  wycheproof,
  malformed,
  keystoneMapping,
  keystoneMappingStrict,
  osloPolicyParser,
  osloPolicySemantics,
  osloPolicyRules,
  kiteVectors,
  mlDsa,
]
