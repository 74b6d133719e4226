/**
 * Libraries in JavaScript as peers, each in a process of its own: pkijs, jose, node-forge.
 *
 * `node javascript.ts LIBRARY TASK FOLDER MODULES`, TASK one of verify, verify-chain, sign; MODULES is the folder that has
 * `node_modules`. Says `ready`, or `cannot: ` and why. Then each line of input is a number of operations,
 * answered by their nanoseconds, after half as many that are not measured.
 */
import { createPrivateKey, X509Certificate, webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { readPieces } from './pieces.ts'

type Operation = (index: number) => unknown

const [library = '', task = '', folder = '', modules = ''] = process.argv.slice(2)

function read(name: string): Buffer<ArrayBuffer> {
  // A copy, so that it is alone in its ArrayBuffer.
  return Buffer.from(Uint8Array.from(readFileSync(join(folder, name))).buffer)
}

const content = read('content.bin')
const algorithm = read('algorithm').toString()

async function pkijs(): Promise<Operation> {
  const { Certificate, CertificateChainValidationEngine, ...pki } = await import('pkijs')
  if (algorithm !== 'p256' && algorithm !== 'rsa2048') throw new Error('pkijs 4 has no Ed25519 and no ML-DSA')
  const engine = new pki.CryptoEngine({ name: 'node', crypto: webcrypto as never })
  pki.setEngine('node', engine)
  const [signer, issuing, root] = ['signer.der', 'issuing.der', 'root.der'].map((name) =>
    Certificate.fromBER(read(name)),
  )
  if (signer === undefined || issuing === undefined || root === undefined) throw new Error('no certificates')
  if (task === 'sign') {
    const asn1 = await import('asn1js')
    const curve = { name: 'ECDSA', namedCurve: 'P-256' }
    const kind = algorithm === 'p256' ? curve : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    const key = await webcrypto.subtle.importKey('pkcs8', read('signer-key.der'), kind, false, ['sign'])
    return async () => {
      const digest = await engine.digest('SHA-256', content)
      const attribute = (type: string, value: object): InstanceType<typeof pki.Attribute> =>
        new pki.Attribute({ type, values: [value] as never })
      const signedData = new pki.SignedData({
        version: 1,
        encapContentInfo: new pki.EncapsulatedContentInfo({ eContentType: pki.ContentInfo.DATA }),
        signerInfos: [
          new pki.SignerInfo({
            version: 1,
            sid: new pki.IssuerAndSerialNumber({ issuer: signer.issuer, serialNumber: signer.serialNumber }),
            signedAttrs: new pki.SignedAndUnsignedAttributes({
              type: 0,
              attributes: [
                attribute('1.2.840.113549.1.9.3', new asn1.ObjectIdentifier({ value: pki.ContentInfo.DATA })),
                attribute('1.2.840.113549.1.9.5', new asn1.UTCTime({ valueDate: new Date() })),
                attribute('1.2.840.113549.1.9.4', new asn1.OctetString({ valueHex: digest })),
              ],
            }),
          }),
        ],
      })
      await signedData.sign(key as never, 0, 'SHA-256', content, engine)
      const schema = signedData.toSchema(true)
      return new pki.ContentInfo({ contentType: pki.ContentInfo.SIGNED_DATA, content: schema }).toSchema().toBER(false)
    }
  }
  const messages = readPieces(read('messages.bin')).map((der) => Uint8Array.from(der))
  return async (index) => {
    if (task === 'verify-chain') {
      const chain = new CertificateChainValidationEngine({ trustedCerts: [root], certs: [issuing, signer] })
      const { result, resultMessage } = await chain.verify({}, engine)
      if (!result) throw new Error(resultMessage)
    }
    // Its own SignedData.verify finds a signer by key identifier only where that is the SHA-1 of the key.
    const contentInfo = pki.ContentInfo.fromBER(messages[index % messages.length] ?? Buffer.of())
    const signedData = new pki.SignedData({ schema: contentInfo.content })
    const [information] = signedData.signerInfos
    const attributes = information?.signedAttrs
    if (information === undefined || attributes === undefined) throw new Error('no signer')
    const stated = attributes.attributes.find(({ type }) => type === '1.2.840.113549.1.9.4')?.values[0] as
      { valueBlock: { valueHexView: Uint8Array } } | undefined
    const digest = Buffer.from(await engine.digest('SHA-256', content))
    if (!digest.equals(stated?.valueBlock.valueHexView ?? Buffer.of())) throw new Error('wrong digest')
    const { encodedValue } = attributes
    const { signature, signatureAlgorithm } = information
    const spki = signer.subjectPublicKeyInfo
    if (!(await engine.verifyWithPublicKey(encodedValue, signature, spki, signatureAlgorithm, 'SHA-256'))) {
      throw new Error('wrong signature')
    }
  }
}

const JOSE_ALGORITHMS: Readonly<Record<string, string>> = {
  p256: 'ES256',
  ed25519: 'EdDSA',
  rsa2048: 'RS256',
  'ml-dsa-65': 'ML-DSA-65',
}

async function jose(): Promise<Operation> {
  const { CompactSign, compactVerify, importPKCS8, importSPKI } = await import('jose')
  const alg = JOSE_ALGORITHMS[algorithm] ?? ''
  const privateKey = createPrivateKey({ key: read('signer-key.der'), format: 'der', type: 'pkcs8' })
  const publicKey = new X509Certificate(read('signer.der')).publicKey
  const [pkcs8, spki] = [
    privateKey.export({ format: 'pem', type: 'pkcs8' }),
    publicKey.export({ format: 'pem', type: 'spki' }),
  ]
  const signer = await importPKCS8(pkcs8.toString(), alg)
  const header = { alg, kid: 'compute-07', type: 'bench.run', aud: 'bench', jti: 'c29tZXRoaW5n', iat: 1, exp: 2 }
  const sign = (): Promise<string> => new CompactSign(content).setProtectedHeader(header).sign(signer)
  if (task === 'sign') return sign
  if (task !== 'verify') throw new Error('JWS has no certificate paths')
  const verifier = await importSPKI(spki.toString(), alg)
  const messages = await Promise.all(Array.from({ length: 64 }, sign))
  return (index) => compactVerify(messages[index % messages.length] ?? '', verifier, { algorithms: [alg] })
}

async function forge(): Promise<Operation> {
  interface Forge {
    readonly asn1: { fromDer(der: string): unknown; toDer(value: unknown): { getBytes(): string } }
    readonly pki: {
      certificateFromAsn1(value: unknown): unknown
      privateKeyFromAsn1(value: unknown): unknown
      readonly oids: Readonly<Record<string, string>>
    }
    readonly pkcs7: { createSignedData(): ForgeData }
    readonly util: { createBuffer(octets: string): unknown }
  }
  interface ForgeData {
    content: unknown
    addSigner(signer: object): void
    sign(options: object): void
    toAsn1(): unknown
  }
  const found = createRequire(join(modules, 'package.json'))('node-forge') as Forge
  if (algorithm !== 'rsa2048') throw new Error('node-forge reads RSA certificates only')
  if (task !== 'sign') throw new Error('node-forge has no verification of CMS')
  const parse = (name: string): unknown => found.asn1.fromDer(read(name).toString('latin1'))
  const certificate = found.pki.certificateFromAsn1(parse('signer.der'))
  const key = found.pki.privateKeyFromAsn1(parse('signer-key.der'))
  const { oids } = found.pki
  return () => {
    const data = found.pkcs7.createSignedData()
    data.content = found.util.createBuffer(content.toString('latin1'))
    data.addSigner({
      key,
      certificate,
      digestAlgorithm: oids['sha256'],
      authenticatedAttributes: [
        { type: oids['contentType'], value: oids['data'] },
        { type: oids['messageDigest'] },
        { type: oids['signingTime'], value: new Date() },
      ],
    })
    data.sign({ detached: true })
    return found.asn1.toDer(data.toAsn1()).getBytes()
  }
}

const LIBRARIES: Readonly<Record<string, () => Promise<Operation>>> = { pkijs, jose, 'node-forge': forge }

async function answer(): Promise<void> {
  const operation = await LIBRARIES[library]?.()
  if (operation === undefined) throw new Error(`no library ${library}`)
  await operation(0)
  const own = readFileSync(join(modules, 'node_modules', library, 'package.json'), 'utf8')
  const { version } = JSON.parse(own) as { readonly version: string }
  console.log(`ready ${library} ${version}, Node ${process.versions.node}`)
  let next = 0
  for await (const line of createInterface(process.stdin)) {
    const count = Number(line)
    for (let index = 0; index < count / 2; index++) await operation(next++)
    const start = process.hrtime.bigint()
    for (let index = 0; index < count; index++) await operation(next++)
    console.log(String(process.hrtime.bigint() - start))
  }
}

answer().catch((error: unknown) => {
  console.log(`cannot: ${error instanceof Error ? error.message : String(error)}`)
})
